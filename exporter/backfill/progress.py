"""How far the work is: what is told, and silence. The bars of a terminal stand in `bars`, which loads a library."""

from typing import Protocol, Self

from exporter.bank import BankError
from exporter.model import Instant


class Progress(Protocol):
    """Listens to how the work goes on."""

    def read(self, lane: str, until: Instant) -> None:
        """A lane has been read so far."""

    def found(self, operations: int) -> None:
        """That many operations were in a span."""

    def waits(self, lane: str, error: BankError) -> None:
        """The bank has trouble, and is asked again later."""

    def wrote(self, series: int, of: int) -> None:
        """So many series have been written."""


class Silence:
    """Says nothing: for logs, pipes and tests."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, lane: str, until: Instant) -> None:
        """Say nothing."""

    def found(self, operations: int) -> None:
        """Say nothing."""

    def waits(self, lane: str, error: BankError) -> None:
        """Say nothing."""

    def wrote(self, series: int, of: int) -> None:
        """Say nothing."""
