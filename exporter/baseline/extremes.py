"""How far a terminal's windows went on its worst days and in its worst weeks: what it does as a matter of course.

A terminal may be such that its windows are nothing like Poisson counts: bursts at hours that nobody can foretell, or
none at hours that are busy otherwise. What it does every week is no news. Ranks tell it without any model: the next
week's worst window is as likely as any of the past five weeks' to be the worst of all six.

- burst: up, in units of what chance does to a count. The second worst week (of three weeks the worst) with a margin;
  less where not even two thirds of that was seen within three hours of this time of day. Or half of what three
  quarters of the last 14 days stay below, where that is more (a day's worst of some 30 independent windows is 2
  deviations off).
- deepest: down, as a share of the expected where enough was expected: the second worst week, with a margin.
- fall: down, as a share of the same: the second worst day of most weeks, where this hour of the day with its
  neighbours has seen as much on two days. So neither one outage a week, nor one of ten days, nor an opening hour that
  varies every morning, makes anybody blind to one at noon.

One bad week moves none of them.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import median_low
from typing import Final

from exporter.baseline.bounds import DEEPEST
from exporter.model import DAY, HOUR, Instant

HOURS: Final = 24
RECENT_WEEKS: Final = 2

_FEWEST_DAYS: Final = 7
_MOST_DAYS: Final = 0.75
_DAY_TO_DEVIATION: Final = 0.5
_WEEK_TO_DEVIATION: Final = 0.25
"""A bound is 4 deviations away."""
_NEAR: Final = range(-3, 4)
_FROM_NEAR: Final = 1.5
_MARGIN: Final = 1.2
_FEWEST_OPERATIONS: Final = 20
"""Windows with less say nothing about bursts, those that expect less nothing about falls: no alarm comes of them."""


Residual = tuple[Instant, float, float]
"""The end of a past window, what it held, and what the other weeks let expect. Some 3 400 are made for each terminal
and window, so they are plain tuples."""


class Bursts:
    """How many times further than chance allows windows go up, 1 or more, by hour of the day."""

    __slots__ = ("_by_hour",)

    def __init__(self, weeks: Sequence[Sequence[Residual]], grain: float) -> None:
        least = _FEWEST_OPERATIONS * grain
        hours = [0.0] * HOURS
        days: dict[int, float] = {}
        worst = []
        for number, week in enumerate(weeks):
            highest = 0.0
            for at, value, expected in week:
                if value < least:
                    continue
                if value <= expected:
                    if number < RECENT_WEEKS:
                        days.setdefault(at // DAY, 0.0)
                    continue
                beyond = (value - expected) / sqrt(grain * (expected + grain))
                hour = at % DAY // HOUR
                if beyond > hours[hour]:
                    hours[hour] = beyond
                if number < RECENT_WEEKS and beyond > days.get(at // DAY, 0.0):
                    days[at // DAY] = beyond
                if beyond > highest:
                    highest = beyond
            if week:
                worst.append(highest)
        usual = max(1.0, _DAY_TO_DEVIATION * _of_most_days(days.values()))
        second = _second_worst_week(worst)
        near = [max(hours[(hour + other) % HOURS] for other in _NEAR) for hour in range(HOURS)]
        self._by_hour = [max(usual, _WEEK_TO_DEVIATION * _MARGIN * min(second, _FROM_NEAR * most)) for most in near]

    def at(self, hour: int) -> float:
        """The same of windows that end in this hour of the day."""
        return self._by_hour[hour]


class Falls:
    """How far windows fall, as a share of the expected."""

    __slots__ = ("_by_hour", "deepest")

    def __init__(self, weeks: Sequence[Sequence[Residual]], grain: float) -> None:
        least = _FEWEST_OPERATIONS * grain
        hours: list[dict[int, float]] = [{} for _ in range(HOURS)]
        worst, often = [], []
        for week in weeks:
            days: dict[int, float] = {}
            for at, value, expected in week:
                if expected < least or value >= expected:
                    continue
                share = 1 - value / expected
                hour, day = hours[at % DAY // HOUR], at // DAY
                if share > hour.get(day, 0.0):
                    hour[day] = share
                    if share > days.get(day, 0.0):
                        days[day] = share
            if week:
                worst.append(max(days.values(), default=0.0))
                often.append(_second(days))
        self.deepest = _MARGIN * _second_worst_week(worst)
        usual = median_low(often) if often else 0.0
        around = [(hours[hour - 1], hours[hour], hours[(hour + 1) % HOURS]) for hour in range(HOURS)]
        self._by_hour = [_matter_of_course(min(usual, _second(_worst_of_days(near)))) for near in around]

    def at(self, hour: int) -> float:
        """What is missing as a matter of course in windows that end in this hour of the day, 1 at most."""
        return self._by_hour[hour]


def _matter_of_course(share: float) -> float:
    """With its margin; but beyond the cut of a bound only what lies beyond it itself, where a stop says nothing."""
    return 1.0 if share >= DEEPEST else min(_MARGIN * share, DEEPEST)


def _of_most_days(worst: Iterable[float]) -> float:
    """What most days do not exceed; nothing where there are too few of them."""
    ordered = sorted(worst)
    return ordered[round(_MOST_DAYS * (len(ordered) - 1))] if len(ordered) >= _FEWEST_DAYS else 0.0


def _second_worst_week(worst: Sequence[float]) -> float:
    """Of three weeks the worst one: chance would exceed their second every other week."""
    return sorted(worst)[-2 if len(worst) > 3 else -1] if worst else 0.0


def _worst_of_days(hours: Iterable[dict[int, float]]) -> dict[int, float]:
    days: dict[int, float] = {}
    for hour in hours:
        for day, share in hour.items():
            days[day] = max(days.get(day, 0.0), share)
    return days


def _second(days: dict[int, float]) -> float:
    return sorted(days.values())[-2] if len(days) > 1 else 0.0
