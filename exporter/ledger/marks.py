"""What records are known again by while they stay as they are: one number for each that a sweep may read again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from exporter.model import MINUTE, Instant, Operation


class Marks:
    """The marks of operations as they were counted last, as far back as the lookback is read again.

    A mark stands for all fields that are read of a record, so a record with the mark of its id says nothing new. It is
    held by id, and not in a set, because a record may change to something and back. After a start there are none, and
    everything that is met again is read once more.
    """

    def __init__(self) -> None:
        self._by_id: dict[bytes, int] = {}
        self._minutes: defaultdict[int, list[bytes]] = defaultdict(list)
        self._horizon: Instant = 0

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def by_id(self) -> Mapping[bytes, int]:
        """The marks; one and the same mapping for as long as these live."""
        return self._by_id

    def remember(self, operations: Iterable[Operation], horizon: Instant) -> None:
        """Hold these, and let go of what was created before the horizon, which never goes back.

        An operation without a mark takes away the one of its id: it is no longer what it was.
        """
        self._horizon = max(self._horizon, horizon)
        marks, minutes, since = self._by_id, self._minutes, self._horizon
        for operation in operations:
            id_, mark = operation.id, operation.mark
            if not mark or operation.created < since:
                marks.pop(id_, None)
            elif marks.get(id_) != mark:
                marks[id_] = mark
                minutes[operation.created // MINUTE].append(id_)
        for minute in [minute for minute in minutes if (minute + 1) * MINUTE <= since]:
            for id_ in minutes.pop(minute):
                marks.pop(id_, None)
