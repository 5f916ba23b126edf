"""The sliding windows of one terminal as running totals: a move costs what enters and what leaves, nothing else.

All sums are integers, so what has been added and taken away again leaves nothing behind.
"""

from collections import defaultdict
from collections.abc import Sequence

from exporter.ledger.rows import Rows
from exporter.ledger.timeline import Largest, Timeline, keep_larger
from exporter.model import Duration, Instant, Outcome, Series, SeriesKey, WindowTally


class Sliding:
    """The windows [at - window, at) over a timeline, `at` wherever it was last moved to.

    Nothing is kept up before somebody has asked for it. A window in which nothing has changed stays the same object.
    """

    def __init__(self, rows: Rows, timeline: Timeline, windows: Sequence[Duration]) -> None:
        self._rows = rows
        self._timeline = timeline
        self._windows = tuple(_Window(window) for window in windows)
        self._at: Instant | None = None

    def tallies(self, at: Instant) -> tuple[WindowTally, ...]:
        """Each window up to an instant, which may lie before the one of the last call."""
        if at != self._at:
            self._move(self._at, at)
            self._at = at
        return tuple(window.tally(self._timeline, at) for window in self._windows)

    def add(self, rows: Sequence[int]) -> None:
        """Rows have come into the timeline."""
        at, created = self._at, self._rows.created
        if at is None:
            return
        before = [row for row in rows if created[row] < at]  # hardly any: most are newer than what was shown
        for window in self._windows if before else ():
            entered = [row for row in before if created[row] >= at - window.length]
            if window.sums.count(self._rows, entered, 1):
                window.changed = True
            for row in entered:
                keep_larger(window.largest, {self._rows.series[row].group: (self._rows.amounts[row], created[row])})

    def remove(self, row: int) -> None:
        """A row is about to go from the timeline."""
        created = self._rows.created[row]
        if self._at is None or created >= self._at:
            return
        last = (self._rows.amounts[row], created)
        for window in self._windows:
            if created < self._at - window.length:
                continue
            window.changed = True
            window.sums.count(self._rows, (row,), -1)
            if window.largest.get(self._rows.series[row].group) == last:
                window.doubtful = True

    def _move(self, before: Instant | None, at: Instant) -> None:
        rows, between = self._rows, self._timeline.between
        entering, largest = _Sums(), {}
        if before is not None and before < at and entering.count(rows, between(before, at), 1):
            largest = self._timeline.largest(before, at)
        for window in self._windows:
            length, sums = window.length, window.sums
            if before is None or abs(at - before) >= length:
                window.sums = _Sums()
                window.sums.count(rows, between(at - length, at), 1)
                window.changed = window.doubtful = True
            elif before < at:
                if largest:
                    sums.merge(entering)
                    keep_larger(window.largest, largest)
                left = sums.count(rows, between(before - length, at - length), -1)
                window.changed |= left or bool(largest)
            else:
                left = sums.count(rows, between(at, before), -1)
                came = sums.count(rows, between(at - length, before - length), 1)
                window.changed |= left or came
                window.doubtful |= came


class _Sums:
    """Numbers and amounts by series, and numbers by what windows are broken down by. Zeros may stand in them."""

    __slots__ = ("amounts", "breakdowns", "counts")

    def __init__(self) -> None:
        self.counts: defaultdict[Series, int] = defaultdict(int)
        self.amounts: defaultdict[Series, int] = defaultdict(int)
        self.breakdowns: defaultdict[tuple[str, str, Outcome, str], int] = defaultdict(int)

    def count(self, rows: Rows, numbers: Sequence[int], sign: int) -> bool:
        """Add (1) or subtract (-1) rows; whether there were any."""
        if not numbers:
            return False
        series, amounts, details = rows.series, rows.amounts, rows.details
        by_series: defaultdict[Series, list[int]] = defaultdict(list)
        for row in numbers:
            by_series[series[row]].append(amounts[row])
        for each, together in by_series.items():
            self.counts[each] += sign * len(together)
            self.amounts[each] += sign * sum(together)
        for row in numbers if rows.broken_down else ():
            key = series[row].key
            for dimension, value in details[row]:
                self.breakdowns[dimension, value, key.outcome, key.reason_class] += sign
        return True

    def merge(self, other: "_Sums") -> None:
        for series, count in other.counts.items():
            self.counts[series] += count
            self.amounts[series] += other.amounts[series]
        for labels, count in other.breakdowns.items():
            self.breakdowns[labels] += count

    def tidy(self) -> None:
        """Drop what nothing is left of."""
        for series in [series for series, count in self.counts.items() if not count]:
            del self.counts[series], self.amounts[series]
        for labels in [labels for labels, count in self.breakdowns.items() if not count]:
            del self.breakdowns[labels]


class _Window:
    """One window's running totals, and what was last shown of them.

    changed: what was shown may no longer hold. doubtful: `largest` may not hold. It does not either once an operation
    that it names lies outside, which is found out when it is asked for.
    """

    __slots__ = ("changed", "doubtful", "largest", "length", "shown", "sums")

    def __init__(self, length: Duration) -> None:
        self.length = length
        self.sums = _Sums()
        self.largest: Largest = {}
        self.shown = WindowTally(length, {}, {}, {})
        self.changed = self.doubtful = False

    def tally(self, timeline: Timeline, at: Instant) -> WindowTally:
        if self.changed:
            tally = self._made(timeline, at)
            if tally != self.shown:
                self.shown = tally
            self.changed = False
        return self.shown

    def _made(self, timeline: Timeline, at: Instant) -> WindowTally:
        start = at - self.length
        if self.doubtful or not all(start <= created < at for _, created in self.largest.values()):
            self.largest, self.doubtful = timeline.largest(start, at), False
        self.sums.tidy()
        operations: defaultdict[SeriesKey, int] = defaultdict(int)
        for series, count in self.sums.counts.items():
            operations[series.key] += count
        return WindowTally(
            self.length,
            dict(operations),
            {series.pair: amount for series, amount in self.sums.amounts.items()},
            {group: amount for group, (amount, _) in self.largest.items()},
            dict(self.sums.breakdowns),
        )
