"""`FILE.partial`: what has been read so far and how far, in SQLite, so that nothing has to be read twice.

Ids, not sums: an operation that two readings bring is one row, and a later reading corrects its status.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any, Final

from exporter.backfill.samples import Grid
from exporter.backfill.sieve import FOREIGN, Row, Stranger
from exporter.backfill.task import TaskDiffers, Wanted, resumed, told
from exporter.model import Instant, Outcome, SeriesKey, Span

_APPLICATION_ID: Final = 0x45504246  # "EPBF"
_SCHEMA: Final = """
    CREATE TABLE task (text TEXT NOT NULL) STRICT;
    CREATE TABLE lanes (name TEXT PRIMARY KEY, frontier INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE incomplete (
        lane TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, PRIMARY KEY (lane, start, stop)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE series (
        number INTEGER PRIMARY KEY, labels TEXT NOT NULL UNIQUE, terminal TEXT NOT NULL, pending INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE operations (
        id BLOB PRIMARY KEY, created INTEGER NOT NULL, series INTEGER NOT NULL, amount INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE strangers (id BLOB PRIMARY KEY, kind TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""


class SpoolUnusable(Exception):
    """The partial file cannot be used, or does not belong to this task; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the partial file holds, in numbers. `strangers` by kind."""

    counted: int
    pending: int
    strangers: Mapping[str, int]
    incomplete: tuple[tuple[str, Span], ...]


def partial_of(output: Path) -> Path:
    """The partial file of an output."""
    return output.with_name(f"{output.name}.partial")


class Spool:
    """One task's partial file, held by one process at a time. Raises SpoolUnusable from every method."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self.path = path
        self.resumed = False
        try:
            self._db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
        except sqlite3.Error as error:
            raise SpoolUnusable(f"{path}: {_advice(error)}") from None
        try:
            self.grid = self._open(wanted)
            self._numbers: dict[str, int] = dict(self._rows("SELECT labels, number FROM series ORDER BY number"))
        except BaseException:
            self._db.close()
            raise

    def _open(self, wanted: Wanted) -> Grid:
        with self._named():
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("BEGIN IMMEDIATE")
            application = self._db.execute("PRAGMA application_id").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if application == 0 and not tables:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._db.execute(statement)
                self._db.execute("INSERT INTO task VALUES (?)", (told(wanted),))
                self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID:d}")
            self._db.execute("COMMIT")
        if application == 0 and not tables:
            return wanted.grid
        if application != _APPLICATION_ID:
            raise SpoolUnusable(f"{self.path}: is no partial file of a backfill, and is left alone: move it away")
        self.resumed = True
        try:
            return resumed(self._rows("SELECT text FROM task")[0][0], wanted)
        except TaskDiffers as differs:
            text = f"was begun with {differs}: use the same to go on, or remove the file to begin anew"
            raise SpoolUnusable(f"{self.path}: {text}") from None

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SpoolUnusable(f"{self.path}: {_advice(error)}") from None

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._named():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        known = dict(self._numbers)
        with self._named():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._numbers = known
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @property
    def empty(self) -> bool:
        """Whether nothing has been read yet."""
        return not self._rows("SELECT 1 FROM lanes LIMIT 1")

    def frontier(self, lane: str) -> Instant:
        """Up to where a lane has been read."""
        found = self._rows("SELECT frontier FROM lanes WHERE name = ?", (lane,))
        return int(found[0][0]) if found else self.grid.start

    def take(
        self, lane: str, span: Span, rows: Iterable[Row], strangers: Iterable[Stranger], *, complete: bool, onward: bool
    ) -> None:
        """Keep what a span has brought, all or nothing. `onward`: the lane's frontier moves to the span's end."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO operations VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "created = excluded.created, series = excluded.series, amount = excluded.amount",
                [(row.id, row.created, self._number(row), row.amount) for row in rows],
            )
            self._db.executemany("INSERT OR IGNORE INTO strangers VALUES (?, ?)", strangers)
            if onward:
                self._db.execute("INSERT OR REPLACE INTO lanes VALUES (?, ?)", (lane, span.end))
            if complete:
                self._db.execute("DELETE FROM incomplete WHERE (lane, start, stop) = (?, ?, ?)", (lane, *span))
            else:
                self._db.execute("INSERT OR IGNORE INTO incomplete VALUES (?, ?, ?)", (lane, *span))

    def halve(self, lane: str, span: Span) -> tuple[Span, Span]:
        """Two spans in place of an incomplete one that has become too large to be read at once."""
        middle = (span.start + span.end) // 2
        halves = Span(span.start, middle), Span(middle, span.end)
        with self._transaction():
            known = self._db.execute("DELETE FROM incomplete WHERE (lane, start, stop) = (?, ?, ?)", (lane, *span))
            if known.rowcount:
                self._db.executemany("INSERT INTO incomplete VALUES (?, ?, ?)", [(lane, *half) for half in halves])
        return halves

    def _number(self, row: Row) -> int:
        labels = json.dumps([*row.key, row.currency], ensure_ascii=False)
        number = self._numbers.get(labels)
        if number is None:
            number = self._numbers[labels] = len(self._numbers) + 1
            pending = row.key.outcome is Outcome.PENDING
            self._db.execute("INSERT INTO series VALUES (?, ?, ?, ?)", (number, labels, row.key.terminal, pending))
        return number

    def incomplete(self, lane: str) -> list[Span]:
        """The spans of a lane that did not add up when they were last read."""
        return [Span(*ends) for ends in self._rows("SELECT start, stop FROM incomplete WHERE lane = ?", (lane,))]

    def pending(self, terminals: Sequence[str], since: Instant) -> list[Instant]:
        """When the operations were created that are pending, at some terminals, and not older than an instant."""
        found = self._rows(
            "SELECT created FROM operations JOIN series ON number = series WHERE pending AND created >= ? "
            "AND terminal IN (SELECT value FROM json_each(?)) ORDER BY created",
            (since, json.dumps(terminals)),
        )
        return [created for (created,) in found]

    def series(self) -> dict[tuple[SeriesKey, str], int]:
        """All series that were ever met, with their currency, and the numbers by which `increments` knows them."""
        found = {}
        for labels, number in self._numbers.items():
            terminal, outcome, *rest, currency = json.loads(labels)
            found[SeriesKey(terminal, Outcome(outcome), *rest), currency] = number
        return found

    def prepare(self) -> None:
        """Make what `increments` needs in order to be quick."""
        self._rows("CREATE INDEX IF NOT EXISTS by_series ON operations (series, created, amount)")

    def increments(self, numbers: Sequence[int]) -> Iterator[tuple[Instant, int]]:
        """Instant and amount of each operation of some series, in order of time, one by one."""
        return merge(*map(self._increments, numbers))

    def _increments(self, number: int) -> Iterator[tuple[Instant, int]]:
        with self._named():
            yield from self._db.execute(
                "SELECT created, amount FROM operations WHERE series = ? ORDER BY created", (number,)
            )

    def tally(self) -> Tally:
        """What there is. A record that was unreadable once and counted later is no stranger."""
        counts = dict(self._rows("SELECT pending, count(*) FROM operations JOIN series ON number = series GROUP BY 1"))
        strangers = self._rows(
            "SELECT kind, count(*) FROM strangers WHERE id NOT IN (SELECT id FROM operations) GROUP BY 1"
        )
        incomplete = self._rows("SELECT lane, start, stop FROM incomplete ORDER BY start, lane")
        return Tally(
            counts.get(0, 0),
            counts.get(1, 0),
            {FOREIGN: 0, **dict(strangers)},
            tuple((lane, Span(start, stop)) for lane, start, stop in incomplete),
        )

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def discard(self) -> None:
        """The task is done: the file is of no more use."""
        self._db.close()
        for name in chain((self.path,), (self.path.with_name(f"{self.path.name}-journal"),)):
            name.unlink(missing_ok=True)


def _advice(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    match code if code is None else code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "another backfill is at work on it: let it finish, or stop it"
        case sqlite3.SQLITE_NOTADB:
            return "is no partial file of a backfill, and is left alone: move it away"
        case sqlite3.SQLITE_CORRUPT:
            return "is damaged: remove it to begin anew"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "cannot be written: check the directory and its permissions"
        case sqlite3.SQLITE_FULL:
            return "the disk is full: free some space, then give the same command to go on"
        case _:
            return f"SQLite says {getattr(error, 'sqlite_errorname', type(error).__name__)}"
