"""The records of the bank reduced to what is counted, one by one and as columns: most of what is done with the
operations of a page is done to all at once."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, compress
from typing import Any, Final, NamedTuple, overload

from exporter.model.units import Instant

ID_BYTES: Final = 16
"""Of an operation's id: those of a UUID, or of a digest."""


class Outcome(StrEnum):
    """What became of an operation."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    UNKNOWN = "unknown"


Details = tuple[tuple[str, str], ...]
"""Dimension and value, in the order of the configuration; one tuple is shared by all that have the same."""


class Operation(NamedTuple):
    """A record of the bank, reduced to what is counted: nothing personal comes this far.

    `id` is 16 bytes: the record's UUID, or a digest where the bank's id is not one. `number` is the record's
    `terminal` as the bank writes it. `status`, `code` and `reason_code` are the bank's own texts, stripped, and not yet
    bounded: they become labels only through the ledger; so do `details`, a text for each dimension that windows are
    broken down by. `likeness` is the same for operations of the same sender, receiver, amount and currency: a digest
    whose key lives as long as the process; 0 where either side is not known, or repeats are not looked for. `mark` is
    what the record is known again by while it stays as it is, in this process; 0 where it is not to be.
    """

    id: bytes
    number: str
    created: Instant
    status: str
    code: str
    reason_code: str
    amount: int
    currency: str
    likeness: int = 0
    details: Details = ()
    mark: int = 0


class Rejection(NamedTuple):
    """A record that could not be read: its id (or a digest of its bytes) and the reason, one of a fixed few words."""

    id: bytes
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """What operations of the same terminal, status, codes and currency have in common; told apart by identity.

    One object is shared by all operations of a page that have the same, and nearly always by those of all pages.
    """

    number: str
    status: str
    code: str
    reason_code: str
    currency: str

    @property
    def texts(self) -> tuple[str, str, str, str, str]:
        """The words themselves, which are the same wherever they are."""
        return self.number, self.status, self.code, self.reason_code, self.currency


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operations(Sequence[Operation]):
    """Operations in an order, column by column; one is only made for who looks at it. Nobody changes the columns."""

    ids: Sequence[bytes]
    words: Sequence[Words]
    created: Sequence[Instant]
    amounts: Sequence[int]
    likenesses: Sequence[int]
    details: Sequence[Details]
    marks: Sequence[int]

    @classmethod
    def of(cls, operations: Sequence[Operation]) -> "Operations":
        """Any operations as columns."""
        if isinstance(operations, cls):
            return operations
        shared: dict[tuple[str, ...], Words] = {}
        words = []
        for each in operations:
            texts = (each.number, each.status, each.code, each.reason_code, each.currency)
            words.append(shared.setdefault(texts, Words(*texts)))
        return cls(
            [each.id for each in operations],
            words,
            [each.created for each in operations],
            [each.amount for each in operations],
            [each.likeness for each in operations],
            [each.details for each in operations],
            [each.mark for each in operations],
        )

    @classmethod
    def joined(cls, several: Iterable["Operations"]) -> "Operations":
        """All operations of several, one after the other."""
        parts = tuple(several) or (cls.of(()),)
        if len(parts) == 1:
            return parts[0]
        return cls(*(tuple(chain.from_iterable(each)) for each in zip(*map(cls._columns, parts), strict=True)))

    def chosen(self, which: Collection[object]) -> "Operations":
        """Those at whose place something true stands."""
        return Operations(*(tuple(compress(column, which)) for column in self._columns()))

    def _columns(self) -> tuple[Sequence[Any], ...]:
        return self.ids, self.words, self.created, self.amounts, self.likenesses, self.details, self.marks

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Operation]:
        for id_, words, created, amount, likeness, details, mark in zip(*self._columns(), strict=True):
            number, status, code, reason_code, currency = words.texts
            yield Operation(id_, number, created, status, code, reason_code, amount, currency, likeness, details, mark)

    @overload
    def __getitem__(self, place: int) -> Operation: ...

    @overload
    def __getitem__(self, place: slice) -> "Operations": ...

    def __getitem__(self, place: "int | slice") -> "Operation | Operations":
        if isinstance(place, slice):
            return Operations(*(column[place] for column in self._columns()))
        (one,) = Operations(*([column[place]] for column in self._columns()))
        return one

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as that of a list: columns may be lists
