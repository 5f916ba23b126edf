"""Windows that move on, against a recount of all that is in the lookback."""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from benchmarks.bars import ROUNDS, Bar
from exporter.ledger.books import Shelf
from exporter.model import (
    HOUR,
    MINUTE,
    SECOND,
    Checkpoint,
    Entry,
    Outcome,
    SeriesKey,
    Standing,
    WindowTally,
)

T0 = 1_790_000_000 * SECOND
WINDOWS = (5 * MINUTE, 15 * MINUTE, HOUR)
INTERVAL = 15 * SECOND
IN_LOOKBACK = 100_000

_FAILURES = [("05", "484", "funds"), ("05", "454", "technical"), ("51", "484", "funds"), ("91", "999", "unknown")]


def entries(terminals: int, count: int, until: int, seed: int = 7) -> Iterator[Entry]:
    """So many entries in the hour before T0, and more at the same rate until another moment, in the order of time."""
    rng = random.Random(seed)
    keys = [
        (
            SeriesKey(f"t{n}", Outcome.SUCCESS, "ok", "00", "0", "none"),
            *(SeriesKey(f"t{n}", Outcome.FAILURE, "failed", *reasons) for reasons in _FAILURES),
        )
        for n in range(terminals)
    ]
    step = HOUR // count
    for begin in range(T0 - HOUR, until, step):
        created = begin + rng.randrange(step)
        success, *failures = keys[rng.randrange(terminals)]
        key = success if rng.random() < 0.9 else rng.choice(failures)
        yield Entry(rng.randbytes(16), created, key, rng.randrange(10_000_000), "KZT", Standing.COUNTED)


Ring = tuple[dict[SeriesKey, int], dict[tuple[SeriesKey, str], int], dict[tuple[Outcome, str], int]]


def recounted(held: Iterable[Entry], at: int) -> list[WindowTally]:
    """Every window over all entries, each looked at once: a window is the sum of the rings that lie in it."""
    rings: list[Ring] = [({}, {}, {}) for _ in WINDOWS]
    for entry in held:
        age = at - entry.created
        index = bisect_left(WINDOWS, age)
        if age > 0 and index < len(WINDOWS):
            operations, amounts, largest = rings[index]
            key, pair, group = entry.key, (entry.key, entry.currency), (entry.key.outcome, entry.currency)
            operations[key] = operations.get(key, 0) + 1
            amounts[pair] = amounts.get(pair, 0) + entry.amount
            if entry.amount >= largest.get(group, 0):
                largest[group] = entry.amount
    for inner, outer in pairwise(rings):
        for mine, further in zip(outer[:2], inner[:2], strict=True):
            for name, value in further.items():
                mine[name] = mine.get(name, 0) + value
        for group, amount in inner[2].items():
            outer[2][group] = max(outer[2].get(group, 0), amount)
    return [WindowTally(window, *ring) for window, ring in zip(WINDOWS, rings, strict=True)]


def _sides(terminals: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Both move on by an interval whenever they are called."""
    end = T0 + (ROUNDS + 1) * INTERVAL
    held = list(entries(terminals, IN_LOOKBACK, end))
    by_terminal: dict[str, list[Entry]] = {f"t{n}": [] for n in range(terminals)}
    shelf = Shelf(((name, Checkpoint(0, 0, 0)) for name in by_terminal), WINDOWS)
    for entry in held:
        by_terminal[entry.key.terminal].append(entry)
    shelf.put(held)
    for book in shelf.books.values():
        book.windows.tallies(T0)
    moments, others = iter(range(T0 + INTERVAL, end + 1, INTERVAL)), iter(range(T0 + INTERVAL, end + 1, INTERVAL))

    def moved() -> list[list[WindowTally]]:
        at = next(moments)
        return [list(book.windows.tallies(at)) for book in shelf.books.values()]

    def again() -> list[list[WindowTally]]:
        at = next(others)
        return [recounted(mine, at) for mine in by_terminal.values()]

    return moved, again


def bars() -> list[Bar]:
    """One terminal with all of it, and a thousand that share it."""
    return [
        Bar(
            "windows moved on by a poll, against a recount",
            "entries",
            IN_LOOKBACK,
            *_sides(1),
            lambda a, b: a == b,
            must=100,
            stretch=400,
        ),
        Bar(
            "the same at 1000 terminals",
            "entries",
            IN_LOOKBACK,
            *_sides(1000),
            lambda a, b: a == b,
        ),
    ]
