"""What `prepare` measures: the level of each past week against the last one, and the residuals of all of them."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median
from typing import Final

from exporter.baseline.extremes import Residual
from exporter.baseline.history import MISSING, WEEK, History
from exporter.model import DAY, Duration, Instant

_FEWEST_DAYS: Final = 4
FEWEST_WEEKS: Final = 3
"""With fewer past weeks nothing is expected: two cannot outvote a bad one."""

_FEWEST_TREND_WEEKS: Final = 4
_SLOWEST: Final = 0.8
_FASTEST: Final = 1.25


def levels(history: History, at: Instant, weeks: int) -> tuple[float, ...]:
    """For each past week, newest first: by what its volumes must be multiplied to be at the level of the last 7 days.

    The median of seven ratios, each day against the same day of that week, drawn towards 1 by as much as the days
    disagree: an outage or a holiday of up to three days does not move it. 1 where fewer than four days can be compared.
    The first week is the last 7 days themselves.
    """
    days = [list(history.between(at - day * DAY, at - (day - 1) * DAY)) for day in range(1, 7 * weeks + 1)]
    found = []
    for week in range(weeks):
        ratios = [ratio(days[day], days[day + 7 * week]) for day in range(7)]
        known = [one for one in ratios if one is not None]
        found.append(_agreed(known) if len(known) >= _FEWEST_DAYS else 1.0)
    return tuple(found)


def _agreed(ratios: Sequence[float]) -> float:
    """The median, moved towards 1 by as much as the days disagree."""
    middle = median(ratios)
    doubt = median([abs(one - middle) for one in ratios])
    return middle - min(max(middle - 1.0, -doubt), doubt)


def trend(factors: Sequence[float]) -> float:
    """By how much the level grows a week: the median of the ratios of neighbouring weeks, within bounds.

    One corrupt week spoils two of the ratios, in opposite directions, or the newest one only: the median is left alone.
    With fewer than four weeks that cannot be told, and there is no trend.
    """
    if len(factors) < _FEWEST_TREND_WEEKS:
        return 1.0
    return min(max(median(older / newer for newer, older in pairwise(factors)), _SLOWEST), _FASTEST)


def ratio(now: Sequence[float], then: Sequence[float]) -> float | None:
    """One day's volume by another's, over the slots that are known of both; None where there is nothing to compare."""
    if len(now) == len(then) and now and min(now) >= 0 <= min(then):
        new, old = sum(now), sum(then)
    else:
        both = [(a, b) for a, b in zip(now, then, strict=False) if a >= 0 and b >= 0]
        new, old = sum(a for a, _ in both), sum(b for _, b in both)
    return new / old if new > 0 < old else None


def residuals(history: History, at: Instant, window: Duration, factors: Sequence[float]) -> list[list[Residual]]:
    """For each past week, newest first: its windows, and the median of the same time in the other weeks.

    All weeks are at the level of the last 7 days, so that growth is not taken for spread. Windows end on the history's
    own grid. At least two other weeks have to be known.
    """
    step = history.step
    sums, end = _sums(history, at, max(1, round(window / step)), len(factors))
    lag = round(WEEK / step)
    weeks = list(enumerate(factors))
    found: list[list[Residual]] = [[] for _ in factors]
    for place in range(1, lag + 1):
        known = [
            (value * factor, week)
            for week, factor in weeks
            if place + week * lag <= len(sums) and (value := sums[-place - week * lag]) >= 0
        ]
        if len(known) < FEWEST_WEEKS:
            continue
        known.sort()
        last = end - (place - 1) * step
        for rank, (value, week) in enumerate(known):
            found[week].append((last - week * WEEK, value, _median_without(rank, known)))
    return found


def _median_without(rank: int, ordered: Sequence[tuple[float, int]]) -> float:
    """The median of what is left when the one at this rank is taken out."""
    middle, odd = divmod(len(ordered) - 1, 2)
    high = ordered[middle if rank > middle else middle + 1][0]
    if odd:
        return high
    return (ordered[middle - 1 if rank > middle - 1 else middle][0] + high) / 2


def _sums(history: History, at: Instant, width: int, weeks: int) -> tuple[list[float], Instant]:
    """Sums of `width` slots for each slot up to `at` as the last one, MISSING where one is; and the end of the last."""
    step, start = history.step, history.start
    last = max(0, min(len(history), (at - start) // step))  # a clock may stand before all that is known
    first = max(0, last - weeks * round(WEEK / step))
    values = history.slots(first, last)
    if width == 1:
        return list(values), start + last * step
    running = list(accumulate((max(0, value) for value in values), initial=0))
    absent = list(accumulate((value < 0 for value in values), initial=0))
    sums: list[float] = [MISSING] * min(width - 1, len(values))
    sums += [
        running[place] - running[place - width] if absent[place] == absent[place - width] else MISSING
        for place in range(width, len(values) + 1)
    ]
    return sums, start + last * step
