"""Transfers that repeat each other: the same sender, receiver, amount and currency within a minute, under other ids.

Operations of one likeness, each no more than a minute apart from the next, are a cluster; of a cluster of n, n - 1 are
repeats, in whatever order its members become visible. Members from before counting began are in no counter, but what
repeats them is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from exporter.ledger.traces import Traces
from exporter.model import MINUTE, Duration, Instant, Operation, Trace

APART: Final[Duration] = MINUTE
"""How far apart two operations may be created and still be taken for one that was sent twice."""

Found = Mapping[int, Mapping[bytes, Trace]]
"""The traces of a decision, by likeness and id."""


class Repeats:
    """What one terminal's operations are compared with, as far back as one may turn up late.

    It is empty after a start, so operations that are met again take their places without being counted. Where a new one
    turned up before them, it is counted when they do.
    """

    def __init__(self) -> None:
        self._held = Traces()
        self._horizon: Instant = 0

    def __len__(self) -> int:
        return self._held.since(self._horizon)

    def holds(self, operation: Operation) -> bool:
        """Whether this operation is held already."""
        for row in self._held.rows(operation.likeness):
            if self._held.id(row) == operation.id and self._held.created[row] == operation.created:
                return operation.created >= self._horizon
        return False

    def concerned(self, traces: Collection[Trace]) -> Found:
        """Those of some traces that are not the only ones of their likeness. Hardly any are."""
        numbers = Counter(trace.likeness for trace in traces)
        held = self._held.common(numbers)
        found: defaultdict[int, dict[bytes, Trace]] = defaultdict(dict)
        if len(numbers) == len(traces) and not held:
            return found
        for trace in traces:
            if numbers[trace.likeness] > 1 or trace.likeness in held:
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
            old = {id_: trace for id_, trace in traces.items() if trace.created < horizon and not trace.fresh}
            before = {trace.id: trace for trace in self._of(likeness, traces)} | old
            due += max(_counted(before | dict(traces)) - _counted(before), 0)
        return due

    def remember(self, traces: Collection[Trace], horizon: Instant) -> None:
        """Hold these, and let go of what lies before the horizon, which never goes back."""
        if horizon > self._horizon:
            self._horizon = horizon
            self._held.let_go(horizon)
        if young := [trace for trace in traces if trace.created >= self._horizon]:
            self._held.add(young)

    def _of(self, likeness: int, traces: Mapping[bytes, Trace]) -> Iterator[Trace]:
        """What is held of a likeness, of the terminal of some that are like it."""
        held = self._held
        terminal = next(iter(traces.values())).terminal
        for row in held.rows(likeness):
            if held.created[row] >= self._horizon:
                yield held.trace(row, terminal)


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
