"""From what is expected to how far from it is still ordinary.

    noise = √(g·(E + g))                  what chance does to a sum of independent operations that move it by g each
    lower = E − min(k·max(noise, r·E, below·E) − k²·g/4, 0.9·E)
    upper = E + k·max(burst·noise, r·E, above·E) + k²·g/4

g is the grain: 1 for counts, which gives Poisson's √(E + 1); for amounts see `grain_of`. The term k²·g/4 is what the
square root lacks at small volumes: a Poisson count is k deviations off when 2·|√now − √E| = k (Anscombe 1948), which
solved for `now` is E ± k·√E + k²/4. It moves both bounds up, because small counts are skewed upwards. `below`, `above`
and `burst` are the terminal's own past (`spread.py`). `below` is cut at 0.25 and, where 20 grains or more are expected,
the whole drop side at 0.9·E, so that a total stop is below the lower bound; spikes need no such cut.
"""

from math import sqrt
from typing import Final, NamedTuple

DEEPEST: Final = 0.9
"""The lower bound lies at most this share of the expected below it."""

ENOUGH: Final = 20
"""Grains that must be expected before nothing at all means anything: of fewer, as the sums of a rare currency are
made of, chance may leave none."""


class Settings(NamedTuple):
    """The constants of the baseline; tuned on simulated worlds, not for any one terminal."""

    weeks: int = 4
    """How many past weeks are compared; one more where it has been read."""
    deviations: float = 4.0
    """k: how many spreads from the expected is out of the ordinary."""
    least_spread: float = 0.10
    """r: no terminal is believed to be steadier than this."""
    widest_drop_spread: float = 0.25
    """On the drop side the past's own spread counts up to this."""


class Expectation(NamedTuple):
    """What a window should hold, the bounds of the ordinary, and how many past weeks say so."""

    expected: float
    lower: float
    upper: float
    weeks: int


class Spread(NamedTuple):
    """How far the past lay from what was to be expected then: as a share of it below and above, and by bursts."""

    below: float = 0.0
    above: float = 0.0
    burst: float = 1.0
    """How many times further than chance allows its worst windows of a day go up, 1 or more."""


def bounded(expected: float, weeks: int, spread: Spread, grain: float, settings: Settings) -> Expectation:
    """The expectation with its bounds: 0 ≤ lower ≤ expected ≤ upper, and lower ≥ a tenth where ENOUGH is expected."""
    k, least = settings.deviations, settings.least_spread
    noise = sqrt(grain * (expected + grain))
    skew = k * k * grain / 4
    below = k * max(noise, max(least, min(spread.below, settings.widest_drop_spread)) * expected) - skew
    above = k * max(noise * spread.burst, max(least, spread.above) * expected) + skew
    deepest = DEEPEST * expected if expected >= ENOUGH * grain else expected
    return Expectation(expected, expected - max(0.0, min(below, deepest)), expected + above, weeks)
