"""How far a terminal's last weeks lay from what its other weeks let expect.

Two measures over the last 14 days, each of which a bad day or two cannot bend, for they are medians and quantiles:

- below: 1.48·MAD of the residuals as shares of the expected, of this hour of the day with its neighbours, or of the
  whole day where that is less.
- above: the same for this hour alone, or 1/1.28 of the residuals' 90 % quantile where that is more: what goes up
  often at lunch is no spike at lunch. (Both are the deviation, for a normal distribution.)

The extremes of all the weeks that are compared go with them: `extremes.py`.
"""

from collections.abc import Sequence
from itertools import chain
from statistics import median
from typing import Final

from exporter.baseline.bounds import Spread
from exporter.baseline.extremes import HOURS, RECENT_WEEKS, Bursts, Falls, Residual
from exporter.model import DAY, HOUR, Instant

_FEWEST_RESIDUALS: Final = 24
_MAD_TO_DEVIATION: Final = 1.4826
_QUANTILE: Final = 0.90
_QUANTILE_TO_DEVIATION: Final = 1 / 1.2816


class Spreads:
    """The spread of each hour of the day."""

    __slots__ = ("_by_hour",)

    def __init__(self, weeks: Sequence[Sequence[Residual]], grain: float) -> None:
        shares: list[list[float]] = [[] for _ in range(HOURS)]
        for at, value, expected in chain(*weeks[:RECENT_WEEKS]):
            shares[at % DAY // HOUR].append((value - expected) / (expected + grain))
        whole = _measured([share for hour in shares for share in hour])
        bursts, falls = Bursts(weeks, grain), Falls(weeks, grain)
        by_hour = []
        for hour in range(HOURS):
            near = shares[hour - 1] + shares[hour] + shares[(hour + 1) % HOURS]
            own = _measured(near) if len(near) >= _FEWEST_RESIDUALS else whole
            by_hour.append(
                Spread(min(own.below, whole.below), own.above, bursts.at(hour), falls.deepest, falls.at(hour))
            )
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
