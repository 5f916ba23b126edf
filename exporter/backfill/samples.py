"""From increments to running totals at step boundaries; pure, and lazy, so that no series has to fit into memory."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from exporter.model import MINUTE, Duration, Instant, Span

LONGEST_STEP: Final[Duration] = 5 * MINUTE
"""Prometheus looks back this far for a sample (`--query.lookback-delta`): a longer step would leave holes."""


class Grid(NamedTuple):
    """The boundaries at which totals are told: every step from the start on, and the end, whether it fits or not."""

    start: Instant
    end: Instant
    step: Duration

    @property
    def span(self) -> Span:
        """The stretch whose operations are counted."""
        return Span(self.start, self.end)

    @property
    def last(self) -> int:
        """The number of the last boundary; the start is number 0."""
        return -(-(self.end - self.start) // self.step)

    def boundary(self, number: int) -> Instant:
        """When a boundary is."""
        return min(self.start + number * self.step, self.end)

    def told_at(self, created: Instant) -> int:
        """The number of the first boundary whose total holds an operation: totals are of what came before them."""
        return (created - self.start) // self.step + 1


def running_totals(
    increments: Iterable[tuple[Instant, int]], grid: Grid, *, from_start: bool = False
) -> Iterator[tuple[Instant, int]]:
    """The total at each boundary, from the one before the first increment, where it is 0, to the last.

    `increments`: instant and amount, ascending. `increase()` sees nothing of a series' first sample, so that one has to
    be 0. From then on every boundary has its sample, changed or not: `rate()` needs two in its window, and a gap would
    be an end of the series to it. With `from_start` the series begins at the start, and exists without any increment.
    """
    number, total = (0, 0) if from_start else (-1, 0)
    for created, amount in increments:
        told_at = grid.told_at(created)
        if number < 0:
            number = told_at - 1
        for passed in range(number, told_at):
            yield grid.boundary(passed), total
        number = told_at
        total += amount
    if number >= 0:
        for passed in range(number, grid.last + 1):
            yield grid.boundary(passed), total
