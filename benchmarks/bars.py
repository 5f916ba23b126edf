"""A bar: two sides that do the same work, alternating in one run, and how far apart they must be.

A figure is what no ratio of two timings says: bytes a series, seconds of a restart, requests a poll.
"""

import gc
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exporter.app.collecting import collect_rarely

ROUNDS = 5


class Lacking(Exception):
    """What a comparison needs is not on this machine; the text says what, and how to get it."""


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


@dataclass(frozen=True)
class Found:
    """What a figure came to; `peer` is the other side's, where there is one, and `note` what a person wants to know."""

    value: float
    peer: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """One measured number, and what is asked of it: at most so much, or with `at_least` no less."""

    name: str
    unit: str
    measure: Callable[[], Found]
    must: float | None = None
    stretch: float | None = None
    at_least: bool = False


@dataclass(frozen=True)
class Result:
    """A line of the table. `met`: stretch, must, missed, or lacking; empty where nothing is asked for."""

    name: str
    unit: str
    value: float | None = None
    ratio: float | None = None
    peer: float | None = None
    must: float | None = None
    stretch: float | None = None
    per_second_must: float | None = None
    met: str = ""
    note: str = ""

    def as_data(self) -> dict[str, Any]:
        """For JSON, which knows no infinity."""
        return {
            key: None if isinstance(each, float) and not math.isfinite(each) else each
            for key, each in asdict(self).items()
        }


def measured(what: Bar | Figure) -> Result:
    """What it came to; SystemExit where two sides do not give the same result."""
    try:
        return _bar(what) if isinstance(what, Bar) else _figure(what)
    except Lacking as lacking:
        return Result(what.name, what.unit, must=what.must, stretch=what.stretch, met="lacking", note=str(lacking))


def resident(process: int | str = "self") -> int:
    """Bytes of a process that are in memory; of this one where none is named by its id."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def spared() -> Iterator[None]:
    """Both sides are spared the garbage collector as the app spares itself."""
    before = gc.get_threshold()
    collect_rarely()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def medians(bar: Bar, rounds: int = ROUNDS) -> tuple[float, float]:
    """Seconds of both sides, alternating."""
    ours, other = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        left = bar.ours()
        middle = time.perf_counter()
        right = bar.other()
        end = time.perf_counter()
        if not bar.same(left, right):
            raise SystemExit(f"{bar.name}: the two sides differ: {left!r:.200} and {right!r:.200}")
        ours.append(middle - start)
        other.append(end - middle)
    return statistics.median(ours), statistics.median(other)


def _bar(bar: Bar) -> Result:
    seconds, against = medians(bar)
    ratio, rate = against / seconds, bar.amount / seconds
    met = _met(ratio, bar.must, bar.stretch, at_least=True)
    if bar.per_second is not None and rate < bar.per_second:
        met = "missed"
    elif bar.per_second is not None and not met:
        met = "must"
    peer = bar.amount / against
    return Result(bar.name, f"{bar.unit}/s", rate, ratio, peer, bar.must, bar.stretch, bar.per_second, met)


def _figure(figure: Figure) -> Result:
    found = figure.measure()
    met = _met(found.value, figure.must, figure.stretch, at_least=figure.at_least)
    return Result(
        figure.name,
        figure.unit,
        found.value,
        peer=found.peer,
        must=figure.must,
        stretch=figure.stretch,
        met=met,
        note=found.note,
    )


def _met(value: float, must: float | None, stretch: float | None, *, at_least: bool) -> str:
    def reaches(wanted: float) -> bool:
        return value >= wanted if at_least else value <= wanted

    if stretch is not None and reaches(stretch):
        return "stretch"
    if must is None:
        return ""
    return "must" if reaches(must) else "missed"
