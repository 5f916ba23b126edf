"""Which spans of the operations' own time to ask for.

A terminal's coverage is one stretch, from `covered_from` to `watermark`: all that was created in it has been read
completely at least once. The head moves its upper end to now, the fill its lower end back to the longest window, and
the sweep reads the last `lookback` again for late arrivals and changed statuses.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Assignment,
    Checkpoint,
    Duration,
    Entry,
    Instant,
    Policy,
    Span,
)

AHEAD: Duration = DAY
"""How far into the future spans reach: a bank's clock that runs ahead of ours must not hide its operations."""


def begin(now: Instant) -> Checkpoint:
    """The checkpoint of a terminal that no state knows. Counting begins with a whole second, exact in a float."""
    since = now - now % SECOND
    return Checkpoint(counting_since=since, covered_from=since, watermark=since)


def resume(checkpoint: Checkpoint, now: Instant, policy: Policy) -> tuple[Checkpoint, Span | None]:
    """Where to go on after an outage, and the gap that lies further back than `max_gap` and will not be read."""
    earliest = now - policy.max_gap
    if checkpoint.watermark >= earliest:
        return checkpoint, None
    gap = Span(checkpoint.watermark, earliest)
    return replace(checkpoint, covered_from=earliest, watermark=earliest, gap_end=earliest), gap


def head(
    now: Instant,
    checkpoints: Mapping[str, Checkpoint],
    policy: Policy,
    stride: Duration | None = None,
    further: Duration = 0,
) -> tuple[Assignment, ...]:
    """From a little before each watermark, or still further back, to now, terminals at about the same point together.

    With a `stride`, spans are no longer than that: the head then has to be asked again until it has caught up. A
    watermark of the future, left by a clock that was wrong, hides nothing of the present.
    """
    overlap = _overlap(policy, stride, further)
    groups: defaultdict[Instant, dict[str, Instant]] = defaultdict(dict)
    for name, checkpoint in checkpoints.items():
        start = min(checkpoint.watermark, now) - overlap
        groups[start // max(policy.behind, MINUTE)][name] = start
    assignments: list[Assignment] = []
    for group in groups.values():
        start = min(group.values())
        end = now + AHEAD
        if stride is not None and start + stride < now:
            end = start + stride
        assignments += batches(Span(start, end), tuple(group), policy.batch)
    return tuple(assignments)


def fill(
    now: Instant, checkpoints: Mapping[str, Checkpoint], policy: Policy, stride: Duration | None = None
) -> tuple[Assignment, ...]:
    """The next spans below the coverage, down to the longest window: short windows become right first."""
    overlap = _overlap(policy, stride)
    groups: defaultdict[Span, list[str]] = defaultdict(list)
    for name, checkpoint in checkpoints.items():
        covered_from = min(checkpoint.covered_from, now)
        edge = _next_edge(now - covered_from, policy)
        if edge is None:
            continue
        start = now - edge
        if stride is not None:
            start = max(start, covered_from + overlap - stride)
        groups[Span(start, covered_from + overlap)].append(name)
    return tuple(assignment for span, names in groups.items() for assignment in batches(span, names, policy.batch))


def _overlap(policy: Policy, stride: Duration | None, further: Duration = 0) -> Duration:
    """Less of it than half a stride, or strides would not get on."""
    overlap = policy.overlap + further
    return overlap if stride is None else min(overlap, stride // 2)


def _next_edge(covered: Duration, policy: Policy) -> Duration | None:
    """The shortest window (or the lookback) that the coverage does not fill yet; None where all are filled."""
    edges = sorted({*policy.windows, policy.lookback})
    index = bisect_right(edges, covered)
    return edges[index] if index < len(edges) else None


def back_to(start: Instant, names: Sequence[str], now: Instant, policy: Policy) -> tuple[Assignment, ...]:
    """From an instant to now; the end is closed, so that it can be complete while operations go on."""
    return tuple(batches(Span(start, now), names, policy.batch))


def sweep(now: Instant, swept: Mapping[str, Instant], policy: Policy) -> tuple[Assignment, ...]:
    """What may have come late or changed since each terminal was last swept: the lookback, as seen from that moment.

    Seen from now, what became visible between two sweeps, or during an outage, could be just too old for the second.
    """
    groups: defaultdict[Instant, list[str]] = defaultdict(list)
    for name, moment in swept.items():
        groups[min(moment, now)].append(name)
    return tuple(
        assignment
        for moment, names in groups.items()
        for assignment in back_to(moment - policy.lookback, names, now, policy)
    )


_AGES: Final = (DAY - HOUR, HOUR, 0)
"""How long after an hour may be read again it is: the last time a day later, and twice at once."""

CLOSED_HOURS: Final = len(_AGES)
"""How often each hour of operations is read again once it has closed."""


def closed_hours(now: Instant, checkpoint: Checkpoint, policy: Policy, kept_since: Instant = 0) -> tuple[Span, ...]:
    """The hours to be read again: the last two that no late arrival should reach any more, and the one a day before.

    Asked every hour, each hour of operations is read again three times, the last time a day later. What lies before
    counting began, in a gap, or further back than ids are kept, is left out.
    """
    last = (now - policy.lookback) // HOUR * HOUR
    earliest = max(checkpoint.counting_since, checkpoint.gap_end or 0, kept_since)
    ends = [last - age for age in _AGES]
    spans = [Span(max(end - HOUR, earliest), end) for end in ends]
    return tuple(span for span in spans if span.start < span.end <= checkpoint.watermark)


def follow(now: Instant, pending: Iterable[Entry], policy: Policy, turn: int) -> tuple[Assignment, ...]:
    """Spans of an instant for pending operations that the sweep reaches no longer; neighbours share one.

    At most `follow_spans` at a time; `turn` counts the sweeps, so that all of them have their turn.
    """
    older = sorted((entry.created, entry.key.terminal) for entry in pending if entry.created < now - policy.lookback)
    spans: list[tuple[Instant, Instant, set[str]]] = []
    for created, name in older:
        if spans and created - spans[-1][0] <= SECOND:
            start, _, names = spans[-1]
            spans[-1] = (start, created + 1, names | {name})
        else:
            spans.append((created, created + 1, {name}))
    first = turn * policy.follow_spans % len(spans) if len(spans) > policy.follow_spans else 0
    chosen = (spans + spans)[first : first + min(len(spans), policy.follow_spans)]
    return tuple(
        assignment
        for start, end, names in chosen
        for assignment in batches(Span(start, end), tuple(sorted(names)), policy.batch)
    )


def batches(span: Span, names: Sequence[str], size: int) -> Iterator[Assignment]:
    """A span for as many terminals together as may be asked for at a time."""
    for first in range(0, len(names), size):
        yield Assignment(span, tuple(names[first : first + size]))


def pieces(assignment: Assignment, stride: Duration, now: Instant) -> tuple[Assignment, ...]:
    """The same terminals, the span cut into strides; an end in the future belongs to the last piece."""
    start, end = assignment.span
    cuts = [*range(start, min(end, now), stride), end]
    return tuple(assignment._replace(span=Span(low, high)) for low, high in pairwise(cuts))


def shorter(span: Span, now: Instant, total_count: int, limit: int) -> Duration:
    """A stride of which one reading should hold half of what it may, given that a span held too much."""
    length = min(span.end, now) - span.start
    return max(SECOND, min(length // 2, length * limit // (2 * total_count)))
