"""What the bank is asked for, and what it answers: spans, pages and readings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from exporter.model.operations import Operation, Operations, Rejection
from exporter.model.units import Instant


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the list: the bank's count of all that matches, and the records of this page.

    `unchanged`: ids of records that have been counted before and are still the same.
    """

    total_count: int
    operations: Sequence[Operation]
    rejections: tuple[Rejection, ...] = ()
    unchanged: tuple[bytes, ...] = ()

    @property
    def received(self) -> int:
        """How many records the page carried, readable or not: paging goes on by this number."""
        return len(self.operations) + len(self.rejections) + len(self.unchanged)

    def ids(self) -> Iterator[bytes]:
        """The ids of all its records."""
        return chain(Operations.of(self.operations).ids, (each.id for each in self.rejections), self.unchanged)


class Span(NamedTuple):
    """A stretch of the operations' own time: start inclusive, end exclusive."""

    start: Instant
    end: Instant


class Assignment(NamedTuple):
    """What to ask the bank for in one go: a span, and the names of the terminals it is for.

    `sweep`: most of what is there has been counted. The answer may then tell what is still as it was by its id alone,
    and everything else will be known again.
    """

    span: Span
    terminals: tuple[str, ...]
    sweep: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bank answered to an assignment.

    `complete`: the distinct ids read equal the bank's `totalCount`. An incomplete reading is still counted (its
    records are real); it only never moves the watermark. `unchanged`: ids of records that had been counted as they are
    when they were read.
    """

    assignment: Assignment
    operations: Sequence[Operation]
    rejections: tuple[Rejection, ...]
    total_count: int
    complete: bool
    unchanged: tuple[bytes, ...] = ()
