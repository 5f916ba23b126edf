"""Frozen records that the rooms hand to each other, and the words they share.

Units: an instant is a whole number of microseconds since the Unix epoch (UTC), a duration a whole number of
microseconds, money a whole number of minor units (tiyn, cents) of its currency. Integers, because sums of floats drift
and the totals must match the bank's to the last tenge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

Instant = int
Duration = int

SECOND: Duration = 1_000_000
MINUTE: Duration = 60 * SECOND
HOUR: Duration = 60 * MINUTE
DAY: Duration = 24 * HOUR
SLOTS_A_DAY = 96
"""The grain of the history that baselines are made from: quarters of an hour."""

OTHER = "other"
"""Label value for what lies beyond a limit on distinct values, or is not fit to be a label."""


_EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_units(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217): 2 for tenge and dollars."""
    return _EXPONENTS.get(currency, 2)


class Outcome(StrEnum):
    """What became of an operation."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    UNKNOWN = "unknown"


Details = tuple[tuple[str, str], ...]
"""Dimension and value, in the order of the configuration; one tuple is shared by all that have the same."""


class Operation(NamedTuple):
    """A record of the bank, reduced to what is counted: nothing personal comes this far.

    `id` is 16 bytes: the record's UUID, or a digest where the bank's id is not one. `number` is the record's
    `terminal` as the bank writes it. `status`, `code` and `reason_code` are the bank's own texts, stripped, and not yet
    bounded: they become labels only through the ledger; so do `details`, a text for each dimension that windows are
    broken down by. `likeness` is the same for operations of the same sender, receiver, amount and currency: a digest
    whose key lives as long as the process; 0 where either side is not known, or repeats are not looked for.
    """

    id: bytes
    number: str
    created: Instant
    status: str
    code: str
    reason_code: str
    amount: int
    currency: str
    likeness: int = 0
    details: Details = ()


class Rejection(NamedTuple):
    """A record that could not be read: its id (or a digest of its bytes) and the reason, one of a fixed few words."""

    id: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the list: the bank's count of all that matches, and the records of this page."""

    total_count: int
    operations: tuple[Operation, ...]
    rejections: tuple[Rejection, ...] = ()

    @property
    def received(self) -> int:
        """How many records the page carried, readable or not: paging goes on by this number."""
        return len(self.operations) + len(self.rejections)


class Span(NamedTuple):
    """A stretch of the operations' own time: start inclusive, end exclusive."""

    start: Instant
    end: Instant


class Assignment(NamedTuple):
    """What to ask the bank for in one go: a span, and the names of the terminals it is for."""

    span: Span
    terminals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bank answered to an assignment.

    `complete`: the distinct ids read equal the bank's `totalCount`. An incomplete reading is still counted (its
    records are real); it only never moves the watermark.
    """

    assignment: Assignment
    operations: tuple[Operation, ...]
    rejections: tuple[Rejection, ...]
    total_count: int
    complete: bool


class SeriesKey(NamedTuple):
    """The labels of an operation's series; status, code and reason_code already bounded."""

    terminal: str
    outcome: Outcome
    status: str
    code: str
    reason_code: str
    reason_class: str


class Standing(StrEnum):
    """Where an operation stands with the totals."""

    FOLLOWED = "followed"  # pending, not counted yet
    COUNTED = "counted"  # in the totals, once and for ever
    EXEMPT = "exempt"  # created before counting began, or in a gap: fills windows only


class Entry(NamedTuple):
    """What is remembered of an operation while it can still be met again."""

    id: bytes
    created: Instant
    key: SeriesKey
    amount: int
    currency: str
    standing: Standing
    details: Details = ()


class Trace(NamedTuple):
    """What is held of an operation to tell whether others repeat it: in memory only, never in a store.

    exempt: it is in no counter. fresh: this process has seen it first, and has not just met it again.
    """

    terminal: str
    likeness: int
    id: bytes
    created: Instant
    exempt: bool
    fresh: bool


class Family(StrEnum):
    """Kinds of totals that are kept exactly and survive restarts; the labels of each stand beside it."""

    OPERATIONS = "operations"  # terminal, outcome, status, code, reason_code, reason_class
    AMOUNT = "amount"  # the same, currency; minor units
    AMOUNT_BUCKET = "amount_bucket"  # terminal, outcome, currency, index of the bucket (not cumulative)
    AMOUNT_SUM = "amount_sum"  # terminal, outcome, currency; minor units
    VISIBILITY_BUCKET = "visibility_bucket"  # account, index of the bucket
    VISIBILITY_SUM = "visibility_sum"  # account; microseconds
    FINALIZATION_BUCKET = "finalization_bucket"  # terminal, index of the bucket
    FINALIZATION_SUM = "finalization_sum"  # terminal; microseconds
    RECORDS = "records"  # account, kind
    REJECTED = "rejected"  # account, reason
    STATUS_CHANGES = "status_changes"  # terminal, from_outcome, to_outcome
    GAP = "gap"  # terminal; microseconds
    UNKNOWN_CODES = "unknown_codes"  # terminal
    LABEL_OVERFLOW = "label_overflow"  # terminal
    DUPLICATES = "duplicates"  # terminal


OF_ACCOUNTS = frozenset({Family.VISIBILITY_BUCKET, Family.VISIBILITY_SUM, Family.RECORDS, Family.REJECTED})
"""The families whose first label is the account; that of all others is the terminal."""


class SlotDay(NamedTuple):
    """A day (UTC) of what a terminal's history holds: how much there was in each of its quarters of an hour.

    `day` counts days since the epoch. `kind` is empty for numbers of operations, or a currency for the amounts of its
    successes, in minor units. `values` are SLOTS_A_DAY signed integers of 64 bits, little-endian; negative: not read.
    `origin` tells what they depend on (the bank's address, the terminal's number, the outcomes): what was kept under
    another one is another history.
    """

    terminal: str
    day: int
    kind: str
    values: bytes
    origin: str = ""


class Total(NamedTuple):
    """The name of one exact total."""

    family: Family
    labels: tuple[str, ...]


AMOUNT_BUCKETS: tuple[int, ...] = (
    100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000,
)  # fmt: skip
"""Upper bounds of `epay_operation_amount`, in major units: made for tenge, from a bus fare to a daily limit."""

DELAY_BUCKETS: tuple[int, ...] = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 21_600, 86_400)
"""Upper bounds in seconds of how late operations become visible and final."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a terminal has been read.

    counting_since: operations created before it are never counted; fixed at the first start on a state.
    covered_from, watermark: everything created between the two has been read completely at least once, and is
    remembered. A restart remembers less than was read, and raises the lower end.
    newest: created of the newest operation ever seen, None where none was.
    gap_end: the end of the last stretch that was given up after an outage, None where none was. What was created before
    it and is not known is not counted.
    """

    counting_since: Instant
    covered_from: Instant
    watermark: Instant
    newest: Instant | None = None
    gap_end: Instant | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The durations that decide what is read, and how many terminals are asked for together."""

    interval: Duration
    lookback: Duration
    max_gap: Duration
    follow_pending: Duration
    windows: tuple[Duration, ...]
    batch: int = 100
    follow_spans: int = 20

    @property
    def overlap(self) -> Duration:
        """How far a head goes back behind the watermark, for what becomes visible a little late or out of order."""
        return min(self.lookback, max(self.interval, 2 * SECOND))

    @property
    def reach(self) -> Duration:
        """How far back operations are held and read at the first start."""
        return max(self.lookback, *self.windows)

    @property
    def retention(self) -> Duration:
        """How long operations are held in memory: longer than the sweeps reach back, and as long as windows need them.

        What is met again later is looked up in the store.
        """
        return max(self.reach, 2 * self.lookback) + self.overlap + MINUTE

    @property
    def kept(self) -> Duration:
        """How long a store keeps ids: for the reconciliation a day later, and for reading on after an outage."""
        return max(DAY + 2 * HOUR, self.max_gap) + self.retention

    @property
    def behind(self) -> Duration:
        """How old a watermark may be before its terminal counts as catching up."""
        return 3 * self.interval


@dataclass(frozen=True, slots=True)
class Notice:
    """Something of the bank's that no table names, to be said once in the log; `value` is fit to be shown."""

    terminal: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a poll changes, as data: committed in one transaction, then applied to what is held in memory.

    `forgotten` ids leave the memory; the store keeps them a while longer, for the reconciliation. `moved` are entries
    as they stood under another time or terminal before. `strangers` are ids of rejected and foreign records, remembered
    in memory only, so that each is counted once; so are `traces`. `scraped` are totals that a scraper has been shown
    for the first time.
    """

    now: Instant
    entries: tuple[Entry, ...] = ()
    increments: Mapping[Total, int] = field(default_factory=dict)
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    forgotten: tuple[bytes, ...] = ()
    moved: tuple[Entry, ...] = ()
    strangers: tuple[bytes, ...] = ()
    notices: tuple[Notice, ...] = ()
    scraped: tuple[Total, ...] = ()
    traces: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a store gives back: the state that the last commits left, entries only as far back as `since`.

    `unscraped`: totals that no scraper has been shown yet.
    """

    checkpoints: Mapping[str, Checkpoint]
    entries: tuple[Entry, ...]
    totals: Mapping[Total, int]
    since: Instant = 0
    unscraped: frozenset[Total] = frozenset()


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

    def covers(self, terminal: str, now: Instant) -> bool:
        """Whether it is going on for a terminal."""
        return self.start <= now < self.end and self.concerns(terminal)


class Threshold(NamedTuple):
    """A number that alert rules compare with; `severity` is the setting's name, of which not all are severities."""

    terminal: str
    alert: str
    severity: str
    value: float


@dataclass(frozen=True, slots=True)
class Supervision:
    """What the configuration says to alert rules: of every configured terminal, whether it has been polled or not."""

    terminals: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    calendar: tuple[CalendarEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was committed, as one immutable picture: a scrape sees all of a poll or nothing of it.

    `stale_after`: a failing terminal's windows are withdrawn when its last good poll is older.
    """

    sequence: int
    taken: Instant
    stale_after: Duration
    terminals: tuple[TerminalSnapshot, ...]
    totals: Mapping[Total, int]
    born: Mapping[Total, int] = field(default_factory=dict)
    supervision: Supervision = field(default_factory=Supervision)


@dataclass(frozen=True, slots=True)
class RequestMade:
    """One request has ended. `result`: success, or the kind of the error. `skew`: bank's clock minus ours, seconds."""

    account: str
    endpoint: str
    result: str
    seconds: float
    skew: float | None = None


@dataclass(frozen=True, slots=True)
class LoginMade:
    """One login has ended; `expires` is the new token's end where it succeeded."""

    account: str
    result: str
    expires: Instant | None = None


@dataclass(frozen=True, slots=True)
class PollMade:
    """One poll of an account has ended. `result`: success, partial (some terminals failed) or the kind of the error."""

    account: str
    result: str
    seconds: float


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """The history of an account has been read so far: a share from 0 to 1 of what is wanted."""

    account: str
    share: float


Event = RequestMade | LoginMade | PollMade | HistoryRead


class Observer(Protocol):
    """Listens to what the rooms do; Prometheus is one listener, the log another."""

    def observe(self, event: Event) -> None:
        """Take note of one event; never raises."""


class Clock(Protocol):
    """The wall clock, handed down from `app`."""

    def __call__(self) -> Instant:
        """Microseconds since the epoch."""
