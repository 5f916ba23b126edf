"""`make bench`: each figure is a ratio of two sides that alternate in one run and give the same result.

Absolute times differ from machine to machine and from minute to minute; the ratio is what is held.
"""

import json
import sys
<<<<<<< HEAD
import tempfile
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client import Counter as ClientCounter

from benchmarks import windows
from benchmarks.bars import Bar, measured
from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.ledger import Ledger
from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Assignment,
    Checkpoint,
    Family,
    Policy,
    Reading,
    Remembered,
    Span,
    Terminal,
)
from exporter.outcomes import Outcomes
from exporter.payload import decode
from exporter.simulator.records import record
from exporter.simulator.search import search
from exporter.simulator.selection import Selection
from exporter.simulator.settings import Settings
from exporter.simulator.world import TERMINALS, World
from exporter.state import SqliteStore
=======
from collections import Counter

from benchmarks import ingest
from benchmarks.bars import Bar, measured
from benchmarks.ingest import OURS, POLICY, T0
from exporter.payload import Decoder
from exporter.windows import tally
>>>>>>> h-ingest


def bars() -> list[Bar]:
    """All comparisons, with their input made beforehand."""
<<<<<<< HEAD
    bodies = pages(20)
    known = ledger()
    for body in bodies:
        known.apply(known.decide([reading(body)], T0))
    readings = [reading(body) for body in bodies]
    rows = sum(len(each.operations) for each in readings)

    def repeated() -> int:
        return sum(len(known.decide([each], T0).entries) for each in readings)

    def repeated_by_name() -> int:
        seen = {operation.id for each in readings for operation in each.operations}
        return sum(operation.id not in seen for each in readings for operation in each.operations)
=======
    known, decoder = ingest.ledger(), Decoder()
    for body in ingest.pages(20):
        known.apply(known.decide([ingest.reading(body, decoder)], T0))
    entries = [entry for terminal in OURS for entry in known.entries(terminal.name, 0)]
>>>>>>> h-ingest

    return [
<<<<<<< HEAD
        Bar("decode a page, against json.loads", "records", rows,
            lambda: sum(decode(body).received for body in bodies),
            lambda: sum(len(json.loads(body)["records"]) for body in bodies), lambda a, b: a == b),
        Bar("ingest with a commit a page, against the naive pipeline", "records", rows,
            lambda: ingest(bodies), lambda: naive_ingest(bodies), lambda a, b: a == b),
        Bar("a page seen before, against a bare set of ids", "records", rows, repeated, repeated_by_name,
            lambda a, b: a == b == 0),
        *windows.bars(),
=======
        *ingest.bars(),
        Bar("all windows, against a recount of each", "entries", len(entries), windows, windows_recounted,
            lambda a, b: a == b),
>>>>>>> h-ingest
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
