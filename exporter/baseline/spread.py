"""How far a terminal's last weeks lay from what its other weeks let expect.

Two measures over the last 14 days, each of which a bad day or two cannot bend, for they are medians and quantiles:

- below: 1.48·MAD of the residuals as shares of the expected, of this hour of the day with its neighbours, or of the
  whole day where that is less.
- above: the same for this hour alone, or 1/1.28 of the residuals' 90 % quantile where that is more: what goes up
  often at lunch is no spike at lunch. (Both are the deviation, for a normal distribution.)

The extremes of all the weeks that are compared go with them: `extremes.py`.
"""

from array import array
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

_EACH: Final = 5
"""Numbers of a Spread, in its order."""

_NOTHING_KNOWN: Final = array("d", Spread() * HOURS)
"""The numbers of a terminal without a past, the same for all."""


class Spreads:
    """The spread of each hour of the day, as numbers side by side: objects would take five times the memory."""

    __slots__ = ("_numbers",)

    def __init__(self, weeks: Sequence[Sequence[Residual]], grain: float) -> None:
        self._numbers = _numbers(weeks, grain) if any(weeks) else _NOTHING_KNOWN

    def at(self, at: Instant) -> Spread:
        """The spread of windows that end at this time of day."""
        place = _EACH * (at % DAY // HOUR)
        return Spread(*self._numbers[place : place + _EACH])


def _numbers(weeks: Sequence[Sequence[Residual]], grain: float) -> "array[float]":
    shares: list[list[float]] = [[] for _ in range(HOURS)]
    for at, value, expected in chain(*weeks[:RECENT_WEEKS]):
        shares[at % DAY // HOUR].append((value - expected) / (expected + grain))
    whole = _measured([share for hour in shares for share in hour])
    bursts, falls = Bursts(weeks, grain), Falls(weeks, grain)
    numbers = array("d")
    for hour in range(HOURS):
        near = shares[hour - 1] + shares[hour] + shares[(hour + 1) % HOURS]
        own = _measured(near) if len(near) >= _FEWEST_RESIDUALS else whole
        numbers.extend((min(own.below, whole.below), own.above, bursts.at(hour), falls.deepest, falls.at(hour)))
    return numbers


def _measured(shares: Sequence[float]) -> Spread:
    if len(shares) < _FEWEST_RESIDUALS:
        return Spread()
    usual = _MAD_TO_DEVIATION * median(map(abs, shares))
    often = sorted(shares)[round(_QUANTILE * (len(shares) - 1))]
    return Spread(usual, max(usual, often * _QUANTILE_TO_DEVIATION))
