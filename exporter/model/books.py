"""What is kept of operations: entries, exact totals, and how far each terminal has been read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from exporter.model.operations import Details, Operation, Outcome
from exporter.model.units import DAY, HOUR, MINUTE, SECOND, Duration, Instant


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
        """How far a head goes back behind the watermark, for what becomes visible a little late or out of order.

        A fifth of the interval: it is read twice, and a whole interval would be twice the pages. What comes later than
        that is the sweeps' business.
        """
        return min(self.lookback, max(self.interval // 5, 2 * SECOND))

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
    in memory only, so that each is counted once; so are `traces`, and the marks of those that have been `met`.
    `scraped` are totals that a scraper has been shown for the first time.
    """

    now: Instant
    entries: Collection[Entry] = ()
    increments: Mapping[Total, int] = field(default_factory=dict)
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    forgotten: tuple[bytes, ...] = ()
    moved: tuple[Entry, ...] = ()
    strangers: tuple[bytes, ...] = ()
    notices: tuple[Notice, ...] = ()
    scraped: tuple[Total, ...] = ()
    traces: tuple[Trace, ...] = ()
    met: tuple[Operation, ...] = ()


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
