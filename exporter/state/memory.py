"""A state that lasts as long as the process."""

from exporter.model import Checkpoint, Decision, Entry, Remembered, Total


class MemoryStore:
    """For trials, and for those who would rather count anew than keep a file."""

    def __init__(self) -> None:
        self._checkpoints: dict[str, Checkpoint] = {}
        self._entries: dict[bytes, Entry] = {}
        self._totals: dict[Total, int] = {}

    def recall(self) -> Remembered:
        """All that was committed."""
        return Remembered(dict(self._checkpoints), tuple(self._entries.values()), dict(self._totals))

    def commit(self, decision: Decision) -> None:
        """Keep a decision."""
        self._checkpoints.update(decision.checkpoints)
        for entry in decision.entries:
            self._entries[entry.id] = entry
        for id_ in decision.forgotten:
            self._entries.pop(id_, None)
        for total, amount in decision.increments.items():
            self._totals[total] = self._totals.get(total, 0) + amount

    def close(self) -> None:
        """Nothing is held."""
