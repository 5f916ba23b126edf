"""Rows in the order of their operations' own time, to the microsecond, wherever in it they come and go."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from exporter.ledger.rows import Rows
from exporter.model import Instant, Outcome

Largest = dict[tuple[Outcome, str], tuple[int, Instant]]
"""By outcome and currency the largest amount, and when the last operation of that amount was created."""

_LONGEST: Final = 512
"""Rows of a piece before it is cut in two: what is moved when one comes or goes within it."""


class Timeline:
    """Row numbers in pieces, each of which keeps the largest amounts of its rows once somebody has asked for them."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._created: Callable[[int], Instant] = rows.created.__getitem__
        self._pieces: list[_Piece] = []

    def add(self, rows: Iterable[int]) -> None:
        """Put rows into their places: those that are newer than all, the common case, together at the end."""
        created, pieces = self._created, self._pieces
        ordered = sorted(rows, key=created)
        at = bisect_left(ordered, created(pieces[-1].rows[-1]), key=created) if pieces else 0
        for row in ordered[:at]:
            self._insert(row)
        while at < len(ordered):
            if not pieces or len(pieces[-1].rows) >= _LONGEST:
                pieces.append(_Piece())
            piece = pieces[-1]
            end = at + _LONGEST - len(piece.rows)
            piece.rows.extend(ordered[at:end])
            piece.largest = None
            at = end

    def _insert(self, row: int) -> None:
        created, pieces = self._created(row), self._pieces
        at = self._first(created)
        piece = pieces[at]
        piece.rows.insert(bisect_right(piece.rows, created, key=self._created), row)
        piece.largest = None
        if len(piece.rows) > _LONGEST:
            later = _Piece()
            later.rows, piece.rows = piece.rows[_LONGEST // 2 :], piece.rows[: _LONGEST // 2]
            pieces.insert(at + 1, later)

    def remove(self, row: int) -> None:
        """Take a row out, before it is let go; it must be here."""
        at = self._first(self._created(row))
        while row not in self._pieces[at].rows:
            at += 1
        piece = self._pieces[at]
        piece.rows.remove(row)
        piece.largest = None
        if not piece.rows:
            del self._pieces[at]

    def between(self, start: Instant, end: Instant) -> "array[int]":
        """The rows created in [start, end), oldest first."""
        found: array[int] = array("I")
        for piece, rows in self._within(start, end):
            found += piece.rows if rows is None else rows
        return found

    def largest(self, start: Instant, end: Instant) -> Largest:
        """The largest amounts of [start, end): most of it is known by piece, and only its two ends are looked at."""
        found: Largest = {}
        for piece, rows in self._within(start, end):
            if rows is not None:
                further = self._largest(rows)
            elif piece.largest is None:
                further = piece.largest = self._largest(piece.rows)
            else:
                further = piece.largest
            keep_larger(found, further)
        return found

    def _within(self, start: Instant, end: Instant) -> "Iterator[tuple[_Piece, array[int] | None]]":
        """The pieces that touch [start, end), with those of their rows that lie inside; None where all of them do."""
        created = self._created
        for at in range(self._first(start), len(self._pieces)):
            piece = self._pieces[at]
            first, last = created(piece.rows[0]), created(piece.rows[-1])
            if first >= end:
                return
            if start <= first and last < end:
                yield piece, None
                continue
            low = bisect_left(piece.rows, start, key=created) if first < start else 0
            high = bisect_left(piece.rows, end, low, key=created) if last >= end else len(piece.rows)
            if low < high:
                yield piece, piece.rows[low:high]

    def _first(self, instant: Instant) -> int:
        """The first piece that does not end before an instant."""
        if not self._pieces or self._created(self._pieces[0].rows[-1]) >= instant:  # what is looked for at every poll
            return 0
        return bisect_left(self._pieces, instant, key=lambda piece: self._created(piece.rows[-1]))

    def _largest(self, rows: Iterable[int]) -> Largest:
        series, amounts = self._rows.series, self._rows.amounts
        found: Largest = {}
        for row in rows:
            group, amount = series[row].group, amounts[row]
            if group not in found or amount >= found[group][0]:  # in the order of time, so the last of the same
                found[group] = (amount, self._created(row))
        return found


def keep_larger(largest: Largest, further: Largest) -> None:
    """Keep in the first what is larger in the second, or as large and later."""
    for group, found in further.items():
        if found > largest.get(group, _NONE):
            largest[group] = found


_NONE: Final = (-1, 0)


class _Piece:
    __slots__ = ("largest", "rows")

    def __init__(self) -> None:
        self.rows: array[int] = array("I")
        self.largest: Largest | None = None
