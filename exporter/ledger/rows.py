"""The operations that are remembered, as rows of dense columns: about 80 bytes each, where objects take 350.

A row number is only good until the row is removed; then another operation may get it.
"""

from array import array
from dataclasses import dataclass
from typing import Final

from exporter.model import Details, Entry, Instant, Outcome, SeriesKey, Standing

_STANDINGS: Final = tuple(Standing)
_NUMBERS: Final = {standing: number for number, standing in enumerate(_STANDINGS)}
_ID: Final = 16
"""Bytes of an id."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What operations of the same series and currency share: one object of each, told apart by identity."""

    key: SeriesKey
    currency: str
    pair: tuple[SeriesKey, str]
    group: tuple[Outcome, str]
    pending: bool


class Rows:
    """Columns by row number, and the rows by their operations' ids.

    The index is a table of row numbers, open addressing with linear probing; 0 is an empty slot, so row n stands in it
    as n + 1. At most two thirds of it are in use. `broken_down`: some row has, or had, details.
    """

    def __init__(self) -> None:
        self.created: array[Instant] = array("q")
        self.amounts: array[int] = array("q")
        self.kinds: list[Kind] = []
        self.details: list[Details] = []
        self.broken_down = False
        self._ids = bytearray()
        self._standings = bytearray()
        self._free: array[int] = array("I")
        self._known: dict[tuple[SeriesKey, str], Kind] = {}
        self._slots: array[int] = array("I", bytes(4 * 8))

    def __len__(self) -> int:
        return len(self.kinds) - len(self._free)

    def find(self, id_: bytes) -> int | None:
        """The row of an id, where it is remembered."""
        slots, ids = self._slots, self._ids
        slot = hash(id_) % len(slots)
        while row := slots[slot]:
            end = row * _ID
            if ids[end - _ID : end] == id_:
                return row - 1
            slot = (slot + 1) % len(slots)
        return None

    def entry(self, row: int, id_: bytes | None = None) -> Entry:
        """A row as a record; quicker where its id is at hand."""
        kind = self.kinds[row]
        return Entry(
            bytes(self._ids[row * _ID : row * _ID + _ID]) if id_ is None else id_,
            self.created[row],
            kind.key,
            self.amounts[row],
            kind.currency,
            _STANDINGS[self._standings[row]],
            self.details[row],
        )

    def standing(self, row: int) -> Standing:
        """Where a row's operation stands with the totals."""
        return _STANDINGS[self._standings[row]]

    def add(self, entry: Entry) -> int:
        """Take in an entry whose id is not held; its row."""
        if 3 * (len(self.kinds) - len(self._free)) >= 2 * len(self._slots) - 3:
            self._grow()
        kind, standing = self._kind(entry.key, entry.currency), _NUMBERS[entry.standing]
        if self._free:
            row = self._free.pop()
            self._ids[row * _ID : row * _ID + _ID] = entry.id
            self.created[row], self.amounts[row] = entry.created, entry.amount
            self.kinds[row], self.details[row], self._standings[row] = kind, entry.details, standing
        else:
            row = len(self.kinds)
            self._ids += entry.id
            self.created.append(entry.created)
            self.amounts.append(entry.amount)
            self.kinds.append(kind)
            self.details.append(entry.details)
            self._standings.append(standing)
        self.broken_down = self.broken_down or bool(entry.details)
        self._enter(row, hash(entry.id))
        return row

    def remove(self, row: int) -> None:
        """Let a row go; what was displaced by its slot in the index moves up."""
        slots = self._slots
        slot = self._hash(row) % len(slots)
        while slots[slot] != row + 1:
            slot = (slot + 1) % len(slots)
        slots[slot] = 0
        while moved := slots[slot := (slot + 1) % len(slots)]:
            slots[slot] = 0
            self._enter(moved - 1, self._hash(moved - 1))
        self.details[row] = ()
        self._free.append(row)

    def _kind(self, key: SeriesKey, currency: str) -> Kind:
        pair = (key, currency)
        kind = self._known.get(pair)
        if kind is None:
            kind = self._known[pair] = Kind(
                key, currency, pair, (key.outcome, currency), key.outcome is Outcome.PENDING
            )
        return kind

    def _hash(self, row: int) -> int:
        return hash(bytes(self._ids[row * _ID : row * _ID + _ID]))

    def _enter(self, row: int, hashed: int) -> None:
        slots = self._slots
        slot = hashed % len(slots)
        while slots[slot]:
            slot = (slot + 1) % len(slots)
        slots[slot] = row + 1

    def _grow(self) -> None:
        rows = [row for row in self._slots if row]
        self._slots = array("I", bytes(4 * 2 * len(self._slots)))
        for row in rows:
            self._enter(row - 1, self._hash(row - 1))
