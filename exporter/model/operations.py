"""What the bank is asked for and what it answers: spans, pages, and the records reduced to what is counted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from exporter.model.units import Instant


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


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the list: the bank's count of all that matches, and the records of this page.

    `unchanged`: ids of records that have been counted before and are still the same.
    """

    total_count: int
    operations: tuple[Operation, ...]
    rejections: tuple[Rejection, ...] = ()
    unchanged: tuple[bytes, ...] = ()

    @property
    def received(self) -> int:
        """How many records the page carried, readable or not: paging goes on by this number."""
        return len(self.operations) + len(self.rejections) + len(self.unchanged)


class Span(NamedTuple):
    """A stretch of the operations' own time: start inclusive, end exclusive."""

    start: Instant
    end: Instant


class Assignment(NamedTuple):
    """What to ask the bank for in one go: a span, and the names of the terminals it is for."""

    span: Span
    terminals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bank answered to an assignment.

    `complete`: the distinct ids read equal the bank's `totalCount`. An incomplete reading is still counted (its
    records are real); it only never moves the watermark. `unchanged`: ids of records that had been counted as they are
    when they were read.
    """

    assignment: Assignment
    operations: tuple[Operation, ...]
    rejections: tuple[Rejection, ...]
    total_count: int
    complete: bool
    unchanged: tuple[bytes, ...] = ()
