"""A state that lasts as long as the process."""

import threading
from collections.abc import Collection, Iterable

from exporter.model import Checkpoint, Decision, Duration, Entry, Instant, Remembered, SlotDay, Span, Standing, Total
from exporter.state.base import recalled_since


class MemoryStore:
    """For trials, and for those who would rather count anew than keep a file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checkpoints: dict[str, Checkpoint] = {}
        self._entries: dict[tuple[str, bytes], Entry] = {}
        self._totals: dict[Total, int] = {}
        self._scraped: set[Total] = set()
        self._kept_since: Instant = 0
        self._history: dict[tuple[str, int, str], SlotDay] = {}

    @property
    def kept_since(self) -> Instant:
        """Entries created before it have been let go."""
        return self._kept_since

    def recall(self, names: Collection[str] = (), retention: Duration | None = None) -> Remembered:
        """All that was committed."""
        with self._lock:
            since = recalled_since((self._checkpoints[name] for name in names if name in self._checkpoints), retention)
            unscraped = frozenset(self._totals.keys() - self._scraped)
            entries, totals = tuple(self._entries.values()), dict(self._totals)
            return Remembered(dict(self._checkpoints), entries, totals, max(since, self._kept_since), unscraped)

    def entries(self, span: Span) -> tuple[Entry, ...]:
        """The entries kept of a span."""
        with self._lock:
            return tuple(entry for entry in self._entries.values() if span.start <= entry.created < span.end)

    def known(self, ids: Collection[bytes], names: Collection[str]) -> tuple[Entry, ...]:
        """The entries of these terminals kept of these ids."""
        with self._lock:
            keys = ((name, id_) for id_ in ids for name in names)
            return tuple(self._entries[key] for key in keys if key in self._entries)

    def expire(self, before: Instant) -> None:
        """Let go of what is older."""
        with self._lock:
            self._kept_since = max(self._kept_since, before)
            self._entries = {
                key: entry
                for key, entry in self._entries.items()
                if entry.created >= before or entry.standing is Standing.FOLLOWED
            }

    def commit(self, decision: Decision) -> None:
        """Keep a decision."""
        with self._lock:
            self._checkpoints.update(decision.checkpoints)
            for entry in decision.moved:
                self._entries.pop((entry.key.terminal, entry.id), None)
            for entry in decision.entries:
                self._entries[entry.key.terminal, entry.id] = entry
            for total, amount in decision.increments.items():
                self._totals[total] = self._totals.get(total, 0) + amount
            self._scraped.update(decision.scraped)

    def history(self, names: Collection[str]) -> tuple[SlotDay, ...]:
        """The days of history kept of these terminals."""
        with self._lock:
            return tuple(day for day in self._history.values() if day.terminal in names)

    def keep_history(self, days: Iterable[SlotDay], before: int) -> None:
        """Keep days of history, and let go of older ones."""
        with self._lock:
            self._history.update({(day.terminal, day.day, day.kind): day for day in days})
            self._history = {key: day for key, day in self._history.items() if day.day >= before}

    def close(self) -> None:
        """Nothing is held."""
