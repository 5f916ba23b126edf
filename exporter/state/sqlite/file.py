"""The file: taken for oneself, brought to the present schema, written all or nothing; and what its errors mean.

It is held with an exclusive lock for as long as the process runs (https://sqlite.org/pragma.html#pragma_locking_mode):
two processes that count into one file would count twice. WAL with synchronous=FULL, because a poll commits once in many
seconds and what was exposed must not be lost by a power cut.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from exporter.state.base import CommitFailed, StateUnusable
from exporter.state.sqlite.packing import Damaged
from exporter.state.sqlite.schema import AFTER, MIGRATIONS

_APPLICATION_ID: Final = 0x45504159  # "EPAY"
_LOCK_SECONDS: Final = 2.0
_DAMAGED: Final = "the file is damaged, and is left alone: restore it, or move it away to begin counting anew"


class StateFile:
    """One open file. Raises StateUnusable where it is not fit to be used, and never overwrites it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.parent.is_dir():
            raise self.unusable(f"the directory {path.parent} does not exist: create it")
        try:
            path.touch(mode=0o600)  # amounts and ids are nobody else's business
            self.db = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError):
            raise self.unusable("cannot be opened: check that the user of this process may write it") from None
        try:
            self._prepare()
        except (sqlite3.Error, ValueError) as error:
            self.db.close()
            raise self.unusable(_advice(error)) from None
        except StateUnusable:
            self.db.close()
            raise
        self._opened = self._inode()

    def unusable(self, why: str) -> StateUnusable:
        """The error that says so of this file."""
        return StateUnusable(f"state {self._path}: {why}")

    def _prepare(self) -> None:
        self.db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self.db.execute("BEGIN IMMEDIATE")
        application, version = self._pragma("application_id"), self._pragma("user_version")
        tables = self.db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        self.db.execute("COMMIT")
        if application not in (0, _APPLICATION_ID) or (application == 0 and tables):
            raise self.unusable(
                "the file is a database of another program, and is left alone: name another file in state.url"
            )
        if version > len(MIGRATIONS):
            raise self.unusable(
                f"the file was written by a newer version (schema {version}, this one knows {len(MIGRATIONS)}): "
                "run the newer version, or name another file in state.url"
            )
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        if version < len(MIGRATIONS):  # a file that needs nothing is not written to: it may be damaged
            self._migrate(version)

    def _migrate(self, version: int) -> None:
        with self._transaction():
            for number, (_, sql) in enumerate(MIGRATIONS[version:], start=version + 1):
                for statement in filter(str.strip, sql.split(";")):
                    self.db.execute(statement)
                if number in AFTER:
                    AFTER[number](self.db)
                self.db.execute(f"PRAGMA user_version = {number:d}")
            self.db.execute(f"PRAGMA application_id = {_APPLICATION_ID:d}")
        if version:
            with suppress(sqlite3.Error):  # where there is no room for it, what the rows took is used again bit by bit
                self.db.execute("VACUUM")

    def _inode(self) -> int | None:
        """Which file the path leads to: SQLite would go on writing into one that nobody can find any more."""
        try:
            return self._path.stat().st_ino
        except OSError:
            return None

    def _pragma(self, name: str) -> int:
        value = self.db.execute(f"PRAGMA {name}").fetchone()[0]
        return int(value)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:  # some errors, a full disk among them, have rolled back already
                self.db.execute("ROLLBACK")
            raise

    @contextmanager
    def recalling(self) -> Iterator[None]:
        """The body reads at the start. Raises StateUnusable where the file turns out to be damaged."""
        try:
            yield
        except (sqlite3.Error, ValueError, LookupError, TypeError, Damaged) as error:
            raise self.unusable(_advice(error)) from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The body reads. Raises CommitFailed where it cannot: what depends on it is tried again."""
        try:
            yield
        except (sqlite3.Error, OverflowError, LookupError, Damaged) as error:
            raise CommitFailed(f"state {self._path}: {_advice(error)}") from None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The body's writes in one transaction. Raises CommitFailed, and then none of them has been made."""
        if self._inode() != self._opened:
            raise CommitFailed(f"state {self._path}: the file is gone or was replaced: put it back, or restart")
        with self.reading(), self._transaction():
            yield

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        self.db.close()


def _advice(error: Exception) -> str:
    """What an error means to the person who runs the exporter (https://sqlite.org/rescode.html)."""
    if not isinstance(error, sqlite3.Error | OverflowError):
        return _DAMAGED  # what SQLite has given back whole is no row of ours
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
