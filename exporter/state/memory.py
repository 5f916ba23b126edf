"""A state that lasts as long as the process."""

import threading
from collections.abc import Collection, Iterable
from itertools import chain

from exporter.model import Checkpoint, Decision, Duration, Entry, Instant, Remembered, SlotDay, Span, Standing, Total
from exporter.state.base import recalled_since


class MemoryStore:
    """For trials, and for those who would rather count anew than keep a file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checkpoints: dict[str, Checkpoint] = {}
        self._entries: dict[bytes, tuple[Entry, ...]] = {}
        """By id; accounts may have the same one."""
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
            entries, totals = tuple(chain.from_iterable(self._entries.values())), dict(self._totals)
            return Remembered(dict(self._checkpoints), entries, totals, max(since, self._kept_since), unscraped)

    def entries(self, span: Span) -> tuple[Entry, ...]:
        """The entries kept of a span."""
        with self._lock:
            entries = chain.from_iterable(self._entries.values())
            return tuple(entry for entry in entries if span.start <= entry.created < span.end)

    def suspected(self, ids: Collection[bytes]) -> Collection[bytes]:
        """Those of some ids that are kept."""
        with self._lock:
            return tuple(filter(self._entries.__contains__, ids))

    def known(self, ids: Collection[bytes], names: Collection[str]) -> tuple[Entry, ...]:
        """The entries of these terminals kept of these ids."""
        theirs = frozenset(names)
        with self._lock:
            found = chain.from_iterable(self._entries.get(id_, ()) for id_ in ids)
            return tuple(entry for entry in found if entry.key.terminal in theirs)

    def expire(self, before: Instant) -> None:
        """Let go of what is older."""
        with self._lock:
            self._kept_since = max(self._kept_since, before)
            for id_, entries in list(self._entries.items()):
                kept = [each for each in entries if each.created >= before or each.standing is Standing.FOLLOWED]
                self._put(id_, *kept)

    def commit(self, decision: Decision) -> None:
        """Keep a decision."""
        with self._lock:
            self._checkpoints.update(decision.checkpoints)
            for entry in decision.moved:
                self._put(entry.id, *self._others(entry))
            for entry in decision.entries:
                self._put(entry.id, *self._others(entry), entry)
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

    def _others(self, entry: Entry) -> Iterable[Entry]:
        """The entries with the same id at other terminals."""
        return (each for each in self._entries.get(entry.id, ()) if each.key.terminal != entry.key.terminal)

    def _put(self, id_: bytes, *entries: Entry) -> None:
        if entries:
            self._entries[id_] = entries
        else:
            self._entries.pop(id_, None)
