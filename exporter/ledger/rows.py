"""The operations that are remembered, as rows of dense columns: about 80 bytes each, where objects take 350.

A row number is only good until the row is removed; then another operation may get it.
"""

import struct
from array import array
from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter
from typing import Final

from exporter.model import ID_BYTES, Details, Entries, Entry, Instant, Series, Standing

_STANDINGS: Final = tuple(Standing)
_NUMBERS: Final = {standing: number for number, standing in enumerate(_STANDINGS)}
_LARGE: Final = 1 << 16
"""Slots (256 kB) from which on a table is doubled: smaller ones grow faster, as every growth enters all rows anew."""

_EACH: Final = struct.Struct(f"{ID_BYTES}s")
_only: Final = itemgetter(0)


class Rows:
    """Columns by row number, and the rows by their operations' ids.

    The index is a table of row numbers, open addressing with linear probing; 0 is an empty slot, so row n stands in it
    as n + 1. Its size is a power of two, so the lowest bits of a hash are a slot, and at most half of it is in use:
    then most ids that are not there are told from one empty slot. Python hashes bytes with a key, so ids of a pattern
    spread like any others. `broken_down`: some row has, or had, details; without that there is no column of them.
    `marked`: the ids by the marks that hold.
    """

    def __init__(self) -> None:
        self.created: array[Instant] = array("q")
        self.amounts: array[int] = array("q")
        self.series: list[Series] = []
        self.details: list[Details] = []
        self.broken_down = False
        self.marked: dict[int, bytes] = {}
        self._marks: array[int] = array("q")
        self._ids = bytearray()
        self._standings = bytearray()
        self._free: array[int] = array("I")
        self._slots: array[int] = array("I", bytes(4 * 8))

    def __len__(self) -> int:
        return len(self.series) - len(self._free)

    def find(self, id_: bytes) -> int | None:
        """The row of an id, where it is remembered."""
        slots, ids, last = self._slots, self._ids, len(self._slots) - 1
        slot = hash(id_) & last
        while row := slots[slot]:
            if ids.startswith(id_, row * ID_BYTES - ID_BYTES):  # compared where it is: a slice would be a copy
                return row - 1
            slot = (slot + 1) & last
        return None

    def absent(self, ids: Collection[bytes]) -> list[bytes]:
        """Those of some ids that are not remembered."""
        slots, held, last = self._slots, self._ids, len(self._slots) - 1
        found: list[bytes] = []
        for id_, slot in zip(ids, map(last.__and__, map(hash, ids)), strict=True):
            while row := slots[slot]:
                if held.startswith(id_, row * ID_BYTES - ID_BYTES):
                    break
                slot = (slot + 1) & last
            else:
                found.append(id_)
        return found

    def entry(self, row: int, id_: bytes | None = None) -> Entry:
        """A row as a record; quicker where its id is at hand."""
        series = self.series[row]
        return Entry(
            bytes(self._ids[row * ID_BYTES : row * ID_BYTES + ID_BYTES]) if id_ is None else id_,
            self.created[row],
            series.key,
            self.amounts[row],
            series.currency,
            _STANDINGS[self._standings[row]],
            self.details[row] if self.broken_down else (),
        )

    def standing(self, row: int) -> Standing:
        """Where a row's operation stands with the totals."""
        return _STANDINGS[self._standings[row]]

    def add(self, entries: Entries) -> tuple[Sequence[int], Sequence[int]]:
        """Take in entries, one at least: their rows, and the rows of the same ids that they stand in place of.

        Column by column; free rows come before new ones. What is replaced is no longer found by its id, and is to be
        let go by `free`.
        """
        ids, created, amounts = entries.ids, entries.created, entries.amounts
        details = entries.details
        if 2 * (len(self) + len(ids)) > len(self._slots):
            self._grow(len(self) + len(ids))
        if not self.broken_down and any(details):
            self.broken_down = True
            self.details = [()] * len(self.series)
        series = entries.series
        numbers = bytes(map(_NUMBERS.__getitem__, entries.standings))
        reused = min(len(ids), len(self._free))
        rows = [self._free.pop() for _ in range(reused)]
        for place, row in enumerate(rows):
            self._ids[row * ID_BYTES : row * ID_BYTES + ID_BYTES] = ids[place]
            self.created[row], self.amounts[row] = created[place], amounts[place]
            self.series[row], self._standings[row] = series[place], numbers[place]
            if self.broken_down:
                self.details[row] = details[place]
        rows += range(len(self.series), len(self.series) + len(ids) - reused)
        self._ids += b"".join(ids[reused:])
        self.created.extend(created[reused:])
        self.amounts.extend(amounts[reused:])
        self.series += series[reused:]
        self._standings += numbers[reused:]
        self._marks.frombytes(bytes(self._marks.itemsize * (len(ids) - reused)))
        if self.broken_down:
            self.details += details[reused:]
        if entries.all_new:
            self._enter(rows, ids)
            return rows, ()
        return rows, self._replace(rows, ids)

    def mark(self, id_: bytes, mark: int) -> bool:
        """Have an id's row marked anew, 0 for not at all; whether there is one that is marked now."""
        row = self.find(id_)
        if row is None:
            return False
        self._unmark(row)
        if mark:
            self._marks[row] = mark
            self.marked[mark] = id_
        return mark != 0

    def _unmark(self, row: int) -> None:
        if self._marks[row]:
            self.marked.pop(self._marks[row], None)
            self._marks[row] = 0

    def free(self, row: int) -> None:
        """Let a row go that its id does not lead to any more."""
        self._unmark(row)
        if self.broken_down:
            self.details[row] = ()
        self._free.append(row)

    def remove(self, row: int) -> None:
        """Let a row go; what was displaced by its slot in the index moves up."""
        slots, last = self._slots, len(self._slots) - 1
        slot = hash(self._id(row)) & last
        while slots[slot] != row + 1:
            slot = (slot + 1) & last
        slots[slot] = 0
        while moved := slots[slot := (slot + 1) & last]:
            slots[slot] = 0
            self._enter((moved - 1,), (self._id(moved - 1),))
        self.free(row)

    def _id(self, row: int) -> bytes:
        return bytes(self._ids[row * ID_BYTES : row * ID_BYTES + ID_BYTES])

    def _enter(self, rows: Iterable[int], ids: Iterable[bytes]) -> None:
        slots, last = self._slots, len(self._slots) - 1
        for row, slot in zip(rows, map(last.__and__, map(hash, ids)), strict=True):
            while slots[slot]:
                slot = (slot + 1) & last
            slots[slot] = row + 1

    def _replace(self, rows: Iterable[int], ids: Iterable[bytes]) -> list[int]:
        """Have ids lead to rows; the rows that they led to before."""
        slots, held, last = self._slots, self._ids, len(self._slots) - 1
        replaced: list[int] = []
        for row, id_, slot in zip(rows, ids, map(last.__and__, map(hash, ids)), strict=True):
            while other := slots[slot]:
                if held.startswith(id_, other * ID_BYTES - ID_BYTES):
                    replaced.append(other - 1)
                    break
                slot = (slot + 1) & last
            slots[slot] = row + 1
        return replaced

    def _grow(self, count: int) -> None:
        size = len(self._slots)
        while size < 2 * count:
            size *= 2 if size >= _LARGE else 4
        self._slots = array("I", bytes(4 * size))
        if self._free:
            held = sorted(set(range(len(self.series))).difference(self._free))
            self._enter(held, map(self._id, held))
        else:
            self._enter(range(len(self.series)), map(_only, _EACH.iter_unpack(self._ids)))
