"""`make bench`: each figure is a ratio of two sides that alternate in one run and give the same result.

Absolute times differ from machine to machine and from minute to minute; the ratio is what is held.
"""

import json
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client import Counter as ClientCounter

from benchmarks import exposition
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
from exporter.windows import tally

PAGE = 1000
T0 = 1_790_000_000 * SECOND
OURS = tuple(Terminal(t.number, t.number, t.number, "main") for t in TERMINALS)
POLICY = Policy(15 * SECOND, 15 * MINUTE, DAY, DAY, (5 * MINUTE, 15 * MINUTE, HOUR))


def pages(count: int) -> list[bytes]:
    """Pages of the simulator's records as the bank would send them."""
    settings = Settings(traffic=80.0, local_hour=13, pending_share=0.0, late_share=0.0, size_cap=count * PAGE)
    world, now = World(settings, start=T0 - 2 * HOUR), T0 + HOUR
    period = ["2026-09-21T13:13:20.000Z", "2026-09-21T14:13:20.000Z"]
    asked = {
        "paging": {"page": 0, "size": count * PAGE},
        "searchParameters": [{"name": "created_at", "method": "between", "searchParameter": period}],
        "orderParameters": [{"field": "created_at", "typeOrder": "ASC"}],
    }
    found = Selection(world, search(json.dumps(asked).encode(), settings), now).page(lambda _: None)
    rows = [record(operation, now, settings) for operation in found]
    return [
        json.dumps({"totalCount": len(rows), "records": rows[start : start + PAGE]}).encode()
        for start in range(0, len(rows), PAGE)
    ]


def ledger() -> Ledger:
    """A ledger that counts from the beginning."""
    begin = Checkpoint(0, T0 - 2 * HOUR, T0 - 2 * HOUR)
    outcomes = Outcomes(shipped_statuses(), shipped_reason_classes())
    return Ledger("main", OURS, outcomes, POLICY, 100, Remembered({t.name: begin for t in OURS}, (), {}))


def reading(body: bytes) -> Reading:
    """A page as a complete reading."""
    page = decode(body)
    span = Assignment(Span(T0 - 2 * HOUR, T0), tuple(t.name for t in OURS))
    return Reading(span, page.operations, page.rejections, page.total_count, complete=True)


def ingest(bodies: list[bytes]) -> int:
    """Our pipeline: decode, decide, one commit a page."""
    with tempfile.TemporaryDirectory() as directory:
        store, book = SqliteStore(Path(directory) / "state.db"), ledger()
        for body in bodies:
            decision = book.decide([reading(body)], T0)
            store.commit(decision)
            book.apply(decision)
        store.close()
    return sum(value for total, value in book.totals.items() if total.family is Family.OPERATIONS)


def naive_ingest(bodies: list[bytes]) -> int:
    """What one writes first: json.loads, an INSERT a record, labels().inc()."""
    counter = ClientCounter("operations", "", ["terminal", "status", "code", "reason"], registry=CollectorRegistry())
    with tempfile.TemporaryDirectory() as directory:
        db = sqlite3.connect(Path(directory) / "naive.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, created TEXT)")
        for body in bodies:
            db.execute("BEGIN")
            for row in json.loads(body)["records"]:
                if db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (row["id"], row["dateTime"])).rowcount:
                    counter.labels(row["terminal"], row["status"], row["code"], row["reasonCode"]).inc()
            db.execute("COMMIT")
        db.close()
    return int(
        sum(sample.value for metric in counter.collect() for sample in metric.samples if "_total" in sample.name)
    )


def bars() -> list[Bar]:
    """All comparisons, with their input made beforehand."""
    bodies = pages(20)
    known = ledger()
    for body in bodies:
        known.apply(known.decide([reading(body)], T0))
    readings = [reading(body) for body in bodies]
    entries = [entry for terminal in OURS for entry in known.entries(terminal.name, 0)]
    rows = sum(len(each.operations) for each in readings)

    def repeated() -> int:
        return sum(len(known.decide([each], T0).entries) for each in readings)

    def repeated_by_name() -> int:
        seen = {operation.id for each in readings for operation in each.operations}
        return sum(operation.id not in seen for each in readings for operation in each.operations)

    def windows() -> list[int]:
        return [sum(each.operations.values()) for each in tally(entries, T0, POLICY.windows)]

    def windows_recounted() -> list[int]:
        counts = []
        for window in POLICY.windows:
            inside = [entry for entry in entries if T0 - window <= entry.created < T0]
            counts.append(sum(Counter(entry.key for entry in inside).values()))
        return counts

    return [
        Bar("decode a page, against json.loads", "records", rows,
            lambda: sum(decode(body).received for body in bodies),
            lambda: sum(len(json.loads(body)["records"]) for body in bodies), lambda a, b: a == b),
        Bar("ingest with a commit a page, against the naive pipeline", "records", rows,
            lambda: ingest(bodies), lambda: naive_ingest(bodies), lambda a, b: a == b),
        Bar("a page seen before, against a bare set of ids", "records", rows, repeated, repeated_by_name,
            lambda a, b: a == b == 0),
        Bar("all windows, against a recount of each", "entries", len(entries), windows, windows_recounted,
            lambda a, b: a == b),
    ]  # fmt: skip


def main() -> None:
    """Print a line a bar, and all of it as JSON where asked for."""
    results = [measured(bar) for bar in (*bars(), *exposition.bars())]
    results.append(exposition.memory())
    if "--json" in sys.argv:
        print(json.dumps(results, indent=2))
        return
    for each in results:
        print(f"{each['name']:58} {each['per_second']:>10,} {each['unit']}/s   {each['ratio']:>6} x")


if __name__ == "__main__":
    main()
