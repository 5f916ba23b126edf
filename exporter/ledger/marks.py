"""What records are known again by while they stay as they are: one number for each that a sweep may read again."""

from collections import deque
from collections.abc import Mapping, Sequence
from operator import attrgetter

from exporter.model import Instant, Operation

_marked = attrgetter("id", "created", "mark")


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
            ids, created, marks = zip(*map(_marked, operations), strict=True)
            if all(marks) and min(created) >= self._horizon:
                self._by_id.update(zip(ids, marks, strict=True))
            else:
                ids = self._remember_each(operations)
            self._batches.append((min(max(created), now), ids))
        while self._batches and self._batches[0][0] < self._horizon:
            for id_ in self._batches.popleft()[1]:
                self._by_id.pop(id_, None)

    def _remember_each(self, operations: Sequence[Operation]) -> tuple[bytes, ...]:
        """Hold those that are to be held, of each id the last; which they were."""
        latest = {each.id: each.mark if each.created >= self._horizon else 0 for each in operations}
        for id_, mark in latest.items():
            if mark:
                self._by_id[id_] = mark
            else:
                self._by_id.pop(id_, None)
        return tuple(id_ for id_, mark in latest.items() if mark)
