"""`python -m benchmarks.state`: what the state costs, against the plain way.

The plain way is a table with a text key: a row an operation, written by an INSERT each and looked for by a SELECT each,
and read whole at the start. Both hold the same million operations of 28 hours, committed a thousand at a time with the
same durability (WAL, a sync for each commit).
"""

import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks.bars import Bar, Figure, Found, measured
from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.ledger import Ledger
from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Checkpoint,
    Decision,
    Duration,
    Entry,
    Family,
    Instant,
    Outcome,
    Policy,
    SeriesKey,
    Span,
    Standing,
    Terminal,
    Total,
)
from exporter.outcomes import Outcomes
from exporter.state import SqliteStore

IDS: Final = 1_000_000
PAGE: Final = 1000
ID: Final = 16
"""Bytes of an id."""
ASKED: Final = 100
"""Pages that are committed, and asked for, in one go."""
BEGIN: Final[Instant] = 497_222 * HOUR
END: Final[Instant] = BEGIN + 28 * HOUR
FOLLOWED: Final = 0.01
"""The share that is pending when it is first seen, and final two pages later."""
MUST_DISK: Final = 35
STRETCH_DISK: Final = 20

TERMINALS: Final = tuple(Terminal(str(n), str(n), str(n), "main") for n in range(98_151_550, 98_151_560))
POLICY: Final = Policy(15 * SECOND, 15 * MINUTE, DAY, DAY, (5 * MINUTE, 15 * MINUTE, HOUR))
KEYS: Final = tuple(
    SeriesKey(terminal.name, outcome, status, code, reason, reason_class)
    for terminal in TERMINALS
    for outcome, status, code, reason, reason_class in (
        *[(Outcome.SUCCESS, "charge", "00", "0", "none")] * 6,
        (Outcome.FAILURE, "failed", "05", "484", "funds"),
        (Outcome.FAILURE, "failed", "91", "454", "technical"),
    )
)


def pages(seed: int, count: int, begin: Instant, end: Instant) -> Iterator[Decision]:
    """Decisions as polls make them: random ids, times in microseconds, amounts of which most are round."""
    chance = random.Random(seed)
    step = (end - begin) // (count * PAGE)
    amounts = [round(chance.lognormvariate(14, 1)) // 100 * chance.choice((1, 100, 100)) for _ in range(10 * PAGE)]
    for page in range(count):
        start, ids = begin + page * PAGE * step, chance.randbytes(ID * PAGE)
        created = [start + number * step + int(chance.random() * step) for number in range(PAGE)]
        standings = [Standing.FOLLOWED if chance.random() < FOLLOWED else Standing.COUNTED for _ in range(PAGE)]
        entries = tuple(
            Entry(ids[ID * number : ID * number + ID], moment, key, amount, "KZT", standing)
            for number, moment, key, amount, standing in zip(
                range(PAGE),
                created,
                chance.choices(KEYS, k=PAGE),
                chance.choices(amounts, k=PAGE),
                standings,
                strict=True,
            )
        )
        totals: Counter[Total] = Counter()
        for entry in entries:
            totals[Total(Family.OPERATIONS, entry.key)] += 1
            totals[Total(Family.AMOUNT, (*entry.key, entry.currency))] += entry.amount
        mark = Checkpoint(0, begin, entries[-1].created)
        yield Decision(entries[-1].created, entries, totals, {each.name: mark for each in TERMINALS})


_INSERT: Final = "INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _row(entry: Entry) -> tuple[object, ...]:
    return (entry.id.hex(), entry.created, *entry.key, entry.amount, entry.currency, entry.standing)


class Plain:
    """What one writes first."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS operations "
            "(id TEXT PRIMARY KEY, created INTEGER, terminal TEXT, outcome TEXT, status TEXT, code TEXT,"
            " reason_code TEXT, reason_class TEXT, amount INTEGER, currency TEXT, standing TEXT)"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS totals (family TEXT, labels TEXT, value INTEGER, PRIMARY KEY (family, labels))"
        )

    def commit(self, decision: Decision) -> None:
        """A row an operation, a row a total."""
        self._db.execute("BEGIN")
        for entry in decision.entries:
            self._db.execute(_INSERT, _row(entry))
        for total, amount in decision.increments.items():
            self._db.execute(
                "INSERT INTO totals VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                (total.family, repr(total.labels), amount),
            )
        self._db.execute("COMMIT")

    def known(self, ids: Sequence[bytes]) -> int:
        """How many of these ids there are."""
        sql = "SELECT 1 FROM operations WHERE id = ?"
        return sum(self._db.execute(sql, (id_.hex(),)).fetchone() is not None for id_ in ids)

    def fill(self, entries: Iterable[Entry]) -> None:
        """Operations all at once, kept safe when it is closed: for filling, which is not measured."""
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -400000")
        self._db.execute("BEGIN")
        self._db.executemany(_INSERT, map(_row, entries))
        self._db.execute("COMMIT")

    def recalled(self, retention: Duration) -> dict[bytes, Entry]:
        """The operations within a retention."""
        since = self._db.execute("SELECT max(created) FROM operations").fetchone()[0] - retention
        rows = self._db.execute("SELECT * FROM operations WHERE created >= ? OR standing = 'followed'", (since,))
        return {
            bytes.fromhex(id_): Entry(
                bytes.fromhex(id_),
                created,
                SeriesKey(key[0], Outcome(key[1]), *key[2:]),
                amount,
                currency,
                Standing(standing),
            )
            for id_, created, *key, amount, currency, standing in rows
        }

    def close(self) -> None:
        """Fold the log into the file."""
        self._db.close()


@cache
def directory() -> tempfile.TemporaryDirectory[str]:
    """Where the files lie, for as long as the process runs."""
    return tempfile.TemporaryDirectory()


@cache
def filled() -> tuple[Path, Path]:
    """The two files with a million operations: ours, with its hourly expiry, and the plain one."""
    ours, plain = Path(directory().name) / "ours.db", Path(directory().name) / "plain.db"
    store, other = SqliteStore(ours), Plain(plain)
    hour, followed, all_of_them = BEGIN // HOUR, [], dict[bytes, Entry]()
    for decision in pages(1, IDS // PAGE, BEGIN, END):
        final = tuple(entry._replace(standing=Standing.COUNTED) for entry in followed)
        followed = [entry for entry in decision.entries if entry.standing is Standing.FOLLOWED]
        store.commit(decision)
        store.commit(Decision(decision.now, final))
        all_of_them.update((entry.id, entry) for entry in (*decision.entries, *final))
        if decision.now // HOUR != hour:
            hour = decision.now // HOUR
            store.expire(BEGIN)
    other.fill(all_of_them.values())
    store.close()
    other.close()
    os.sync()  # what was written in a hurry must not be waited for where something is measured
    return ours, plain


def disk() -> tuple[float, float]:
    """Bytes an id, ours and the plain way's: the whole file, totals and free pages included."""
    ours, plain = filled()
    return ours.stat().st_size / IDS, plain.stat().st_size / IDS


@cache
def copied() -> Path:
    """Our file once more, for those who close it: one store holds the other locked."""
    return Path(shutil.copy(filled()[0], Path(directory().name) / "again.db"))


def restarted(page: Sequence[bytes]) -> tuple[int, int]:
    """From the file to a ledger that can poll: what it remembers, and how many ids of its first page are known."""
    store = SqliteStore(copied())
    remembered = store.recall([each.name for each in TERMINALS], POLICY.retention)
    outcomes = Outcomes(shipped_statuses(), shipped_reason_classes())
    book = Ledger("main", TERMINALS, outcomes, POLICY, 100, remembered)
    held = sum(1 for each in TERMINALS for _ in book.entries(each.name, 0))
    known = len(store.known(page, tuple(book.checkpoints)))
    store.close()
    return held, known


def restarted_plainly(page: Sequence[bytes]) -> tuple[int, int]:
    """The same of the plain file."""
    other = Plain(filled()[1])
    held, known = len(other.recalled(POLICY.retention)), other.known(page)
    other.close()
    return held, known


def bars() -> list[Bar | Figure]:
    """All comparisons, with their files made beforehand."""
    ours, plain = filled()
    store, other = SqliteStore(ours), Plain(plain)
    names = tuple(each.name for each in TERMINALS)
    fresh = [[entry.id for entry in each.entries] for each in pages(2, ASKED, END, END + HOUR)]
    store.known(fresh[0], names)  # it looks into the file once
    within = store.entries(Span(BEGIN + 3 * HOUR, BEGIN + 4 * HOUR))
    closed = [entry.id for entry in within]
    decisions = list(pages(3, ASKED, END, END + 2 * HOUR))
    turn = iter(range(1_000_000))

    def committed() -> int:
        new = SqliteStore(Path(directory().name) / f"{next(turn)}.db")
        new.known(fresh[0], names)  # so that what is committed is held for the next question
        for each in decisions:
            new.commit(each)
        found = len(new.recall().totals)
        new.close()
        return found

    def committed_plainly() -> int:
        new = Plain(Path(directory().name) / f"{next(turn)}.db")
        for each in decisions:
            new.commit(each)
        new.close()
        return len({total for each in decisions for total in each.increments})

    return [
        Figure("disk per id, a million in the state", "B",
            lambda: Found(*disk()), must=MUST_DISK, stretch=STRETCH_DISK),
        Bar("restart with 1 M ids, against reading a table", "ids", IDS,  # 2 s
            lambda: restarted(fresh[1]), lambda: restarted_plainly(fresh[1]), lambda a, b: a == b,
            per_second=IDS / 2),
        Bar("commit a page of 1000, against an INSERT a record", "records", ASKED * PAGE,
            committed, committed_plainly, lambda a, b: a == b),
        Bar("ask for a page that is not known, against a SELECT an id", "ids", ASKED * PAGE,
            lambda: sum(len(store.known(page, names)) for page in fresh),
            lambda: sum(other.known(page) for page in fresh), lambda a, b: a == b == 0, per_second=500_000),
        Bar("ask for an hour that is known, against a SELECT an id", "ids", len(closed),
            lambda: len(store.known(closed, names)), lambda: other.known(closed), lambda a, b: a == b == len(closed)),
    ]  # fmt: skip


def main() -> None:
    """Print a line a comparison."""
    begun = time.perf_counter()
    filled()
    print(f"filled in {time.perf_counter() - begun:.0f} s")
    for each in bars():
        print(measured(each))


if __name__ == "__main__":
    main()
