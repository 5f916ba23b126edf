"""What a window should hold by now, from the same time of the weeks before."""

from statistics import median
from typing import Final

from exporter.baseline.bounds import Expectation, Settings, bounded
from exporter.baseline.history import WEEK, History
from exporter.baseline.spread import Spreads, spreads
from exporter.model import Duration, Instant

FEWEST_WEEKS: Final = 3
"""With fewer past weeks nothing is expected: two cannot outvote a bad one."""


class Baseline:
    """A terminal's expectation for one window; `expect` is cheap, `prepare` is for once an hour.

    Holds a reference to the history, and a few dozen numbers of its own.
    """

    __slots__ = ("_grain", "_history", "_settings", "_spreads", "prepared", "window")

    def __init__(
        self, history: History, prepared: Instant, window: Duration, settings: Settings, grain: float, own: Spreads
    ) -> None:
        self.window = window
        self.prepared = prepared
        self._history = history
        self._settings = settings
        self._grain = grain
        self._spreads = own

    def expect(self, at: Instant) -> Expectation | None:
        """What [at − window, at) should hold; None where fewer than three weeks are known at this time."""
        begin = at - self.window
        volumes = []
        for week in range(1, self._settings.weeks + 2):
            volume = self._history.volume(begin - week * WEEK, at - week * WEEK)
            if volume is not None:
                volumes.append(volume)
        if len(volumes) < FEWEST_WEEKS:
            return None
        return bounded(median(volumes), len(volumes), self._spreads.at(at), self._grain, self._settings)


def prepare(
    history: History, at: Instant, window: Duration, settings: Settings | None = None, grain: float = 1.0
) -> Baseline:
    """Measure the past up to `at`, and be ready for windows that end then or a little later.

    `grain` is how much one operation moves the sum: 1 for counts; for amounts `grain_of(amounts, counts)`. Good for an
    hour or so: what it measures changes over days.
    """
    settings = settings or Settings()
    return Baseline(history, at, window, settings, grain, spreads(history, at, window, settings.weeks + 1))
