"""What records are known again by while they stay as they are: one number for each that a sweep may read again."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from exporter.model import Instant, Operation, Operations

_marked = attrgetter("id", "created", "mark")


class Marks:
    """The marks of operations as they were counted last, as far back as the lookback is read again.

    A mark stands for all fields that are read of a record, so a record whose mark is held says nothing new. Each id has
    one mark, that of how its record was last, because a record may change to something and back. After a start there
    are none, and everything that is met again is read once more.
    """

    def __init__(self) -> None:
        self._by_id: dict[bytes, int] = {}
        self._ids: dict[int, bytes] = {}
        self._batches: deque[tuple[Instant, Sequence[bytes]]] = deque()
        self._horizon: Instant = 0

    @property
    def by_id(self) -> Mapping[bytes, int]:
        """The marks; one and the same mapping for as long as these live."""
        return self._by_id

    @property
    def ids(self) -> Mapping[int, bytes]:
        """The ids by their marks, likewise."""
        return self._ids

    def remember(
        self, first_met: Iterable[Operations], met: Sequence[Operation], now: Instant, horizon: Instant
    ) -> None:
        """Hold these, and let go of what was created before the horizon, which never goes back.

        They are let go together, when the newest of them would be. An operation without a mark takes away the one of
        its id: it is no longer what it was. Those that are met for the first time have marks, and their ids have none.
        """
        self._horizon = max(self._horizon, horizon)
        for some in first_met:
            if min(some.created) >= self._horizon:
                self._remember_new(some.ids, some.marks)
            else:
                self._remember_each(some.ids, some.created, some.marks)
            self._batches.append((min(max(some.created), now), some.ids))
        if met:
            ids, created, marks = zip(*map(_marked, met), strict=True)
            self._remember_each(ids, created, marks)
            self._batches.append((min(max(created), now), ids))
        while self._batches and self._batches[0][0] < self._horizon:
            for id_ in self._batches.popleft()[1]:
                self._let_go(id_)

    def _remember_new(self, ids: Sequence[bytes], marks: Sequence[int]) -> None:
        held = len(self._by_id)
        self._by_id.update(zip(ids, marks, strict=True))
        self._ids.update(zip(marks, ids, strict=True))
        if len(self._by_id) != held + len(ids):  # some had marks after all, which must not be known again
            self._ids.clear()
            self._ids.update({mark: id_ for id_, mark in self._by_id.items()})

    def _remember_each(self, ids: Sequence[bytes], created: Sequence[Instant], marks: Sequence[int]) -> None:
        for id_, moment, mark in zip(ids, created, marks, strict=True):
            self._let_go(id_)
            if mark and moment >= self._horizon:
                self._by_id[id_], self._ids[mark] = mark, id_

    def _let_go(self, id_: bytes) -> None:
        mark = self._by_id.pop(id_, None)
        if mark is not None:
            self._ids.pop(mark, None)
