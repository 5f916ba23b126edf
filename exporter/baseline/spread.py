"""How far a terminal's past two weeks lay from what its other weeks let expect."""

from exporter.baseline.bounds import Spread
from exporter.baseline.history import History
from exporter.model import Duration, Instant


class Spreads:
    """The spread for each time of day."""

    __slots__ = ()

    def at(self, at: Instant) -> Spread:
        """The spread at the time of day of this instant."""
        del at
        return Spread()


def spreads(history: History, at: Instant, window: Duration, weeks: int) -> Spreads:
    """Measured over the 14 days before `at`, each slot against the same time of the other `weeks`."""
    del history, at, window, weeks
    return Spreads()
