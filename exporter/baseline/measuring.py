"""What `prepare` measures: the level of each past week against the last one, and the residuals of two weeks."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median
from typing import Final

from exporter.baseline.history import MISSING, WEEK, History
from exporter.baseline.spread import Residual
from exporter.model import DAY, Duration, Instant

_RESIDUAL_WEEKS: Final = 2
_FEWEST_DAYS: Final = 4
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
        ratios = [_ratio(days[day], days[day + 7 * week]) for day in range(7)]
        known = [ratio for ratio in ratios if ratio is not None]
        found.append(_agreed(known) if len(known) >= _FEWEST_DAYS else 1.0)
    return tuple(found)


def _agreed(ratios: Sequence[float]) -> float:
    """The median, moved towards 1 by as much as the days disagree."""
    middle = median(ratios)
    doubt = median([abs(ratio - middle) for ratio in ratios])
    return middle - min(max(middle - 1.0, -doubt), doubt)


def trend(factors: Sequence[float]) -> float:
    """By how much the level grows a week: the median of the ratios of neighbouring weeks, within bounds.

    One corrupt week spoils two of the ratios, in opposite directions, or the newest one only: the median is left alone.
    With fewer than four weeks that cannot be told, and there is no trend.
    """
    if len(factors) < _FEWEST_TREND_WEEKS:
        return 1.0
    return min(max(median(older / newer for newer, older in pairwise(factors)), _SLOWEST), _FASTEST)


def _ratio(now: Sequence[float], then: Sequence[float]) -> float | None:
    """One day's volume by another's, over the slots that are known of both; None where there is nothing to compare."""
    if len(now) == len(then) and now and min(now) >= 0 <= min(then):
        new, old = sum(now), sum(then)
    else:
        both = [(a, b) for a, b in zip(now, then, strict=False) if a >= 0 and b >= 0]
        new, old = sum(a for a, _ in both), sum(b for _, b in both)
    return new / old if new > 0 < old else None


def residuals(history: History, at: Instant, window: Duration, factors: Sequence[float]) -> list[Residual]:
    """Each window of the last 14 days, and the median of the same time in the other weeks, older and newer.

    All weeks are at the level of the last 7 days, so that growth is not taken for spread. Windows end on the history's
    own grid. At least two other weeks have to be known.
    """
    step = history.step
    sums, end = _sums(history, at, max(1, round(window / step)), len(factors))
    lag = round(WEEK / step)
    found = []
    for place in range(1, lag + 1):
        known = [
            (week, sums[-place - week * lag] * factor)
            for week, factor in enumerate(factors)
            if place + week * lag <= len(sums) and sums[-place - week * lag] >= 0
        ]
        for week, value in known:
            if week >= _RESIDUAL_WEEKS or len(known) < 3:
                break
            others = median([other for number, other in known if number != week])
            found.append(Residual(end - (place - 1 + week * lag) * step, value, others))
    return found


def _sums(history: History, at: Instant, width: int, weeks: int) -> tuple[list[float], Instant]:
    """Sums of `width` slots for each slot up to `at` as the last one, MISSING where one is; and the end of the last."""
    step, start = history.step, history.start
    last = min(len(history.values), (at - start) // step)
    first = max(0, last - weeks * round(WEEK / step))
    values = history.values[first:last]
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
