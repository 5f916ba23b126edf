"""The port to a store, and how it can fail."""

from typing import Protocol

from exporter.model import Decision, Remembered


class StateUnusable(Exception):
    """The state cannot be opened; the text says what was found and how to go on."""


class CommitFailed(Exception):
    """A decision could not be stored, and nothing of it was: it may be decided and committed again."""


class Store(Protocol):
    """One state, used by one process. Calls may come from any thread, one at a time."""

    def recall(self) -> Remembered:
        """All that was committed."""

    def commit(self, decision: Decision) -> None:
        """Store entries, totals and checkpoints of a decision, all or nothing. Raises CommitFailed."""

    def close(self) -> None:
        """Let go of the state; what was committed stays."""
