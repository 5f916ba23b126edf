"""The store: what a poll decided, in one transaction of the file."""

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exporter.model import (
    HOUR,
    Checkpoint,
    Decision,
    Duration,
    Entry,
    Instant,
    Remembered,
    SlotDay,
    Span,
)
from exporter.state.base import recalled_since
from exporter.state.sqlite import numbering
from exporter.state.sqlite.file import StateFile
from exporter.state.sqlite.operations import Operations

_CHECKPOINT: Final = "name, counting_since, covered_from, watermark, newest, gap_end"


class SqliteStore:
    """One state in one file. Raises StateUnusable where the file is not fit to be used, and never overwrites it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = StateFile(path)
        self._db = self._file.db
        try:
            with self._file.recalling():
                self._names = numbering.names(self._db)
                self._totals = numbering.totals(self._db)
                series, details = numbering.series(self._db), numbering.details(self._db)
                self._numberings = (self._names, self._totals, series, details)
                self._operations = Operations(self._db, series, details)
                self._kept_since: Instant = self._db.execute("SELECT since FROM kept").fetchone()[0]
        except BaseException:
            self._file.close()
            raise

    def recall(self, names: Collection[str] = (), retention: Duration | None = None) -> Remembered:
        """What was committed. Raises StateUnusable where the file turns out to be damaged."""
        with self._lock, self._file.recalling():
            checkpoints = {
                name: Checkpoint(*rest)
                for name, *rest in self._db.execute(f"SELECT {_CHECKPOINT} FROM terminals")  # noqa: S608  ours
            }
            named = self._totals.values
            rows = self._db.execute("SELECT number, value, scraped FROM counts").fetchall()
            totals = {named[number]: value for number, value, _ in rows}
            unscraped = frozenset(named[number] for number, _, scraped in rows if not scraped)
            since = recalled_since((checkpoints[name] for name in names if name in checkpoints), retention)
            since = max(since, self._kept_since)
            return Remembered(checkpoints, self._operations.since(since), totals, since, unscraped)

    def entries(self, span: Span) -> tuple[Entry, ...]:
        """The entries kept of a span."""
        with self._lock, self._file.reading():
            return self._operations.within(span)

    def suspected(self, ids: Collection[bytes]) -> Collection[bytes]:
        """All of some ids that are kept, and hardly any other."""
        with self._lock, self._file.reading():
            return self._operations.suspected(ids)

    def known(self, ids: Collection[bytes], names: Collection[str]) -> tuple[Entry, ...]:
        """The entries of these terminals with these ids."""
        with self._lock, self._file.reading():
            return self._operations.known(ids, frozenset(names))

    @property
    def kept_since(self) -> Instant:
        """Entries created before it have been let go."""
        return self._kept_since

    def expire(self, before: Instant) -> None:
        """Let go of whole hours that are older, but for what is followed; and pack those that have closed."""
        hour = before // HOUR
        with self._writing(kept_since=hour * HOUR):
            self._operations.expire(hour)
            self._db.execute("UPDATE kept SET since = max(since, ?)", (hour * HOUR,))
        with self._lock, self._file.reading():
            loose = self._operations.loose()
        for each in loose:  # one by one, so that a commit waits for no more than an hour of them
            with self._writing():
                self._operations.pack(each)

    def commit(self, decision: Decision) -> None:
        """Store a decision, all or nothing."""
        with self._writing():
            self._operations.write(decision.entries, decision.moved)
            increments = decision.increments
            self._db.executemany(
                "INSERT INTO counts (number, value) VALUES (?, ?) "
                "ON CONFLICT DO UPDATE SET value = value + excluded.value",
                list(zip(self._totals.of(increments), increments.values(), strict=True)),
            )
            self._db.executemany(
                f"INSERT OR REPLACE INTO terminals ({_CHECKPOINT}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  ours
                [
                    (name, c.counting_since, c.covered_from, c.watermark, c.newest, c.gap_end)
                    for name, c in decision.checkpoints.items()
                ],
            )
            known = self._totals.numbers
            self._db.executemany(
                "UPDATE counts SET scraped = 1 WHERE number = ?",
                [(known[total],) for total in decision.scraped if total in known],
            )

    @contextmanager
    def _writing(self, kept_since: Instant = 0) -> Iterator[None]:
        """One writer at a time. Raises CommitFailed, and then nothing has been written, and memory says so too."""
        with self._lock:
            committed = False
            try:
                with self._file.writing():
                    yield
                committed = True
                self._kept_since = max(self._kept_since, kept_since)
            finally:
                for each in (*self._numberings, self._operations):
                    each.settle(committed=committed)

    def history(self, names: Collection[str]) -> tuple[SlotDay, ...]:
        """The days of history kept of these terminals."""
        with self._lock, self._file.reading():
            wanted = {self._names.numbers[name]: name for name in names if name in self._names.numbers}
            return tuple(
                SlotDay(wanted[terminal], day, kind, slots, origin)
                for day, terminal, kind, slots, origin in self._db.execute("SELECT * FROM history")
                if terminal in wanted
            )

    def keep_history(self, days: Iterable[SlotDay], before: int) -> None:
        """Store days of history, and let go of older ones."""
        with self._writing():
            self._db.executemany(
                "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?)",
                [(day.day, self._names.number(day.terminal), day.kind, day.values, day.origin) for day in days],
            )
            self._db.execute("DELETE FROM history WHERE day < ?", (before,))

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        with self._lock:
            self._file.close()
