"""What a poller knows that no store keeps: for the one that goes on in its place after a reload."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.ledger import Acquaintance
from exporter.model import Difference, Duration, Instant, Terminal, Trouble


@dataclass(slots=True)
class State:
    """What the last polls of a terminal came to."""

    tried: bool = False
    read: bool = False
    failing: bool = False
    last_success: Instant | None = None  # by our clock: how fresh the data is
    read_to: Instant | None = None  # by the bank's: where the windows end
    head_complete: bool = True
    sweep_complete: bool = True


@dataclass(frozen=True, slots=True)
class Handover:
    """With it the next poller shows what this one has shown, until its own first poll, and sweeps where it went on.

    `stuck`: terminals whose windows back to `reach` are shown although the bank's counts do not add up.
    """

    terminals: Mapping[str, Terminal]
    states: Mapping[str, State]
    troubles: Mapping[str, Trouble]
    differences: Mapping[str, Difference]
    acquaintance: Acquaintance
    swept_to: Mapping[str, Instant]
    stuck: frozenset[str]
    reach: Duration

    def same(self, terminal: Terminal) -> bool:
        """Whether a terminal is still what it was: another number may bear the name now."""
        before = self.terminals.get(terminal.name)
        return before is not None and (before.id, before.number) == (terminal.id, terminal.number)
