"""How far a terminal's last 14 days lay from what its other weeks let expect.

Three measures, each of which a bad day or two cannot bend, for they are medians and quantiles:

- below: 1.48·MAD of the residuals as shares of the expected, of this hour of the day with its neighbours, or of the
  whole day where that is less.
- above: the same for this hour alone, or 1/1.28 of the residuals' 90 % quantile where that is more: what goes up
  often at lunch is no spike at lunch. (Both are the deviation, for a normal distribution.)
- burst: each day's worst window, in units of what chance does to a count; three quarters of the days stay below it.
  Half of that is the deviation, for a day's worst of some 30 independent windows is 2 deviations off. Terminals that
  burst every day, whose variance is far above Poisson's, are known by it.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import median
from typing import Final, NamedTuple

from exporter.baseline.bounds import Spread
from exporter.model import DAY, HOUR, Instant

_HOURS: Final = 24
_FEWEST_RESIDUALS: Final = 24
_FEWEST_DAYS: Final = 7
_MAD_TO_DEVIATION: Final = 1.4826
_QUANTILE: Final = 0.90
_QUANTILE_TO_DEVIATION: Final = 1 / 1.2816
_MOST_DAYS: Final = 0.75
_WORST_TO_DEVIATION: Final = 0.5
_FEWEST_OPERATIONS: Final = 20
"""Windows with less say nothing about bursts: no alarm comes from them."""


class Residual(NamedTuple):
    """What a past window held and what the other weeks let expect; `at` is its end."""

    at: Instant
    value: float
    expected: float


class Spreads:
    """The spread of each hour of the day."""

    __slots__ = ("_by_hour",)

    def __init__(self, residuals: Sequence[Residual], grain: float) -> None:
        shares: list[list[float]] = [[] for _ in range(_HOURS)]
        for at, value, expected in residuals:
            shares[at % DAY // HOUR].append((value - expected) / (expected + grain))
        whole = _measured([share for hour in shares for share in hour])
        burst = _burst(residuals, grain)
        by_hour = []
        for hour in range(_HOURS):
            near = shares[hour - 1] + shares[hour] + shares[(hour + 1) % _HOURS]
            own = _measured(near) if len(near) >= _FEWEST_RESIDUALS else whole
            by_hour.append(Spread(min(own.below, whole.below), own.above, burst))
        self._by_hour = by_hour

    def at(self, at: Instant) -> Spread:
        """The spread of windows that end at this time of day."""
        return self._by_hour[at % DAY // HOUR]


def _measured(shares: Sequence[float]) -> Spread:
    if len(shares) < _FEWEST_RESIDUALS:
        return Spread()
    usual = _MAD_TO_DEVIATION * median(map(abs, shares))
    often = sorted(shares)[round(_QUANTILE * (len(shares) - 1))]
    return Spread(usual, max(usual, often * _QUANTILE_TO_DEVIATION))


def _burst(residuals: Sequence[Residual], grain: float) -> float:
    worst: dict[int, float] = {}
    for at, value, expected in residuals:
        if value >= _FEWEST_OPERATIONS * grain:
            day = at // DAY
            worst[day] = max(worst.get(day, 0.0), (value - expected) / sqrt(grain * (expected + grain)))
    if len(worst) < _FEWEST_DAYS:
        return 1.0
    return max(1.0, _WORST_TO_DEVIATION * sorted(worst.values())[round(_MOST_DAYS * (len(worst) - 1))])
