"""What a window should hold by now, from the same time of the weeks before.

E is the median over the same time of the past 4 weeks, 5 where there are 5, each of them brought to the level of the
last 7 days first (`measuring.levels`): with steady growth the plain median would be two and a half weeks late. What
this correction may do is bounded by what the weeks themselves have shown: E lies between the second lowest and the
second highest of them, moved on by a week of a trend that most weeks agree on. So no single bad week moves E, an
outage is not learned, a new level is believed after two weeks, and growth is followed up to last week's volume.

Two second opinions. Where the weeks disagree, two of them being below half of E, E is at most the median of the
windows around this time in all weeks: bursts that happened to meet at one time of the week are no reason to miss them
there. And where the last four days agree on a new level (`shift.py`), E is at that level, and the bounds are those of
both, the new and the old: a terminal that has lost half of its traffic for good does not alarm for two weeks.
"""

from statistics import median
from typing import Final

from exporter.baseline.bounds import Expectation, Settings, bounded
from exporter.baseline.history import WEEK, History
from exporter.baseline.measuring import FEWEST_WEEKS, levels, residuals, trend
from exporter.baseline.shift import new_level
from exporter.baseline.spread import Spreads
from exporter.model import Duration, Instant

_NEARBY: Final = (-2, -1, 0, 1, 2)
"""Windows from this time of past weeks."""


class Baseline:
    """A terminal's expectation for one window. Made by `prepare`, once an hour; `expect` costs microseconds.

    Holds a reference to the history, and some hundred numbers of its own.
    """

    __slots__ = (
        "_factors",
        "_grain",
        "_highest",
        "_history",
        "_lowest",
        "_new_level",
        "_settings",
        "_spreads",
        "prepared",
        "window",
    )

    def __init__(self, history: History, at: Instant, window: Duration, settings: Settings, grain: float) -> None:
        self.window = window
        self.prepared = at
        self._history = history
        self._settings = settings
        self._grain = grain
        self._factors = levels(history, at, settings.weeks + 1)
        a_week = trend(self._factors)
        self._lowest, self._highest = min(1.0, a_week), max(1.0, a_week)
        self._new_level = new_level(history, at, grain)
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
        if plain[1] * 2 < expected and sorted(levelled)[1] * 2 < expected:
            expected = min(expected, self._nearby(at))
        usual = self._bounded(at, expected, weeks)
        if self._new_level and (changed := self._at_new_level(at)) is not None:
            new = self._bounded(at, changed, weeks)
            return Expectation(changed, min(new.lower, usual.lower), max(new.upper, usual.upper), weeks)
        return usual

    def _bounded(self, at: Instant, expected: float, weeks: int) -> Expectation:
        return bounded(expected, weeks, self._spreads.at(at), self._grain, self._settings)

    def _nearby(self, at: Instant) -> float:
        """The median of the windows around this time in all weeks, at the level of the last 7 days."""
        volume, window = self._history.volume, self.window
        found = []
        for week, factor in enumerate(self._factors, 1):
            for shift in _NEARBY:
                end = at - week * WEEK + shift * window
                if (near := volume(end - window, end)) is not None:
                    found.append(near * factor)
        return median(found)

    def _at_new_level(self, at: Instant) -> float | None:
        """The median of the past weeks at the level of the last four days; None where fewer than three are known."""
        found = []
        for week, change in enumerate(self._new_level, 1):
            end = at - week * WEEK
            if change is not None and (then := self._history.volume(end - self.window, end)) is not None:
                found.append(then * change)
        return median(found) if len(found) >= FEWEST_WEEKS else None


def prepare(
    history: History, at: Instant, window: Duration, settings: Settings | None = None, grain: float = 1.0
) -> Baseline:
    """Measure the past up to `at`, and be ready for windows that end then or a little later.

    `grain` is how much one operation moves the sum: 1 for counts; for amounts `grain_of(amounts, at)`. Good for an
    hour or so: what it measures changes over days. Nothing from `at` on is looked at.
    """
    return Baseline(history, at, window, settings or Settings(), grain)
