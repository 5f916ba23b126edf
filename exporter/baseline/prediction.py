"""What a window should hold by now, from the same time of the weeks before.

E is the median over the same time of the past 4 weeks, 5 where there are 5, each of them brought to the level of the
last 7 days first (`measuring.levels`): with steady growth the plain median would be two and a half weeks late. What
this correction may do is bounded by what the weeks themselves have shown: E lies between the second lowest and the
second highest of them, moved on by a week of a trend that most weeks agree on. So no single bad week moves E, an
outage is not learned, a new level is believed after two weeks, and growth is followed up to last week's volume.
"""

from statistics import median
from typing import Final

from exporter.baseline.bounds import Expectation, Settings, bounded
from exporter.baseline.history import WEEK, History
from exporter.baseline.measuring import levels, residuals, trend
from exporter.baseline.spread import Spreads
from exporter.model import Duration, Instant

FEWEST_WEEKS: Final = 3
"""With fewer past weeks nothing is expected: two cannot outvote a bad one."""


class Baseline:
    """A terminal's expectation for one window. Made by `prepare`, once an hour; `expect` costs microseconds.

    Holds a reference to the history, and some fifty numbers of its own.
    """

    __slots__ = ("_factors", "_grain", "_highest", "_history", "_lowest", "_settings", "_spreads", "prepared", "window")

    def __init__(self, history: History, at: Instant, window: Duration, settings: Settings, grain: float) -> None:
        self.window = window
        self.prepared = at
        self._history = history
        self._settings = settings
        self._grain = grain
        self._factors = levels(history, at, settings.weeks + 1)
        a_week = trend(self._factors)
        self._lowest, self._highest = min(1.0, a_week), max(1.0, a_week)
        self._spreads = Spreads(residuals(history, at, window, self._factors), grain)

    def expect(self, at: Instant) -> Expectation | None:
        """What [at − window, at) should hold; None where fewer than three weeks are known at this time."""
        volume, end = self._history.volume, at - WEEK
        plain, levelled = [], []
        for factor in self._factors:
            found = volume(end - self.window, end)
            if found is not None:
                plain.append(found)
                levelled.append(found * factor)
            end -= WEEK
        weeks = len(plain)
        if weeks < FEWEST_WEEKS:
            return None
        plain.sort()
        expected = min(max(median(levelled), plain[1] * self._lowest), plain[-2] * self._highest)
        return bounded(expected, weeks, self._spreads.at(at), self._grain, self._settings)


def prepare(
    history: History, at: Instant, window: Duration, settings: Settings | None = None, grain: float = 1.0
) -> Baseline:
    """Measure the past up to `at`, and be ready for windows that end then or a little later.

    `grain` is how much one operation moves the sum: 1 for counts; for amounts `grain_of(amounts, at)`. Good for an
    hour or so: what it measures changes over days. Nothing from `at` on is looked at.
    """
    return Baseline(history, at, window, settings or Settings(), grain)
