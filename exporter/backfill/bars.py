"""Progress on a terminal."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from exporter.backfill.instants import written
from exporter.backfill.samples import Grid
from exporter.bank import BankError
from exporter.model import SECOND, Instant


class Bars:
    """A bar for each lane, one for the writing, and what the bank has to say in between."""

    def __init__(self, grid: Grid, lanes: Iterable[str], console: Console | None = None) -> None:
        self._grid = grid
        self._operations = 0
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._lanes = {
            lane: self._bars.add_task(lane, total=(grid.end - grid.start) / SECOND, note="") for lane in lanes
        }
        self._writing: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def read(self, lane: str, until: Instant) -> None:
        """Move the lane's bar, and tell where it is."""
        note = f"{written(until)}  {self._operations} operations"
        self._bars.update(self._lanes[lane], completed=(until - self._grid.start) / SECOND, note=note)

    def found(self, operations: int) -> None:
        """Count, for the next move of a bar."""
        self._operations += operations

    def waits(self, lane: str, error: BankError) -> None:
        """Tell why nothing moves."""
        self._bars.update(self._lanes[lane], note=f"waits: {error}")

    def wrote(self, series: int, of: int) -> None:
        """Move the bar of the writing."""
        if self._writing is None:
            self._writing = self._bars.add_task("writing", total=of, note="")
        self._bars.update(self._writing, completed=series, note=f"{series} of {of} series")
