"""What operations that are counted together add to the totals."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from exporter.model import (
    AMOUNT_BUCKETS,
    DELAY_BUCKETS,
    SECOND,
    Duration,
    Family,
    Instant,
    Outcome,
    SeriesKey,
    Total,
    minor_units,
)

_DELAYS: Final = tuple(bound * SECOND for bound in DELAY_BUCKETS)


@lru_cache(256)
def _bounds(currency: str) -> tuple[int, ...]:
    """The bounds of the amounts' buckets in minor units."""
    return tuple(bound * 10 ** minor_units(currency) for bound in AMOUNT_BUCKETS)


def _buckets(bounds: Sequence[int], values: Collection[int]) -> Iterator[tuple[str, int]]:
    """How many of the values fall into each bucket: those up to a bound, and beyond the one before it."""
    ordered = sorted(values)
    ends = [0, *(bisect_right(ordered, bound) for bound in bounds), len(ordered)]
    for bucket, (before, end) in enumerate(pairwise(ends)):
        if end > before:
            yield str(bucket), end - before


def operations(key: SeriesKey, currency: str, amounts: Collection[int]) -> Iterator[tuple[Total, int]]:
    """Count and amounts of the operations of one series."""
    yield Total(Family.OPERATIONS, key), len(amounts)
    yield Total(Family.AMOUNT, (*key, currency)), sum(amounts)


def amounts(terminal: str, outcome: Outcome, currency: str, values: Collection[int]) -> Iterator[tuple[Total, int]]:
    """The amounts of operations of one terminal, outcome and currency by buckets, and their sum."""
    yield Total(Family.AMOUNT_SUM, (terminal, outcome, currency)), sum(values)
    for bucket, count in _buckets(_bounds(currency), values):
        yield Total(Family.AMOUNT_BUCKET, (terminal, outcome, currency, bucket)), count


Delays = tuple[Duration, Sequence[tuple[str, int]]]
"""How long some operations took together, and how many of them fall into each bucket."""


def visibility(account: str, delays: Delays) -> Iterator[tuple[Total, int]]:
    """How long it took until operations were first seen."""
    delay, buckets = delays
    yield Total(Family.VISIBILITY_SUM, (account,)), delay
    for bucket, count in buckets:
        yield Total(Family.VISIBILITY_BUCKET, (account, bucket)), count


def finalization(terminal: str, delays: Delays) -> Iterator[tuple[Total, int]]:
    """How long it took until operations were first seen final."""
    delay, buckets = delays
    yield Total(Family.FINALIZATION_SUM, (terminal,)), delay
    for bucket, count in buckets:
        yield Total(Family.FINALIZATION_BUCKET, (terminal, bucket)), count


def delays(created: Collection[Instant], now: Instant) -> Delays:
    """How long ago that was, together and by buckets; a record of the future took no time.

    Records come almost in order, so they are quickly sorted, and a bucket is a stretch of them.
    """
    moments = sorted(created)
    past = bisect_left(moments, now)
    ends = [len(moments), *(bisect_left(moments, now - bound, 0, past) for bound in _DELAYS), 0]
    counts = [newer - older for newer, older in pairwise(ends)]
    buckets = [(str(bucket), count) for bucket, count in enumerate(counts) if count]
    return past * now - sum(moments[:past]), buckets
