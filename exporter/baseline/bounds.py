"""From what is expected to how far from it is still ordinary.

    noise = √(g·(E + g))                  what chance does to a sum of independent operations that move it by g each
    lower = E − max(fall·E, min(drop, 0.9·E))
    drop  = deepest·E, but within
            at least k·max(noise, r·E), and (1 − e^(−k·below))·E
            at most  k·max(noise, r·E, below·E)                      each less k²·g/4
    upper = E + k·max(burst·noise, r·E, above·E) + k²·g/4

g is the grain: 1 for counts, which gives Poisson's √(E + 1); for amounts see `grain_of`. The term k²·g/4 is what the
square root lacks at small volumes: a Poisson count is k deviations off when 2·|√now − √E| = k (Anscombe 1948), which
solved for `now` is E ± k·√E + k²/4. It moves both bounds up, because small counts are skewed upwards.

`below`, `above` (`spread.py`), `burst`, `deepest` and `fall` (`extremes.py`) are the terminal's own past. k deviations
of a spread that multiplies leave e^(−k·below) of the expected, k deviations of one that is added take k·below of it:
between the two, what its second worst week did decides, so that half the traffic is missed at terminals that are
lively but never halve. `below` is cut at 0.25 and, where 20 grains or more are expected, the drop at 0.9·E, so that a
total stop is below the lower bound; spikes need no such cut. `fall` alone goes beyond that: a terminal whose windows
are empty as a matter of course, on one day in five, has no lower bound then. `EpayTerminalSilentLong` watches it.
"""

from math import exp, sqrt
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
    """How far the past lay from what was to be expected then: as shares of it, and by bursts."""

    below: float = 0.0
    above: float = 0.0
    burst: float = 1.0
    """How many times further than chance allows its worst windows go up, 1 or more."""
    deepest: float = 0.0
    """The share that was missing in its second worst week, with a margin."""
    fall: float = 0.0
    """The share that is missing as a matter of course, 1 at most."""


def bounded(expected: float, weeks: int, spread: Spread, grain: float, settings: Settings) -> Expectation:
    """The expectation with its bounds: 0 ≤ lower ≤ expected ≤ upper.

    And lower ≥ a tenth of the expected where ENOUGH is, and the past does not fall as deep as a matter of course.
    """
    k, least = settings.deviations, settings.least_spread
    noise = sqrt(grain * (expected + grain))
    skew = k * k * grain / 4
    own = min(spread.below, settings.widest_drop_spread)
    steady = max(k * noise, k * least * expected, (1 - exp(-k * own)) * expected)
    wide = k * max(noise, least * expected, own * expected)
    drop = min(max(steady, spread.deepest * expected), wide) - skew
    above = k * max(noise * spread.burst, least * expected, spread.above * expected) + skew
    cut = DEEPEST * expected if expected >= ENOUGH * grain else expected
    drop = max(0.0, min(drop, cut), spread.fall * expected)
    return Expectation(expected, expected - drop, expected + above, weeks)
