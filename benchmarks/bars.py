"""A bar: two sides that do the same work, alternating in one run, and how far apart they must be."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROUNDS = 5


@dataclass(frozen=True)
class Bar:
    """One comparison: how much is worked on, what both sides do with it, and what is asked of the ratio.

    `must` and `stretch` are ratios of the other side's median time to ours; `per_second` asks for a rate of ours as
    well. None: not asked for.
    """

    name: str
    unit: str
    amount: int
    ours: Callable[[], Any]
    other: Callable[[], Any]
    same: Callable[[Any, Any], bool]
    must: float | None = None
    stretch: float | None = None
    per_second: float | None = None


def measured(bar: Bar) -> dict[str, Any]:
    """Medians of both sides, alternating; SystemExit where they do not give the same result."""
    ours, other = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        left = bar.ours()
        middle = time.perf_counter()
        right = bar.other()
        end = time.perf_counter()
        if not bar.same(left, right):
            raise SystemExit(f"{bar.name}: the two sides differ: {left!r:.200} and {right!r:.200}")
        ours.append(middle - start)
        other.append(end - middle)
    seconds, against = statistics.median(ours), statistics.median(other)
    return {
        "name": bar.name,
        "per_second": round(bar.amount / seconds),
        "unit": bar.unit,
        "ratio": round(against / seconds, 2),
        "must": bar.must,
        "stretch": bar.stretch,
    }
