"""From the bytes of a page to a commit, and to nothing new, against what one writes first.

Records are as the bars were set with: 36 fields, 1.1 kB. The simulator's have the 33 that are documented; a bank may
add some. Each page is a poll of its own, a moment after its newest operation.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client import Counter as ClientCounter

from benchmarks.bars import Bar, spared
from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.ledger import Ledger
from exporter.model import (
    AMOUNT_BUCKETS,
    DAY,
    DELAY_BUCKETS,
    HOUR,
    MINUTE,
    SECOND,
    Assignment,
    Checkpoint,
    Family,
    Instant,
    Page,
    Policy,
    Reading,
    Remembered,
    Span,
    Terminal,
)
from exporter.outcomes import Outcomes
from exporter.payload import Decoder
from exporter.simulator.records import record
from exporter.simulator.search import search
from exporter.simulator.selection import Selection
from exporter.simulator.settings import Settings
from exporter.simulator.world import TERMINALS, World
from exporter.state import SqliteStore

PAGE = 1000
T0 = 1_790_000_000 * SECOND
OURS = tuple(Terminal(t.number, t.number, t.number, "main") for t in TERMINALS)
NAMES = tuple(terminal.name for terminal in OURS)
POLICY = Policy(15 * SECOND, 2 * HOUR, DAY, DAY, (5 * MINUTE, 15 * MINUTE, HOUR))
"""The whole hour of the records lies in the lookback, which is what sweeps read again."""

KEY = b"a key of the benchmarks"
OUTCOMES = Outcomes(shipped_statuses(), shipped_reason_classes())

_FURTHER = {
    "merchantName": "TEST transfers between cards",
    "deviceInfo": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "transactionType": "p2p",
}
_NAIVE = ("terminal", "outcome", "status", "code", "reason")


def pages(count: int) -> list[bytes]:
    """Pages of the simulator's records as the bank would send them: an hour of them, all within the lookback."""
    settings = Settings(traffic=4.0 * count, local_hour=13, pending_share=0.0, late_share=0.0, size_cap=count * PAGE)
    world, now = World(settings, start=T0 - 2 * HOUR), T0 + HOUR
    period = ["2026-09-21T13:13:20.000Z", "2026-09-21T14:13:20.000Z"]
    asked = {
        "paging": {"page": 0, "size": count * PAGE},
        "searchParameters": [{"name": "created_at", "method": "between", "searchParameter": period}],
        "orderParameters": [{"field": "created_at", "typeOrder": "ASC"}],
    }
    found = Selection(world, search(json.dumps(asked).encode(), settings), now).page(lambda _: None)
    rows = [record(operation, now, settings) | _FURTHER for operation in found]
    return [
        json.dumps({"totalCount": len(rows), "records": rows[start : start + PAGE]}).encode()
        for start in range(0, len(rows), PAGE)
    ]


def ledger() -> Ledger:
    """A ledger that counts from the beginning."""
    begin = Checkpoint(0, T0 - 2 * HOUR, T0 - 2 * HOUR)
    return Ledger("main", OURS, OUTCOMES, POLICY, 100, Remembered({t.name: begin for t in OURS}, (), {}))


def reading(page: Page) -> Reading:
    """A page as a complete reading up to a second after its last operation."""
    end = (page.operations[-1].created if page.operations else T0) + SECOND
    assignment = Assignment(Span(T0 - 2 * HOUR, end), NAMES)
    return Reading(assignment, page.operations, page.rejections, page.total_count, True, page.unchanged)


def ingest(bodies: list[bytes], key: bytes = b"") -> tuple[int, int]:
    """Our pipeline: decode, look up in the store, decide, one commit a page. Gives operations and their amounts."""
    with tempfile.TemporaryDirectory() as directory:
        store, book = SqliteStore(Path(directory) / "state.db"), ledger()
        decode = Decoder(key).decode
        for body in bodies:
            read = reading(decode(body))
            listed, now = book.listed([read]), read.assignment.span.end
            suspected = store.suspected(listed)
            missing = book.unknown(suspected)
            recalled = store.known(missing, NAMES) if missing else ()
            unknown = frozenset(listed).difference(suspected).union(missing) if suspected else listed
            decision = book.decide([read], now, recalled, store.kept_since, unknown=unknown)
            store.commit(decision)
            book.apply(decision)
        store.close()
    counted = dict.fromkeys((Family.OPERATIONS, Family.AMOUNT), 0)
    for total, value in book.totals.items():
        if total.family in counted:
            counted[total.family] += value
    return counted[Family.OPERATIONS], counted[Family.AMOUNT]


def naive_ingest(bodies: list[bytes]) -> tuple[int, int]:
    """What one writes first: json.loads, an INSERT a record, labels().inc() and observe() for the same five families.

    Only what an operation adds to counters and histograms: without windows, late arrivals, changes and bounds.
    """
    registry = CollectorRegistry()
    operations = ClientCounter("operations", "", _NAIVE, registry=registry)
    amounts = ClientCounter("amount", "", (*_NAIVE, "currency"), registry=registry)
    sizes = Histogram("size", "", ["terminal", "outcome", "currency"], buckets=AMOUNT_BUCKETS, registry=registry)
    visible = Histogram("visible", "", ["account"], buckets=DELAY_BUCKETS, registry=registry)
    final = Histogram("final", "", ["terminal"], buckets=DELAY_BUCKETS, registry=registry)
    with tempfile.TemporaryDirectory() as directory:
        db = sqlite3.connect(Path(directory) / "naive.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, created TEXT)")
        for body in bodies:
            rows = json.loads(body)["records"]
            now = datetime.fromisoformat(rows[-1]["dateTime"][:26]).timestamp() + 1
            db.execute("BEGIN")
            for row in rows:
                if not db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (row["id"], row["dateTime"])).rowcount:
                    continue
                terminal, currency = row["terminal"], row["currency"]
                outcome = "success" if row["status"] == "ok" and row["code"] == "00" else "failure"
                words = (terminal, outcome, row["status"], row["code"], row["reasonCode"])
                delay = now - datetime.fromisoformat(row["dateTime"][:26]).timestamp()
                operations.labels(*words).inc()
                amounts.labels(*words, currency).inc(row["amount"])
                sizes.labels(terminal, outcome, currency).observe(row["amount"])
                visible.labels("main").observe(delay)
                final.labels(terminal).observe(delay)
            db.execute("COMMIT")
        db.close()
    return _total(operations, 1), _total(amounts, 100)


def _total(counter: ClientCounter, unit: int) -> int:
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return round(sum(sample.value for sample in samples if sample.name.endswith("_total")) * unit)


def seen(bodies: list[bytes], key: bytes = b"") -> Callable[[], int]:
    """What it takes to find that pages hold nothing new, from their bytes to an empty decision."""
    book = ledger()
    decoder = Decoder(key, met=book.marks)
    now: Instant = 0
    for read in (decoder.decode, decoder.compare):  # counted, and met by a sweep for the first time
        for body in bodies:
            found = reading(read(body))
            now = max(now, found.assignment.span.end)
            book.apply(book.decide([found], now))

    def news() -> int:
        found = 0
        for body in bodies:
            read = reading(decoder.compare(body))  # what it does not know by its id is news
            found += len(read.operations) + len(book.decide([read], now).entries)
        return found

    return news


def naive_seen(bodies: list[bytes]) -> Callable[[], int]:
    """The same with json.loads and a set of ids: a change of status would go unseen."""
    known = {row["id"] for body in bodies for row in json.loads(body)["records"]}
    return lambda: sum(row["id"] not in known for body in bodies for row in json.loads(body)["records"])


def bars() -> Iterator[Bar]:
    """The bars of this room, with their input made beforehand."""
    made = _made()
    with spared():
        yield from made


def _made() -> list[Bar]:
    bodies = pages(60)  # enough that what it takes to make a file is not what is measured
    rows = sum(len(json.loads(body)["records"]) for body in bodies)
    plain = Decoder()

    def typed() -> int:
        return sum(len(page.records or ()) for body in bodies if (page := plain.opened(body)) is not None)

    def loaded() -> int:
        return sum(len(json.loads(body)["records"]) for body in bodies)

    def same(ours: object, other: object) -> bool:
        return ours == other

    return [
        Bar("typed decode of a page, against json.loads", "records", rows, typed, loaded, same, must=5, stretch=7),
        Bar("a page to operations, cleaned and checked, against json.loads", "records", rows,
            lambda: sum(plain.decode(body).received for body in bodies), loaded, same),
        Bar("ingest with a commit a page, against the naive pipeline", "records", rows,
            lambda: ingest(bodies), lambda: naive_ingest(bodies), same, must=4, stretch=6, per_second=150_000),
        Bar("the same, looking for repeated transfers", "records", rows,
            lambda: ingest(bodies, KEY), lambda: naive_ingest(bodies), same),
        Bar("a page seen before, against json.loads and a set of ids", "records", rows,
            seen(bodies), naive_seen(bodies), same, per_second=700_000),
        Bar("the same, looking for repeated transfers and changes of cards", "records", rows,
            seen(bodies, KEY), naive_seen(bodies), same),
    ]  # fmt: skip
