"""The port to a store, and how it can fail."""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from exporter.model import Checkpoint, Decision, Duration, Entry, Instant, Remembered, SlotDay, Span


class StateUnusable(Exception):
    """The state cannot be opened; the text says what was found and how to go on."""


class CommitFailed(Exception):
    """A decision could not be stored, and nothing of it was: it may be decided and committed again."""


class CommitUnsettled(CommitFailed):
    """A decision may have been stored or not: the connection was lost while the answer was on its way.

    `was_stored` asks the store, and raises CommitFailed for as long as that cannot be told.
    """

    def __init__(self, text: str, was_stored: Callable[[], bool]) -> None:
        super().__init__(text)
        self.was_stored = was_stored


class Store(Protocol):
    """One state, or a part of one, used by one process. Calls may come from any thread: it sees to its own order."""

    def recall(self, names: Collection[str] = (), retention: Duration | None = None) -> Remembered:
        """What was committed; with a retention, entries only as far back as these terminals may meet them again."""

    def entries(self, span: Span) -> tuple[Entry, ...]:
        """The entries kept of a span, of all terminals. Raises CommitFailed."""

    def suspected(self, ids: Collection[bytes]) -> Collection[bytes]:
        """Those of some ids that may be kept, found out without asking for any: all, where that cannot be told.

        Raises CommitFailed.
        """

    def known(self, ids: Collection[bytes], names: Collection[str]) -> tuple[Entry, ...]:
        """The entries of these terminals kept of these ids, whenever they were created. Raises CommitFailed.

        Ids are told apart by terminal, since two accounts may be at two banks, or look at one terminal twice.
        """

    @property
    def kept_since(self) -> Instant:
        """Entries created before it have been let go, so that nothing can be said about an id that is not known."""

    def expire(self, before: Instant) -> None:
        """Let go of entries created before an instant, but for those that are followed. Raises CommitFailed."""

    def commit(self, decision: Decision) -> None:
        """Store entries, totals and checkpoints of a decision, all or nothing. Raises CommitFailed."""

    def history(self, names: Collection[str]) -> tuple[SlotDay, ...]:
        """The days of history kept of these terminals. Raises CommitFailed."""

    def keep_history(self, days: Iterable[SlotDay], before: int) -> None:
        """Store days of history in place of what is kept of them, and let go of older ones. Raises CommitFailed."""

    def close(self) -> None:
        """Let go of the state; what was committed stays."""


def recalled_since(checkpoints: Iterable[Checkpoint], retention: Duration | None) -> Instant:
    """How far back entries are needed by the terminal that lags most."""
    marks = [checkpoint.watermark for checkpoint in checkpoints]
    return min(marks) - retention if marks and retention is not None else 0
