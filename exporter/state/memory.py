"""A state that lasts as long as the process."""

from collections.abc import Collection

from exporter.model import Checkpoint, Decision, Duration, Entry, Instant, Remembered, Span, Standing, Total
from exporter.state.base import recalled_since


class MemoryStore:
    """For trials, and for those who would rather count anew than keep a file."""

    def __init__(self) -> None:
        self._checkpoints: dict[str, Checkpoint] = {}
        self._entries: dict[bytes, Entry] = {}
        self._totals: dict[Total, int] = {}
        self._scraped: set[Total] = set()
        self._kept_since: Instant = 0

    def recall(self, names: Collection[str] = (), retention: Duration | None = None) -> Remembered:
        """All that was committed."""
        since = recalled_since((self._checkpoints[name] for name in names if name in self._checkpoints), retention)
        since = max(since, self._kept_since)
        unscraped = frozenset(self._totals.keys() - self._scraped)
        entries = tuple(self._entries.values())
        return Remembered(dict(self._checkpoints), entries, dict(self._totals), since, unscraped)

    def entries(self, span: Span) -> tuple[Entry, ...]:
        """The entries kept of a span."""
        return tuple(entry for entry in self._entries.values() if span.start <= entry.created < span.end)

    def expire(self, before: Instant) -> None:
        """Let go of what is older."""
        self._kept_since = max(self._kept_since, before)
        self._entries = {
            id_: entry
            for id_, entry in self._entries.items()
            if entry.created >= before or entry.standing is Standing.FOLLOWED
        }

    def commit(self, decision: Decision) -> None:
        """Keep a decision."""
        self._checkpoints.update(decision.checkpoints)
        for entry in decision.entries:
            self._entries[entry.id] = entry
        for total, amount in decision.increments.items():
            self._totals[total] = self._totals.get(total, 0) + amount
        self._scraped.update(decision.scraped)

    def close(self) -> None:
        """Nothing is held."""
