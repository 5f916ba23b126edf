"""`python -m benchmarks.memory`: what an operation costs in memory while its id is remembered.

Each size is measured in a process of its own, at a thousand terminals with five series each: resident memory with so
many operations on the shelf, less that of an empty one. Windows are shown once, so that their totals are in it.
"""

import json
import subprocess
import sys
from itertools import islice

from benchmarks.bars import Figure, Found, resident
from benchmarks.windows import T0, WINDOWS, entries
from exporter.ledger.books import Shelf
from exporter.model import Checkpoint

TERMINALS = 1000
PAGE = 1000
SIZES = (200_000, 500_000, 1_000_000)
MUST, STRETCH = 120, 100
"""Bytes an id."""


def held(count: int) -> dict[str, float]:
    """Put so many operations on a shelf, in this process."""
    shelf = Shelf(((f"t{n}", Checkpoint(0, 0, 0)) for n in range(TERMINALS)), WINDOWS)
    shelf.put(list(entries(TERMINALS, TERMINALS, T0)))  # what the machinery itself takes
    further = entries(TERMINALS, count, T0, seed=8)
    shelf.put(list(islice(further, PAGE)))  # what a page takes for as long as it is looked at
    empty = resident()
    while page := list(islice(further, PAGE)):
        shelf.put(page)
    for book in shelf.books.values():
        book.windows.tallies(T0)
    return {"ids": count, "bytes": round((resident() - empty) / count, 1)}


def measured(count: int) -> dict[str, float]:
    """The same in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", str(count)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def worst() -> Found:
    """The size that costs most, with the others beside it: tables that grow are fullest just before they do."""
    found = [measured(size) for size in SIZES]
    note = ", ".join(f"{each['bytes']} B at {each['ids']:,}" for each in found)
    return Found(max(each["bytes"] for each in found), note=note)


def bars() -> list[Figure]:
    """What this room is held to."""
    return [Figure("resident memory per remembered id", "B", worst, must=MUST, stretch=STRETCH)]


def main() -> None:
    """A line a size; with a number as argument, that one in this process, as JSON."""
    if len(sys.argv) > 1:
        print(json.dumps(held(int(sys.argv[1]))))
        return
    for size in SIZES:
        found = measured(size)
        print(f"{found['ids']:>10,} ids remembered {found['bytes']:>8} bytes an id   (must {MUST}, stretch {STRETCH})")


if __name__ == "__main__":
    main()
