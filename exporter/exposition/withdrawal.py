"""Stale numbers are not served as fresh ones: until when a terminal's windows are shown."""

from typing import Final

from exporter.model import MINUTE, Instant, Snapshot, TerminalSnapshot

NEVER: Final[Instant] = -(1 << 62)
ALWAYS: Final[Instant] = 1 << 62


def last_shown(terminal: TerminalSnapshot, snapshot: Snapshot) -> Instant:
    """The last instant at which a terminal's windows and pending operations are shown: not when it failed for too long.

    A poll that neither ends nor fails is given a minute more: it may be catching up.
    """
    if terminal.last_success is None:
        return NEVER if terminal.failing else ALWAYS
    patience = snapshot.stale_after if terminal.failing else snapshot.stale_after + MINUTE
    return terminal.last_success + patience


def is_withdrawn(terminal: TerminalSnapshot, snapshot: Snapshot, now: Instant) -> bool:
    """Whether a terminal has failed for so long that its windows and pending operations are no longer shown."""
    return now > last_shown(terminal, snapshot)
