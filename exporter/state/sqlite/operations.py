"""The table of segments: operations written with each commit, found by hour or by id, packed when their hour closes."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from exporter.model import HOUR, Details, Entries, Entry, Instant, Series, Span
from exporter.state.sqlite.numbering import Numbering
from exporter.state.sqlite.packing import CODES, FOLLOWED, GONE, STANDINGS, Row, Segment, apart, each_id, rows, segment
from exporter.state.sqlite.schema import SEGMENT
from exporter.state.sqlite.sieve import Sieve

_NEXT: Final = "SELECT coalesce(max(number), 0) + 1 FROM segments WHERE hour = ?"
_SEGMENTS: Final = "SELECT records, followed, packed, ids, columns FROM segments WHERE hour = ? AND number >= ?"
_FIRST_FOLLOWED: Final = "SELECT min(number) FROM segments WHERE hour = ? AND followed"
_LOOSE: Final = """
    SELECT hour FROM segments WHERE hour < ? GROUP BY hour
    HAVING 4 * sum(records * (1 - packed)) > sum(records * packed)
"""
"""Hours of which more than a fifth is not packed: a few changes of an old hour are not worth writing it anew."""


class Operations:
    """What is kept of operations. Transactions, and one call at a time, are its caller's business."""

    def __init__(self, db: sqlite3.Connection, series: Numbering[Series], details: Numbering[Details]) -> None:
        self._db = db
        self._series = series
        self._details = details
        self._sieve: Sieve | None = None
        self._hours = self._stored_hours()
        self._fresh: list[tuple[int, Sequence[bytes]]] = []
        self._left: set[int] | None = None

    def write(self, entries: Collection[Entry], moved: Collection[Entry]) -> None:
        """Put entries in place of those with their id, terminal and hour, once the moved ones are gone."""
        for hour, some in _by_hour(Entries.of(moved)):
            self._insert(hour, self._segment(hour, some, gone=True))
        for hour, some in _by_hour(Entries.of(entries)):
            self._insert(hour, self._segment(hour, some))
            self._fresh.append((hour, some.ids))

    def _segment(self, hour: int, entries: Entries, *, gone: bool = False) -> Segment:
        start, count = hour * HOUR, len(entries)
        return segment(
            entries.ids,
            [instant - start for instant in entries.created],
            self._series.of(entries.series),
            entries.amounts,
            [GONE] * count if gone else list(map(CODES.__getitem__, entries.standings)),
            self._details.of(entries.details) if any(entries.details) else [0] * count,
        )

    def since(self, instant: Instant) -> tuple[Entry, ...]:
        """What was created at an instant or later, and what is followed, whenever it was."""
        first = instant // HOUR
        found: list[Entry] = []
        for hour in sorted(self._hours):
            start = instant - hour * HOUR
            some = self._latest(hour) if hour >= first else self._from_followed(hour)
            found += self._entries(hour, (row for row in some if row[1] >= start or row[4] == FOLLOWED))
        return tuple(found)

    def within(self, span: Span) -> tuple[Entry, ...]:
        """What was created in a span."""
        found: list[Entry] = []
        for hour in sorted(self._hours & set(range(span.start // HOUR, span.end // HOUR + 1))):
            start, end = span.start - hour * HOUR, span.end - hour * HOUR
            found += self._entries(hour, (row for row in self._latest(hour) if start <= row[1] < end))
        return tuple(found)

    def suspected(self, ids: Collection[bytes]) -> Collection[bytes]:
        """All of some ids that are kept, and hardly any other."""
        return frozenset(id_ for id_, _ in self._suspicions(ids))

    def known(self, ids: Collection[bytes], names: Collection[str]) -> tuple[Entry, ...]:
        """The entries of these terminals with these ids."""
        wanted: defaultdict[int, set[bytes]] = defaultdict(set)
        for id_, hour in self._suspicions(ids):
            wanted[hour].add(id_)
        return tuple(
            entry
            for hour, some in wanted.items()
            for entry in self._entries(hour, self._latest(hour, wanted=some))
            if entry.key.terminal in names
        )

    def _suspicions(self, ids: Collection[bytes]) -> Iterator[tuple[bytes, int]]:
        if self._sieve is None:
            self._sieve = self._filled()
        return self._sieve.hours(tuple(ids), self._hours)

    def expire(self, before: int) -> None:
        """Let go of hours before one, but for what is followed."""
        for hour in sorted(hour for hour in self._hours if hour < before):
            self._replace(hour, [row for row in self._from_followed(hour) if row[4] == FOLLOWED])
        self._left = self._stored_hours()

    def settle(self, *, committed: bool) -> None:
        """The transaction has ended: what it wrote and let go of is known from now on, or has never been."""
        if committed:
            for hour, ids in self._fresh:
                self._hours.add(hour)
                if self._sieve is not None:
                    self._sieve.add(ids, hour)
            if self._left is not None:
                self._hours = self._left
                if self._sieve is not None:
                    self._sieve.let_go(self._hours)
        self._fresh.clear()
        self._left = None

    def loose(self) -> tuple[int, ...]:
        """The hours before the newest that are to be packed."""
        newest = max(self._hours, default=0)
        return tuple(hour for (hour,) in self._db.execute(_LOOSE, (newest,)))

    def pack(self, hour: int) -> None:
        """Write an hour anew, each operation once, as small as it gets."""
        self._replace(hour, list(self._latest(hour)))

    def _stored_hours(self) -> set[int]:
        return {hour for (hour,) in self._db.execute("SELECT DISTINCT hour FROM segments")}

    def _insert(self, hour: int, some: Segment) -> None:
        (number,) = self._db.execute(_NEXT, (hour,)).fetchone()
        self._db.execute(SEGMENT, (hour, number, *some))

    def _replace(self, hour: int, found: list[Row]) -> None:
        self._db.execute("DELETE FROM segments WHERE hour = ?", (hour,))
        for some in apart(found):
            self._insert(hour, some)

    def _latest(self, hour: int, first: int = 0, wanted: AbstractSet[bytes] | None = None) -> Iterable[Row]:
        """The rows of an hour that hold, as far as segments from one on tell; all, or those with some ids."""
        segments = [Segment(*columns) for columns in self._db.execute(_SEGMENTS, (hour, first))]
        if wanted is not None:
            segments = [some for some in segments if not wanted.isdisjoint(each_id(some.ids))]
        found = (row for some in segments for row in rows(some) if wanted is None or row[0] in wanted)
        if all(some.packed for some in segments):  # none of them is about an operation of another
            return found
        values = self._series.values
        latest = {(row[0], values[row[2]].key.terminal): row for row in found}
        return (row for row in latest.values() if row[4] != GONE)

    def _from_followed(self, hour: int) -> Iterable[Row]:
        """Enough of an hour to find all that is followed: nothing before the first segment with such rows can be."""
        (first,) = self._db.execute(_FIRST_FOLLOWED, (hour,)).fetchone()
        return () if first is None else self._latest(hour, first)

    def _entries(self, hour: int, found: Iterable[Row]) -> Iterator[Entry]:
        start, series, details = hour * HOUR, self._series.values, self._details.values
        for id_, offset, number, amount, standing, pairs in found:
            one = series[number]
            yield Entry(id_, start + offset, one.key, amount, one.currency, STANDINGS[standing], details[pairs])

    def _filled(self) -> Sieve:
        sieve = Sieve()
        for hour, ids in self._db.execute("SELECT hour, ids FROM segments"):
            sieve.add(list(each_id(ids)), hour)
        return sieve


def _by_hour(entries: Entries) -> Iterable[tuple[int, Entries]]:
    created = entries.created
    if created and min(created) // HOUR == max(created) // HOUR:
        return ((created[0] // HOUR, entries),)
    found: dict[int, list[Entry]] = {hour: [] for hour in sorted({moment // HOUR for moment in created})}
    for entry in entries:
        found[entry.created // HOUR].append(entry)
    return ((hour, Entries.of(some)) for hour, some in found.items())
