"""A series, replayed point by point: which volume alarms there would have been, knowing only what came before.

The bounds are the live ones (`exporter.baseline`), and so are the windows and the time that a breach must last before
it is an alarm; only the grid is coarser than Prometheus's.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from exporter.baseline import Baseline, Direction, Expectation, History, Settings, Thresholds, judge, prepare
from exporter.model import DAY, HOUR, MINUTE, Duration, Instant

_PREPARED_FOR: Final[Duration] = DAY
"""Live it is an hour; over a fortnight of residuals the difference is small, and a year has to pass in a second."""
_MERGED_OVER: Final[Duration] = 2 * HOUR
_SILENT_FOR: Final[Duration] = 10 * MINUTE
"""EpayTerminalSilent's `for`."""


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
    not judged. Episodes of one direction that lie close together are one. A long window that still remembers what the
    shortest one has seen the end of makes no alarm longer.
    """
    rules = rules or Rules()
    step = history.step
    merged = max(_MERGED_OVER, 2 * step)
    shortest, *longer = (
        _Watch(history, width, rules) for width in sorted({-(-window // step) for window in rules.windows})
    )
    silence = _Silence(step, rules.thresholds)
    alarms: list[Alarm] = []
    for place in range(len(history)):
        quick = shortest.sight_at(place)
        silence.look(place, quick)
        sights = [quick, *(watch.sight_at(place, hushed=silence.explains(place, watch.width)) for watch in longer)]
        direction = next((sight.alarm for sight in sights if sight.alarm is not None), None)
        if direction is None:
            continue
        begin = history.start + place * step
        last = alarms[-1] if alarms else None
        if last is None or last.direction is not direction or begin - last.end > merged:
            alarms.append(Alarm(begin, begin + step, direction))
        elif any(sight.alarm is direction and not _is_memory(sight, quick) for sight in sights):
            alarms[-1] = last._replace(end=begin + step)
    return tuple(alarms)


class _Sight(NamedTuple):
    """What one window shows at the end of a slot."""

    now: float
    expected: float | None
    """None where it cannot be judged."""
    alarm: Direction | None
    """Which way it has been out of bounds for long enough."""


def _is_memory(sight: _Sight, quick: _Sight) -> bool:
    """Whether the shortest window is closer to what was expected than halfway from what this one shows."""
    if not sight.expected or not quick.expected:
        return False
    gone, still = sight.now / sight.expected - 1, quick.now / quick.expected - 1
    return still * 2 < gone if gone > 0 else still * 2 > gone


class _Silence:
    """EpayTerminalSilent, as far as EpayVolumeDrop goes by it: when a silence was told last.

    The rules do not judge the hour while it holds one that is over, for that was told already. While it lasts, the
    hour's drop stands for the silence itself, which is no volume alarm.
    """

    def __init__(self, step: Duration, thresholds: Thresholds) -> None:
        self._needed = _SILENT_FOR // step + 1
        self._least = thresholds.silent
        self._run = 0
        self._told: int | None = None
        self._over = False

    def look(self, place: int, quick: _Sight) -> None:
        """Take the shortest window into account."""
        silent = self._least is not None and quick.now == 0 and (quick.expected or 0) >= self._least
        self._run = self._run + 1 if silent else 0
        self._over = quick.now > 0
        if self._run >= self._needed:
            self._told = place

    def explains(self, place: int, width: int) -> bool:
        """Whether a window of so many slots that ends with this one holds a silence that is over."""
        return self._told is not None and self._over and place - self._told < width


class _Watch:
    """One window over the series, and for how many points it has been out of bounds."""

    def __init__(self, history: History, width: int, rules: Rules) -> None:
        self.width = width
        self._history = history
        self._rules = rules
        self._needed = rules.lasting // history.step + 1
        self._facing: Direction | None = None
        self._run = 0
        self._baseline: Baseline | None = None

    def sight_at(self, place: int, *, hushed: bool = False) -> _Sight:
        """What it shows as of this slot's end. `hushed`: a drop has been told already."""
        window = self._history.slots(max(0, place + 1 - self.width), place + 1)
        now, expectation = (
            sum(window),
            self._expectation(window, self._history.start + (place + 1) * self._history.step),
        )
        direction = expectation and judge(now, expectation, self._rules.thresholds)
        if hushed and direction is Direction.DROP:
            direction = None
        self._run = self._run + 1 if direction is self._facing else 1
        self._facing = direction
        return _Sight(now, expectation and expectation.expected, direction if self._run >= self._needed else None)

    def _expectation(self, window: Sequence[float], end: Instant) -> Expectation | None:
        if len(window) < self.width or min(window) < 0:
            return None
        at = end - self._history.step
        if self._baseline is None or at - self._baseline.prepared >= _PREPARED_FOR:
            # Measured up to where the newest slot begins.
            self._baseline = prepare(self._history, at, self.width * self._history.step, self._rules.settings)
        return self._baseline.expect(end)
