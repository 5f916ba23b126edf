"""A new level that came to stay: told after four days that agree with each other, long before two weeks confirm it.

The last four days are each compared with the same days of the past four weeks. Where all four lie on the same side of
them and close to each other, between 0.4 and 2.5 times what was, the weeks at that level are a second answer to what
is to be expected. Until the weeks themselves confirm it, both levels count as ordinary (`Baseline.expect`); where the
days cease to agree, because the old level is back, so does the second answer.

A total outage has no ratio and never becomes a level, however long; nor does what is left below 0.4, or a change that
the bounds allow anyway.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

from exporter.baseline.history import History
from exporter.baseline.measuring import FEWEST_WEEKS, ratio
from exporter.model import DAY, Instant

_DAYS: Final = 4
_WEEKS: Final = (1, 2, 3, 4)
_LEAST: Final = 0.4
_DOWN: Final = 0.7
_UP: Final = 1.4
_MOST: Final = 2.5
_AGREEING: Final = 1.4
"""The highest of the days' ratios by the lowest, at most."""
_ENOUGH: Final = 100
"""Grains that a day must hold before its ratio is more than chance."""


def new_level(history: History, at: Instant, grain: float) -> tuple[float | None, ...]:
    """For each of four past weeks, newest first: by what the volumes of its time are at the level of the last 4 days.

    None for a week that cannot be compared; empty where there is no new level.
    """
    days = [_day(history, at, day) for day in range(_DAYS)]
    if any(sum(slot for slot in day if slot > 0) < _ENOUGH * grain for day in days):
        return ()
    weeks = [[ratio(days[day], _day(history, at, day + 7 * week)) for day in range(_DAYS)] for week in _WEEKS]
    changes = []
    for by_week in zip(*weeks, strict=True):
        known = [change for change in by_week if change is not None]
        if len(known) < FEWEST_WEEKS:
            return ()
        changes.append(median(known))
    lowest, highest = min(changes), max(changes)
    fallen, risen = lowest >= _LEAST and highest <= _DOWN, lowest >= _UP and highest <= _MOST
    if not (fallen or risen) or highest > _AGREEING * lowest:
        return ()
    return tuple(_middle(week) for week in weeks)


def _day(history: History, at: Instant, day: int) -> Sequence[float]:
    return history.between(at - (day + 1) * DAY, at - day * DAY)


def _middle(changes: Sequence[float | None]) -> float | None:
    known = [change for change in changes if change is not None]
    return median(known) if known else None
