"""What else a terminal's past says: on how many days it worked, how long it usually rests, how much an operation is."""

from collections.abc import Iterable
from itertools import groupby
from statistics import median
from typing import Final

from exporter.baseline.history import WEEK, History
from exporter.baseline.measuring import FEWEST_WEEKS
from exporter.model import DAY, HOUR, Duration, Instant

KAZAKHSTAN: Final[Duration] = 5 * HOUR
"""One zone, no daylight saving: when days begin."""


def usual_gap(history: History, at: Instant, weeks: int = 5) -> Duration | None:
    """The median, over the past weeks, of the longest time without an operation in each.

    A run of n empty slots lies between two operations that are n to n + 2 slots apart: n + 1 stands for it, so that a
    terminal without an empty slot is taken to rest for one. A missing slot ends a run, for nobody knows. None where
    fewer than three weeks are known.
    """
    gaps = [(_longest_rest(values) + 1) * history.step for values in _weeks(history, at, weeks) if values is not None]
    return round(median(gaps)) if len(gaps) >= FEWEST_WEEKS else None


def active_days(history: History, at: Instant, days: int = 7, offset: Duration = KAZAKHSTAN) -> int:
    """On how many of the last closed days, in the zone `offset` ahead of UTC, there was an operation."""
    midnight = at - (at + offset) % DAY
    return sum(
        1
        for day in range(1, days + 1)
        if any(value > 0 for value in history.between(midnight - day * DAY, midnight - (day - 1) * DAY))
    )


def usual(history: History, excluded: Iterable[tuple[Instant, Instant]]) -> History:
    """The history without what says nothing about what is usual; the history itself where it knows nothing of that.

    That is `excluded` (holidays, maintenances), and the time before the first operation where it is longer than a day:
    a terminal that begins is no lull.
    """
    spans = list(excluded)
    first = history.first_volume
    if first * history.step > DAY:
        spans.append((history.start, history.start + first * history.step))
    if all(value < 0 for begin, end in spans for value in history.between(begin - history.step, end)):
        return history
    rest = history.copy()
    for begin, end in spans:
        rest.leave_out(begin, end)
    return rest


def grain_of(amounts: History, at: Instant, weeks: int = 4) -> float:
    """How much one operation moves a sum of amounts: E[X²] / E[X], the grain of a compound Poisson sum; 1 at least.

    Measured, since slots do not tell single amounts: the same slots of two weeks differ by twice the variance, which is
    the grain times the mean. The median over the days, so that a day out of the ordinary does not count, and a currency
    that few operations have is not taken for one that all have. Counts give about 1.
    """
    found = []
    for day in range(1, 7 * weeks + 1):
        begin, end = at - day * DAY, at - (day - 1) * DAY
        days = zip(amounts.between(begin, end), amounts.between(begin - WEEK, end - WEEK), strict=False)
        pairs = [(now, then) for now, then in days if now >= 0 and then >= 0]
        total = sum(now + then for now, then in pairs)
        if total:
            found.append(sum((now - then) ** 2 for now, then in pairs) / total)
    return max(1.0, median(found)) if found else 1.0


def _weeks(history: History, at: Instant, weeks: int) -> list[list[float] | None]:
    """The slots of each of the past weeks, newest first; None where less than half of them is known."""
    found: list[list[float] | None] = []
    for week in range(1, weeks + 1):
        values = list(history.between(at - week * WEEK, at - (week - 1) * WEEK))
        known = sum(1 for value in values if value >= 0)
        found.append(values if known * history.step * 2 >= WEEK else None)
    return found


def _longest_rest(values: list[float]) -> int:
    runs = (len(list(run)) for empty, run in groupby(values, key=lambda value: value == 0) if empty)
    return max(runs, default=0)
