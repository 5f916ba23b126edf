"""Traces of operations as rows of dense columns, found by their likeness: some 65 bytes each; objects take 360."""

from array import array
from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Final

from exporter.model import ID_BYTES, Instant, Trace

_EXEMPT: Final = 1
_FRESH: Final = 2

_columns = attrgetter("likeness", "id", "created", "exempt", "fresh")


class Traces:
    """Columns by row, and the rows by likeness. Of one likeness and id there is one row, the newest that came.

    The index is a table of row numbers, open addressing with linear probing, as that of `Rows`: 0 is an empty slot, and
    at most half are in use. Likenesses are hashes already, so their lowest bits are a slot. Rows of one likeness
    stand behind each other in their order. A row that is older than a horizon stays until half of the rows are: then
    all the others are entered anew, which costs less than to take out each by itself.
    """

    __slots__ = ("_flags", "_half", "_ids", "_likenesses", "_slots", "created")

    def __init__(self) -> None:
        self._likenesses: array[int] = array("q")
        self.created: array[Instant] = array("q")
        self._ids = bytearray()
        self._flags = bytearray()
        self._slots: array[int] = array("I", bytes(4 * 4))
        self._half: Instant = 0
        """When half of the rows had been created that were left by the last letting go."""

    def since(self, instant: Instant) -> int:
        """How many rows were created at or after an instant."""
        return sum(created >= instant for created in self.created)

    def common(self, likenesses: Collection[int]) -> set[int]:
        """Those of some likenesses that there are rows of, some of which may be older than the horizon."""
        slots, held, last = self._slots, self._likenesses, len(self._slots) - 1
        found: set[int] = set()
        for likeness in likenesses:
            slot = likeness & last
            while row := slots[slot]:
                if held[row - 1] == likeness:
                    found.add(likeness)
                    break
                slot = (slot + 1) & last
        return found

    def rows(self, likeness: int) -> Iterator[int]:
        """The rows of a likeness, oldest arrival first."""
        slots, held, last = self._slots, self._likenesses, len(self._slots) - 1
        slot = likeness & last
        while row := slots[slot]:
            if held[row - 1] == likeness:
                yield row - 1
            slot = (slot + 1) & last

    def id(self, row: int) -> bytes:
        """The id of a row's operation."""
        return bytes(self._ids[row * ID_BYTES : row * ID_BYTES + ID_BYTES])

    def trace(self, row: int, terminal: str) -> Trace:
        """A row as a record."""
        flags = self._flags[row]
        exempt, fresh = bool(flags & _EXEMPT), bool(flags & _FRESH)
        return Trace(terminal, self._likenesses[row], self.id(row), self.created[row], exempt, fresh)

    def add(self, traces: Collection[Trace]) -> None:
        """Take in some, one at least, each in place of the one with the same likeness and id."""
        count = len(self.created) + len(traces)
        if 2 * count > len(self._slots):
            self._grow(count)
        slots, held, ids, last = self._slots, self._likenesses, self._ids, len(self._slots) - 1
        for likeness, id_, created, exempt, fresh in map(_columns, traces):
            flags = _EXEMPT * exempt + _FRESH * fresh
            slot = likeness & last
            while row := slots[slot]:
                if held[row - 1] == likeness and ids.startswith(id_, row * ID_BYTES - ID_BYTES):
                    self.created[row - 1], self._flags[row - 1] = created, flags
                    break
                slot = (slot + 1) & last
            else:
                held.append(likeness)
                self.created.append(created)
                ids += id_
                self._flags.append(flags)
                slots[slot] = len(held)

    def let_go(self, horizon: Instant) -> None:
        """Drop the rows created before a horizon, once they are about half of all."""
        if self._half >= horizon:
            return
        created = self.created
        kept = [row for row in range(len(created)) if created[row] >= horizon]
        if len(kept) < len(created):
            self._likenesses = array("q", map(self._likenesses.__getitem__, kept))
            self._ids = bytearray(b"".join(map(self.id, kept)))
            self._flags = bytearray(map(self._flags.__getitem__, kept))
            self.created = array("q", map(created.__getitem__, kept))
            self._slots = array("I", bytes(4 * 4))
            self._grow(len(kept))
        self._half = self.created[len(kept) // 2] if kept else horizon

    def _grow(self, count: int) -> None:
        size = len(self._slots)
        while 2 * count > size:
            size *= 2
        self._slots = slots = array("I", bytes(4 * size))
        last = size - 1
        for row, likeness in enumerate(self._likenesses, 1):
            slot = likeness & last
            while slots[slot]:
                slot = (slot + 1) & last
            slots[slot] = row
