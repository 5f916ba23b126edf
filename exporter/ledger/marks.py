"""What records are known again by while they stay as they are: one number for each that a sweep may read again."""

from collections import deque
from collections.abc import Mapping, Sequence

from exporter.model import Instant, Operation


class Marks:
    """The marks of operations as they were counted last, as far back as the lookback is read again.

    A mark stands for all fields that are read of a record, so a record with the mark of its id says nothing new. It is
    held by id, and not in a set, because a record may change to something and back. After a start there are none, and
    everything that is met again is read once more.
    """

    def __init__(self) -> None:
        self._by_id: dict[bytes, int] = {}
        self._batches: deque[tuple[Instant, tuple[bytes, ...]]] = deque()
        self._horizon: Instant = 0

    @property
    def by_id(self) -> Mapping[bytes, int]:
        """The marks; one and the same mapping for as long as these live."""
        return self._by_id

    def remember(self, operations: Sequence[Operation], now: Instant, horizon: Instant) -> None:
        """Hold these, and let go of what was created before the horizon, which never goes back.

        They are let go together, when the newest of them would be. An operation without a mark takes away the one of
        its id: it is no longer what it was.
        """
        self._horizon = max(self._horizon, horizon)
        if operations:
            ids, _, created, *_, marks = zip(*operations, strict=True)
            latest: dict[bytes, int] = dict(zip(ids, marks, strict=True))
            if not all(marks) or min(created) < self._horizon:
                for operation in operations:
                    if not operation.mark or operation.created < self._horizon:
                        latest[operation.id] = 0
                for id_ in [id_ for id_, mark in latest.items() if not mark]:
                    del latest[id_]
                    self._by_id.pop(id_, None)
            self._by_id.update(latest)
            self._batches.append((min(max(created), now), tuple(latest)))
        while self._batches and self._batches[0][0] < self._horizon:
            for id_ in self._batches.popleft()[1]:
                self._by_id.pop(id_, None)
