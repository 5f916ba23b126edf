"""What records are known again by while they stay as they are: one number for each that a sweep may read again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from exporter.ledger.rows import Rows
from exporter.model import MINUTE, Instant, Operation


class Marks:
    """The marks of operations as they were counted last, as far back as the lookback is read again.

    A mark stands for a whole record, so a record whose mark is held says nothing new. Each row has one mark, that of
    how its record was last, because a record may change to something and back; with the row it goes. A record gets its
    mark from the first sweep that meets it: the head meets most records once, and would make marks for nothing.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._minutes: defaultdict[int, set[bytes]] = defaultdict(set)
        self._horizon: Instant = 0

    @property
    def ids(self) -> Mapping[int, bytes]:
        """The ids by their marks; one and the same mapping for as long as these live."""
        return self._rows.marked

    def remember(self, met: Iterable[Operation], now: Instant, horizon: Instant) -> None:
        """Hold the marks of these, whose rows are there, and let go of those of what was created before the horizon.

        The horizon never goes back, and marks are let go by the minute. An id stands in its minute once, however often
        it is marked: a bank that writes its records differently each time must not fill the memory. An operation
        without a mark takes away that of its row: it is no longer what it was.
        """
        self._horizon = max(self._horizon, horizon)
        for each in met:  # in their order: the last of those with one id says how its record is now
            if self._rows.mark(each.id, each.mark if each.created >= self._horizon else 0):
                self._minutes[min(each.created, now) // MINUTE].add(each.id)
        for minute in [minute for minute in self._minutes if minute < self._horizon // MINUTE]:
            for id_ in self._minutes.pop(minute):
                self._rows.mark(id_, 0)
