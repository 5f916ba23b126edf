"""A series, replayed point by point: which volume alarms there would have been, knowing only what came before.

The bounds are the live ones (`exporter.baseline`), and so are the windows and the time that a breach must last before
it is an alarm; only the grid is coarser than Prometheus's.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from exporter.baseline import Baseline, Direction, History, Settings, Thresholds, judge, prepare
from exporter.model import DAY, HOUR, MINUTE, Duration, Instant

_PREPARED_FOR: Final[Duration] = DAY
"""Live it is an hour; over a fortnight of residuals the difference is small, and a year has to pass in a second."""
_MERGED_OVER: Final[Duration] = 2 * HOUR


class Alarm(NamedTuple):
    """An episode: from the point at which it fired to the end of the last point out of bounds, [start, end)."""

    start: Instant
    end: Instant
    direction: Direction


class Rules(NamedTuple):
    """What decides about alarms; the defaults are those of the configuration and of the shipped rules."""

    thresholds: Thresholds = Thresholds()
    settings: Settings = Settings()
    windows: tuple[Duration, ...] = (15 * MINUTE, HOUR)
    """Each is watched, in whole steps and one step at least: a short one is fast, a long one sees low volumes."""
    lasting: Duration = 15 * MINUTE
    """The rules' `for`: how long a window must be out of bounds. With steps that are longer one point is enough."""


def replay(history: History, rules: Rules | None = None) -> tuple[Alarm, ...]:
    """The alarms of a series, in the order in which they fire; none before its fourth week.

    What lies before the series' first point is not known, and neither is a missing slot: a window that holds one is
    not judged. Episodes of one direction that lie close together are one.
    """
    rules = rules or Rules()
    step = history.step
    merged = max(_MERGED_OVER, 2 * step)
    watches = [_Watch(history, width, rules) for width in sorted({-(-window // step) for window in rules.windows})]
    alarms: list[Alarm] = []
    for place in range(len(history.values)):
        fired = [direction for watch in watches if (direction := watch.direction_at(place)) is not None]
        if not fired:
            continue
        begin = history.start + place * step
        last = alarms[-1] if alarms else None
        if last is not None and last.direction is fired[0] and begin - last.end <= merged:
            alarms[-1] = last._replace(end=begin + step)
        else:
            alarms.append(Alarm(begin, begin + step, fired[0]))
    return tuple(alarms)


class _Watch:
    """One window over the series, and for how many points it has been out of bounds."""

    def __init__(self, history: History, width: int, rules: Rules) -> None:
        self._history = history
        self._width = width
        self._rules = rules
        self._needed = rules.lasting // history.step + 1
        self._facing: Direction | None = None
        self._run = 0
        self._baseline: Baseline | None = None

    def direction_at(self, place: int) -> Direction | None:
        """Which way it has been out of bounds for long enough, as of this slot's end."""
        window = self._history.values[max(0, place + 1 - self._width) : place + 1]
        direction = self._judged(window, self._history.start + (place + 1) * self._history.step)
        self._run = self._run + 1 if direction is self._facing else 1
        self._facing = direction
        return direction if self._run >= self._needed else None

    def _judged(self, window: Sequence[float], end: Instant) -> Direction | None:
        if len(window) < self._width or min(window) < 0:
            return None
        expectation = self._prepared(end - self._history.step).expect(end)
        return expectation and judge(sum(window), expectation, self._rules.thresholds)

    def _prepared(self, at: Instant) -> Baseline:
        """Measured up to where the newest slot begins."""
        if self._baseline is None or at - self._baseline.prepared >= _PREPARED_FOR:
            window = self._width * self._history.step
            self._baseline = prepare(self._history, at, window, self._rules.settings)
        return self._baseline
