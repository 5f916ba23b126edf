"""What is exposed: one immutable picture of what was committed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.model.books import Checkpoint, SeriesKey
from exporter.model.operations import Outcome
from exporter.model.totals import Totals
from exporter.model.units import Duration, Instant


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal as configured: what `terminal_id` takes, what records carry, and how it is called in labels."""

    id: str
    number: str
    name: str
    account: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowTally:
    """A terminal's operations in one sliding window; `amounts` and `largest` in minor units, with their currency.

    `breakdowns`: operations by dimension, value, outcome and reason class.
    """

    window: Duration
    operations: Mapping[SeriesKey, int]
    amounts: Mapping[tuple[SeriesKey, str], int]
    largest: Mapping[tuple[Outcome, str], int]
    breakdowns: Mapping[tuple[str, str, Outcome, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a window should hold by the past weeks, and the bounds of the ordinary.

    Operations where `currency` is empty, else what successes come to, in minor units.
    """

    window: Duration
    currency: str
    expected: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a terminal's past says of now.

    weeks: how many past weeks are known at this time of the week. usual_gap: the longest time without an operation in a
    usual week, None where that is not known. active_days: of the last seven closed days, those with operations.
    """

    windows: tuple[Expected, ...] = ()
    weeks: int = 0
    usual_gap: Duration | None = None
    active_days: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong and since when, fit for a page and a log: no secret, no personal data.

    `kind` is the short word that metrics and logs carry (timeout, refused, login, …), `text` says it to a person.
    """

    kind: str
    text: str
    since: Instant


@dataclass(frozen=True, slots=True)
class Difference:
    """What the bank lists of a closed period beyond what was counted of it: operations, and minor units by currency."""

    operations: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TerminalSnapshot:
    """What is exposed of one terminal. `read`: a poll of this process has read it, so its series may exist."""

    terminal: Terminal
    checkpoint: Checkpoint
    read: bool
    tried: bool
    failing: bool
    last_success: Instant | None
    catching_up: bool
    window_complete: bool
    windows: tuple[WindowTally, ...]
    pending: int
    oldest_pending: Instant | None
    trouble: Trouble | None = None
    difference: Difference | None = None
    forecast: Forecast | None = None


CALENDAR_KINDS = ("holiday", "maintenance")


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A holiday or a maintenance; `terminals` empty means all of them."""

    start: Instant
    end: Instant
    kind: str
    terminals: tuple[str, ...] = ()

    def concerns(self, terminal: str) -> bool:
        """Whether it is for a terminal."""
        return not self.terminals or terminal in self.terminals


class Threshold(NamedTuple):
    """A number that alert rules compare with; `severity` is the setting's name, of which not all are severities."""

    alert: str
    severity: str
    value: float


@dataclass(frozen=True, slots=True)
class Supervision:
    """What the configuration says to alert rules: of every configured terminal, whether it has been polled or not.

    `thresholds`: by terminal, in the order of the file. Terminals without settings of their own have the same object.
    """

    thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=dict)
    calendar: tuple[CalendarEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was committed, as one immutable picture: a scrape sees all of a poll or nothing of it.

    `stale_after`: a failing terminal's windows are withdrawn when its last good poll is older. `born`: the sequence of
    the snapshot that first showed a total; 0 for those of an earlier run.
    """

    sequence: int
    taken: Instant
    stale_after: Duration
    terminals: tuple[TerminalSnapshot, ...]
    totals: Totals
    born: Totals = field(default_factory=Totals)
    supervision: Supervision = field(default_factory=Supervision)
