"""The state in one SQLite file: ids, totals and watermarks of a poll in one transaction.

The file is held with an exclusive lock for as long as the process runs (https://sqlite.org/pragma.html#pragma_locking_mode):
two processes that count into one file would count twice. WAL with synchronous=FULL, because a poll commits once in many
seconds and what was exposed must not be lost by a power cut.
"""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exporter.model import (
    HOUR,
    Checkpoint,
    Decision,
    Details,
    Duration,
    Entry,
    Family,
    Instant,
    Outcome,
    Remembered,
    SeriesKey,
    SlotDay,
    Span,
    Standing,
    Total,
)
from exporter.state.base import CommitFailed, StateUnusable, recalled_since
from exporter.state.migrations import MIGRATIONS

_APPLICATION_ID: Final = 0x45504159  # "EPAY"
_LOCK_SECONDS: Final = 2.0
_HOURS: Final = """
    WITH RECURSIVE hours (hour) AS (
        SELECT min(hour) FROM operations
        UNION ALL
        SELECT (SELECT min(hour) FROM operations WHERE hour > hours.hour) FROM hours WHERE hours.hour IS NOT NULL
    ) SELECT hour FROM hours WHERE hour IS NOT NULL
"""
"""From one hour to the next by the key: a DISTINCT would read every row."""

_DAMAGED: Final = "the file is damaged, and is left alone: restore it, or move it away to begin counting anew"
_CHECKPOINT: Final = "name, counting_since, covered_from, watermark, newest, gap_end"


class SqliteStore:
    """One state in one file. Raises StateUnusable where the file is not fit to be used, and never overwrites it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        if not path.parent.is_dir():
            raise StateUnusable(f"state {path}: the directory {path.parent} does not exist: create it")
        try:
            path.touch(mode=0o600)  # amounts and ids are nobody else's business
            self._db = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError):
            raise StateUnusable(
                f"state {path}: cannot be opened: check that the user of this process may write it"
            ) from None
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise StateUnusable(f"state {path}: {_advice(error)}") from None
        except StateUnusable:
            self._db.close()
            raise
        self._opened = self._inode()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("BEGIN IMMEDIATE")
        application, version = self._pragma("application_id"), self._pragma("user_version")
        tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        self._db.execute("COMMIT")
        if application not in (0, _APPLICATION_ID) or (application == 0 and tables):
            raise StateUnusable(
                f"state {self._path}: the file is a database of another program, and is left alone: "
                "name another file in state.url"
            )
        if version > len(MIGRATIONS):
            raise StateUnusable(
                f"state {self._path}: the file was written by a newer version (schema {version}, this one knows "
                f"{len(MIGRATIONS)}): run the newer version, or name another file in state.url"
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if version < len(MIGRATIONS):  # a file that needs nothing is not written to: it may be damaged
            self._migrate(version)
        rows = self._db.execute("SELECT labels, number FROM series").fetchall()
        self._series: dict[str, int] = dict(rows)
        self._names: dict[str, int] = dict(self._db.execute("SELECT terminal, number FROM names").fetchall())
        self._labels = {number: _series(labels) for labels, number in self._series.items()}
        self._details: dict[Details, int | None] = {(): None}
        self._details |= {
            _pairs(pairs): number for pairs, number in self._db.execute("SELECT pairs, number FROM details")
        }
        self._details_by_number = {number: details for details, number in self._details.items()}
        self._hours = {int(hour) for (hour,) in self._db.execute(_HOURS)}
        self._kept_since = int(self._db.execute("SELECT since FROM kept").fetchone()[0])

    def _migrate(self, version: int) -> None:
        with self._transaction():
            for number, (_, sql) in enumerate(MIGRATIONS[version:], start=version + 1):
                for statement in filter(str.strip, sql.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {number:d}")
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID:d}")

    def _inode(self) -> int | None:
        """Which file the path leads to: SQLite would go on writing into one that nobody can find any more."""
        try:
            return self._path.stat().st_ino
        except OSError:
            return None

    def _pragma(self, name: str) -> int:
        value = self._db.execute(f"PRAGMA {name}").fetchone()[0]
        return int(value)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some errors, a full disk among them, have rolled back already
                self._db.execute("ROLLBACK")
            raise

    def recall(self, names: Collection[str] = (), retention: Duration | None = None) -> Remembered:
        """What was committed. Raises StateUnusable where the file turns out to be damaged."""
        with self._lock:
            try:
                checkpoints = {
                    name: Checkpoint(*rest)
                    for name, *rest in self._db.execute(f"SELECT {_CHECKPOINT} FROM terminals")  # noqa: S608  ours
                }
                totals = {
                    Total(Family(family), tuple(json.loads(labels))): value
                    for family, labels, value in self._db.execute("SELECT family, labels, value FROM totals")
                }
                unscraped = frozenset(
                    Total(Family(family), tuple(json.loads(labels)))
                    for family, labels in self._db.execute("SELECT family, labels FROM totals WHERE NOT scraped")
                )
                since = recalled_since((checkpoints[name] for name in names if name in checkpoints), retention)
                since = max(since, self._kept_since)
                entries = self._select("created >= ? OR standing = ?", since, Standing.FOLLOWED)
            except sqlite3.Error as error:
                raise StateUnusable(f"state {self._path}: {_advice(error)}") from None
            except (ValueError, KeyError):  # what SQLite has given back whole is no row of ours
                raise StateUnusable(f"state {self._path}: {_DAMAGED}") from None
        return Remembered(checkpoints, entries, totals, since, unscraped)

    def entries(self, span: Span) -> tuple[Entry, ...]:
        """The entries kept of a span."""
        hours = (span.start // HOUR, span.end // HOUR)
        with self._lock:
            try:
                return self._select("hour BETWEEN ? AND ? AND created >= ? AND created < ?", *hours, *span)
            except sqlite3.Error as error:
                raise CommitFailed(f"state {self._path}: {_advice(error)}") from None

    def known(self, ids: Collection[bytes], names: Collection[str]) -> tuple[Entry, ...]:
        """The entries of these terminals with these ids, looked for hour by hour: an index would slow each insert."""
        with self._lock:
            hours = ", ".join(str(hour) for hour in sorted(self._hours, reverse=True))
            ours = frozenset(names)
            try:
                return tuple(
                    entry
                    for id_ in (ids if hours else ())
                    for entry in self._select(f"hour IN ({hours}) AND id = ?", id_)
                    if entry.key.terminal in ours
                )
            except sqlite3.Error as error:
                raise CommitFailed(f"state {self._path}: {_advice(error)}") from None

    @property
    def kept_since(self) -> Instant:
        """Entries created before it have been let go."""
        return self._kept_since

    def _select(self, condition: str, *values: int | str | bytes) -> tuple[Entry, ...]:
        rows = self._db.execute(
            f"SELECT id, created, series, amount, standing, details FROM operations WHERE {condition}",  # noqa: S608  ours
            values,
        )
        details = self._details_by_number
        return tuple(
            Entry(
                id_,
                created,
                self._labels[number][0],
                amount,
                self._labels[number][1],
                Standing(standing),
                details[pairs],
            )
            for id_, created, number, amount, standing, pairs in rows
        )

    def expire(self, before: Instant) -> None:
        """Let go of whole hours that are older, but for what is followed."""
        with self._lock:
            try:
                with self._transaction():
                    self._db.execute(
                        "DELETE FROM operations WHERE hour < ? AND standing != ?", (before // HOUR, Standing.FOLLOWED)
                    )
                    self._db.execute("UPDATE kept SET since = max(since, ?)", (before // HOUR * HOUR,))
                self._kept_since = max(self._kept_since, before // HOUR * HOUR)
                self._hours = {int(hour) for (hour,) in self._db.execute(_HOURS)}
            except sqlite3.Error as error:
                raise CommitFailed(f"state {self._path}: {_advice(error)}") from None

    def commit(self, decision: Decision) -> None:
        """Store a decision, all or nothing."""
        with self._all_or_nothing():
            self._write(decision)
            self._hours.update(entry.created // HOUR for entry in decision.entries)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """The body's writes in one transaction. Raises CommitFailed, and then none of them has been made."""
        with self._lock:
            if self._inode() != self._opened:
                raise CommitFailed(f"state {self._path}: the file is gone or was replaced: put it back, or restart")
            known = dict(self._series), dict(self._names), dict(self._details)
            try:
                with self._transaction():
                    yield
            except (sqlite3.Error, OverflowError) as error:
                self._series, self._names, self._details = known  # numbers given in the transaction went with it
                raise CommitFailed(f"state {self._path}: {_advice(error)}") from None

    def _write(self, decision: Decision) -> None:
        self._db.executemany(
            "DELETE FROM operations WHERE hour = ? AND id = ? AND terminal = ?",
            [(e.created // HOUR, e.id, self._name_number(e.key.terminal)) for e in decision.moved],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    e.created // HOUR,
                    e.id,
                    self._name_number(e.key.terminal),
                    e.created,
                    self._series_number(e),
                    e.amount,
                    e.standing,
                    self._details_number(e.details),
                )
                for e in decision.entries
            ],
        )
        self._db.executemany(
            "INSERT INTO totals (family, labels, value) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET value = value + excluded.value",
            ((total.family, _text(total.labels), amount) for total, amount in decision.increments.items()),
        )
        self._db.executemany(
            f"INSERT OR REPLACE INTO terminals ({_CHECKPOINT}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  ours
            (
                (name, c.counting_since, c.covered_from, c.watermark, c.newest, c.gap_end)
                for name, c in decision.checkpoints.items()
            ),
        )
        self._db.executemany(
            "UPDATE totals SET scraped = 1 WHERE family = ? AND labels = ?",
            ((total.family, _text(total.labels)) for total in decision.scraped),
        )

    def _name_number(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            row = self._db.execute("INSERT INTO names (terminal) VALUES (?) RETURNING number", (name,)).fetchone()
            number = self._names[name] = int(row[0])
        return number

    def _series_number(self, entry: Entry) -> int:
        labels = _text((*entry.key, entry.currency))
        number = self._series.get(labels)
        if number is None:
            row = self._db.execute("INSERT INTO series (labels) VALUES (?) RETURNING number", (labels,)).fetchone()
            number = int(row[0])
            self._series[labels] = number
            self._labels[number] = (entry.key, entry.currency)
        return number

    def history(self, names: Collection[str]) -> tuple[SlotDay, ...]:
        """The days of history kept of these terminals."""
        with self._lock:
            wanted = {self._names[name]: name for name in names if name in self._names}
            try:
                return tuple(
                    SlotDay(wanted[terminal], day, kind, slots, origin)
                    for day, terminal, kind, slots, origin in self._db.execute("SELECT * FROM history")
                    if terminal in wanted
                )
            except sqlite3.Error as error:
                raise CommitFailed(f"state {self._path}: {_advice(error)}") from None

    def keep_history(self, days: Iterable[SlotDay], before: int) -> None:
        """Store days of history, and let go of older ones."""
        with self._all_or_nothing():
            self._db.executemany(
                "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?)",
                [(day.day, self._name_number(day.terminal), day.kind, day.values, day.origin) for day in days],
            )
            self._db.execute("DELETE FROM history WHERE day < ?", (before,))

    def _details_number(self, details: Details) -> int | None:
        if details not in self._details:
            sql = "INSERT INTO details (pairs) VALUES (?) RETURNING number"
            number = int(self._db.execute(sql, (json.dumps(details, ensure_ascii=False),)).fetchone()[0])
            self._details[details] = number
            self._details_by_number[number] = details
        return self._details[details]

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        with self._lock:
            self._db.close()


def _text(labels: Iterable[str]) -> str:
    return json.dumps(list(labels), ensure_ascii=False, separators=(",", ":"))


def _pairs(text: str) -> Details:
    return tuple((dimension, value) for dimension, value in json.loads(text))


def _series(labels: str) -> tuple[SeriesKey, str]:
    terminal, outcome, status, code, reason_code, reason_class, currency = json.loads(labels)
    return SeriesKey(terminal, Outcome(outcome), status, code, reason_code, reason_class), currency


def _advice(error: sqlite3.Error | OverflowError) -> str:
    """What an SQLite error means to the person who runs the exporter (https://sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", None)
    match code if code is None else code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "another process uses this file: stop it, or name another file in state.url"
        case sqlite3.SQLITE_NOTADB:
            return (
                "the file is not a database, and is left alone: name another file in state.url, or move this one away"
            )
        case sqlite3.SQLITE_CORRUPT:
            return _DAMAGED
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "cannot be written: check that the user of this process may write the file and its directory"
        case sqlite3.SQLITE_FULL:
            return "the disk is full: free some space; counting goes on by itself"
        case sqlite3.SQLITE_IOERR:
            return "the file system failed: check the disk; counting goes on by itself when it answers again"
        case _:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            return f"cannot be used (SQLite says {name}): run the version that wrote it, or move it away to count anew"
