"""`make bench`: each figure is a ratio of two sides that alternate in one run and give the same result.

Absolute times differ from machine to machine and from minute to minute; the ratio is what is held.
"""

import json
import sys
from collections import Counter

from benchmarks import ingest
from benchmarks.bars import Bar, measured
from benchmarks.ingest import OURS, POLICY, T0
from exporter.payload import Decoder
from exporter.windows import tally


def bars() -> list[Bar]:
    """All comparisons, with their input made beforehand."""
    known, decoder = ingest.ledger(), Decoder()
    for body in ingest.pages(20):
        known.apply(known.decide([ingest.reading(body, decoder)], T0))
    entries = [entry for terminal in OURS for entry in known.entries(terminal.name, 0)]

    def windows() -> list[int]:
        return [sum(each.operations.values()) for each in tally(entries, T0, POLICY.windows)]

    def windows_recounted() -> list[int]:
        counts = []
        for window in POLICY.windows:
            inside = [entry for entry in entries if T0 - window <= entry.created < T0]
            counts.append(sum(Counter(entry.key for entry in inside).values()))
        return counts

    return [
        *ingest.bars(),
        Bar("all windows, against a recount of each", "entries", len(entries), windows, windows_recounted,
            lambda a, b: a == b),
    ]  # fmt: skip


def main() -> None:
    """Print a line a bar, and all of it as JSON where asked for."""
    results = [measured(bar) for bar in bars()]
    if "--json" in sys.argv:
        print(json.dumps(results, indent=2))
        return
    for each in results:
        print(f"{each['name']:58} {each['per_second']:>10,} {each['unit']}/s   {each['ratio']:>6} x")


if __name__ == "__main__":
    main()
