"""What records are known again by while they stay as they are: one number for each that a sweep may read again."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count

from exporter.ledger.rows import Rows
from exporter.model import Instant, Operation, Operations


class Marks:
    """The marks of operations as they were counted last, as far back as the lookback is read again.

    A mark stands for a whole record, so a record whose mark is held says nothing new. Each row has one mark, that of
    how its record was last, because a record may change to something and back; with the row it goes. A record gets its
    mark from the first sweep that meets it: the head meets most records once, and would make marks for nothing.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._batches: list[tuple[Instant, int, Sequence[int]]] = []
        self._numbers = count()
        self._horizon: Instant = 0

    @property
    def ids(self) -> Mapping[int, bytes]:
        """The ids by their marks; one and the same mapping for as long as these live."""
        return self._rows.marked

    def remember(
        self, first_met: Iterable[Operations], met: Sequence[Operation], now: Instant, horizon: Instant
    ) -> None:
        """Hold these, whose rows are there, and let go of what was created before the horizon, which never goes back.

        They are let go together, when the newest of them would be. An operation without a mark takes away the one of
        its row: it is no longer what it was. The rows of those that are met for the first time have their marks.
        """
        self._horizon = max(self._horizon, horizon)
        for some in first_met:
            if min(some.created) >= self._horizon:
                self._rows.marked.update(zip(some.marks, some.ids, strict=True))
                self._rows.marked.pop(0, None)
                self._hold(some.created, now, some.marks)
            else:
                self._remember_each(some, now)
        self._remember_each(met, now)
        while self._batches and self._batches[0][0] < self._horizon:
            for mark in heappop(self._batches)[2]:
                self._rows.marked.pop(mark, None)

    def _remember_each(self, operations: Sequence[Operation], now: Instant) -> None:
        held: list[Operation] = []
        for each in operations:  # one by one: the mark of one may take away that of another with its id
            if self._rows.mark(each.id, each.mark) and each.created >= self._horizon:
                self._rows.marked[each.mark] = each.id
                held.append(each)
        if held:
            self._hold([each.created for each in held], now, [each.mark for each in held])

    def _hold(self, created: Sequence[Instant], now: Instant, marks: Sequence[int]) -> None:
        heappush(self._batches, (min(max(created), now), next(self._numbers), marks))
