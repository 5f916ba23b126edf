"""Transfers that repeat each other: the same sender, receiver, amount and currency within a minute, under other ids.

Operations of one likeness, each no more than a minute apart from the next, are a cluster; of a cluster of n, n - 1 are
repeats, in whatever order its members become visible. Members from before counting began are in no counter, but what
repeats them is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from exporter.model import MINUTE, Duration, Instant, Operation, Trace

APART: Final[Duration] = MINUTE
"""How far apart two operations may be created and still be taken for one that was sent twice."""

_NEVER: Final = 2**62
"""As the oldest minute, where nothing is held."""

Found = Mapping[int, Mapping[bytes, Trace]]
"""The traces of a decision, by likeness and id."""


class Repeats:
    """What one terminal's operations are compared with, as far back as one may turn up late.

    It is empty after a start, so operations that are met again take their places without being counted. Where a new one
    turned up before them, it is counted when they do.
    """

    def __init__(self) -> None:
        self._held: dict[int, tuple[Trace, ...]] = {}
        self._minutes: defaultdict[int, list[int]] = defaultdict(list)
        self._oldest: int = _NEVER
        self._horizon: Instant = 0

    def __len__(self) -> int:
        return sum(len(held) for held in self._held.values())

    def holds(self, operation: Operation) -> bool:
        """Whether this operation is held already."""
        for trace in self._held.get(operation.likeness, ()):
            if trace.id == operation.id and trace.created == operation.created:
                return True
        return False

    def concerned(self, traces: Collection[Trace]) -> Found:
        """Those of some traces that are not the only ones of their likeness. Hardly any are."""
        numbers = Counter(trace.likeness for trace in traces)
        found: defaultdict[int, dict[bytes, Trace]] = defaultdict(dict)
        for trace in traces:
            if numbers[trace.likeness] > 1 or trace.likeness in self._held:
                found[trace.likeness][trace.id] = trace
        return found

    def due(self, found: Found, horizon: Instant) -> int:
        """How many repeats there are now that have not been counted.

        What is older than the horizon and was met again has been held before, or will never be: it is compared with,
        and makes nothing due by itself.
        """
        horizon = max(horizon, self._horizon)
        due = 0
        for likeness, traces in found.items():
            held = self._held.get(likeness, ())
            old = {id_: trace for id_, trace in traces.items() if trace.created < horizon and not trace.fresh}
            before = {trace.id: trace for trace in held} | old
            due += max(_counted(before | dict(traces)) - _counted(before), 0)
        return due

    def remember(self, traces: Iterable[Trace], horizon: Instant) -> None:
        """Hold these, and let go of what lies before the horizon, which never goes back."""
        for trace in traces:
            others = self._held.get(trace.likeness, ())
            if others:
                others = tuple(held for held in others if held.id != trace.id)
            self._held[trace.likeness] = (*others, trace)
            self._minutes[trace.created // MINUTE].append(trace.likeness)
            self._oldest = min(self._oldest, trace.created // MINUTE)
        self._horizon = max(self._horizon, horizon)
        if (self._oldest + 1) * MINUTE > self._horizon:  # in most polls nothing is to go
            return
        for minute in [minute for minute in self._minutes if (minute + 1) * MINUTE <= self._horizon]:
            for likeness in self._minutes.pop(minute):
                self._let_go(likeness)
        self._oldest = min(self._minutes, default=_NEVER)

    def _let_go(self, likeness: int) -> None:
        kept = tuple(trace for trace in self._held.get(likeness, ()) if trace.created >= self._horizon)
        if kept:
            self._held[likeness] = kept
        else:
            self._held.pop(likeness, None)


def _counted(traces: Mapping[bytes, Trace]) -> int:
    """What this process has to have counted of these: their repeats, without those that were there at its start."""
    return repeated(traces.values()) - repeated(trace for trace in traces.values() if not trace.fresh)


def repeated(traces: Iterable[Trace]) -> int:
    """How many of these operations of one likeness repeat others, exempt ones not counted."""
    clusters: list[list[bool]] = []
    end: Instant = 0
    for created, exempt in sorted((trace.created, trace.exempt) for trace in traces):
        if not clusters or created - end > APART:
            clusters.append([])
        clusters[-1].append(exempt)
        end = created
    return sum(cluster.count(False) - (True not in cluster) for cluster in clusters)
