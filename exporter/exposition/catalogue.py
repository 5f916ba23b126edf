"""Every metric that comes from a snapshot: its name, type, labels, and what its value means.

All of them are as of the last poll of the bank, not as of the scrape: each HELP says so, because readers of other
exporters expect the opposite.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """Prometheus' types of metrics, those that are used."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Definition(NamedTuple):
    """A metric as promised to its readers."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The family's name as OpenMetrics and prometheus_client have it: without what a counter's samples end in."""
        return self.name.removesuffix("_total") if self.kind is Kind.COUNTER else self.name

    def metadata(self, *, openmetrics: bool) -> bytes:
        """The lines before the family's samples: the one thing in which the formats differ."""
        name, text = self.name, self.help.replace("\\", r"\\").replace("\n", r"\n")
        if openmetrics:
            name, text = self.family, text.replace('"', r"\"")
        return f"# HELP {name} {text}\n# TYPE {name} {self.kind}\n".encode()


_SERIES: Final = ("outcome", "status", "code", "reason_code", "reason_class")
_POLLED: Final = "as of the last poll of the bank, not of the scrape"

OPERATIONS: Final = Definition(
    "epay_operations_total",
    Kind.COUNTER,
    f"Operations counted once each, when first seen final or given up as pending; {_POLLED}.",
    ("terminal", *_SERIES),
)
OPERATIONS_AMOUNT: Final = Definition(
    "epay_operations_amount_total",
    Kind.COUNTER,
    f"Sum of the amounts of the operations in epay_operations_total, in major units of the currency; {_POLLED}.",
    ("terminal", *_SERIES, "currency"),
)
OPERATION_AMOUNT: Final = Definition(
    "epay_operation_amount",
    Kind.HISTOGRAM,
    f"Distribution of the amounts of the counted operations, in major units of the currency; {_POLLED}.",
    ("terminal", "outcome", "currency"),
)
WINDOW_OPERATIONS: Final = Definition(
    "epay_window_operations",
    Kind.GAUGE,
    "Operations in the sliding window by their own time, with their status as last seen; the window ends at the last "
    "poll of the bank, not at the scrape, and is absent when polls have failed for three intervals.",
    ("terminal", "window", *_SERIES),
)
WINDOW_AMOUNT: Final = Definition(
    "epay_window_amount",
    Kind.GAUGE,
    "Sum of the amounts of the operations in the sliding window, in major units of the currency; the window ends at "
    "the last poll of the bank, not at the scrape.",
    ("terminal", "window", *_SERIES, "currency"),
)
WINDOW_AMOUNT_MAX: Final = Definition(
    "epay_window_amount_max",
    Kind.GAUGE,
    "Largest amount of one operation in the sliding window, in major units of the currency; the window ends at the "
    "last poll of the bank, not at the scrape.",
    ("terminal", "window", "outcome", "currency"),
)
WINDOW_BREAKDOWN_OPERATIONS: Final = Definition(
    "epay_window_breakdown_operations",
    Kind.GAUGE,
    "Operations in the sliding window by one dimension of the configured breakdowns, whose value is unknown where the "
    "record has none, and other beyond the limit; the window ends at the last poll of the bank, not at the scrape.",
    ("terminal", "window", "dimension", "value", "outcome", "reason_class"),
)
WINDOW_FAILURE_RATIO: Final = Definition(
    "epay_window_failure_ratio",
    Kind.GAUGE,
    "Failures by successes and failures in the sliding window, NaN where there were none of either; the window ends "
    "at the last poll of the bank, not at the scrape.",
    ("terminal", "window"),
)
WINDOW_FAILURE_RATIO_LOWER: Final = Definition(
    "epay_window_failure_ratio_lower",
    Kind.GAUGE,
    "Lower end of the 95 % Wilson interval of epay_window_failure_ratio: the failure ratio is at least this, however "
    "few operations it is made of; the window ends at the last poll of the bank, not at the scrape.",
    ("terminal", "window"),
)
PENDING_OPERATIONS: Final = Definition(
    "epay_pending_operations",
    Kind.GAUGE,
    f"Operations that are pending and followed to their end, whatever their age; {_POLLED}.",
    ("terminal",),
)
OLDEST_PENDING: Final = Definition(
    "epay_oldest_pending_timestamp_seconds",
    Kind.GAUGE,
    f"When the oldest pending operation was created, absent where nothing is pending; {_POLLED}.",
    ("terminal",),
)
LAST_OPERATION: Final = Definition(
    "epay_last_operation_timestamp_seconds",
    Kind.GAUGE,
    f"When the newest operation ever seen was created, absent where none was seen; {_POLLED}.",
    ("terminal",),
)
VISIBILITY_DELAY: Final = Definition(
    "epay_operation_visibility_delay_seconds",
    Kind.HISTOGRAM,
    f"Time from the creation of an operation to the poll that first saw it, poll interval included; {_POLLED}.",
    ("account",),
)
FINALIZATION: Final = Definition(
    "epay_operation_finalization_seconds",
    Kind.HISTOGRAM,
    f"Time from the creation of an operation to the poll that first saw it final, poll interval included; {_POLLED}.",
    ("terminal",),
)
_SAME_TIME: Final = "the median of the same time of the past weeks"
EXPECTED_OPERATIONS: Final = Definition(
    "epay_expected_operations",
    Kind.GAUGE,
    f"Operations, of any outcome, that the sliding window should hold: {_SAME_TIME}; for the window as of the last "
    "poll, absent with fewer than three of them, and when polls have failed for three intervals.",
    ("terminal", "window"),
)
EXPECTED_OPERATIONS_LOWER: Final = Definition(
    "epay_expected_operations_lower",
    Kind.GAUGE,
    "Fewer operations than this in the sliding window are out of the ordinary; above 0 where 20 or more are expected, "
    "so that a total stop is below it. For the window as of the last poll; absent as epay_expected_operations is.",
    ("terminal", "window"),
)
EXPECTED_OPERATIONS_UPPER: Final = Definition(
    "epay_expected_operations_upper",
    Kind.GAUGE,
    "More operations than this in the sliding window are out of the ordinary; for the window as of the last poll, "
    "absent as epay_expected_operations is.",
    ("terminal", "window"),
)
EXPECTED_AMOUNT: Final = Definition(
    "epay_expected_amount",
    Kind.GAUGE,
    f"What the successes in the sliding window should come to, in major units of the currency: {_SAME_TIME}; for the "
    "window as of the last poll, absent as epay_expected_operations is.",
    ("terminal", "window", "currency"),
)
EXPECTED_AMOUNT_LOWER: Final = Definition(
    "epay_expected_amount_lower",
    Kind.GAUGE,
    "Less than this in the sliding window is out of the ordinary, in major units of the currency; for the window as of "
    "the last poll, absent as epay_expected_operations is.",
    ("terminal", "window", "currency"),
)
EXPECTED_AMOUNT_UPPER: Final = Definition(
    "epay_expected_amount_upper",
    Kind.GAUGE,
    "More than this in the sliding window is out of the ordinary, in major units of the currency; for the window as of "
    "the last poll, absent as epay_expected_operations is.",
    ("terminal", "window", "currency"),
)
BASELINE_WEEKS: Final = Definition(
    "epay_baseline_weeks",
    Kind.GAUGE,
    f"How many past weeks are known at this time of the week; with fewer than three nothing is expected; {_POLLED}.",
    ("terminal",),
)
USUAL_GAP: Final = Definition(
    "epay_usual_gap_seconds",
    Kind.GAUGE,
    "The longest time without an operation in a usual week (the median over the past weeks), to a quarter of an hour; "
    "read from the bank's history, absent with fewer than three weeks.",
    ("terminal",),
)
ACTIVE_DAYS: Final = Definition(
    "epay_active_days",
    Kind.GAUGE,
    "On how many of the last seven closed days (UTC+5) the terminal had an operation; read from the bank's history.",
    ("terminal",),
)
TERMINAL_INFO: Final = Definition(
    "epay_terminal_info",
    Kind.GAUGE,
    "Always 1: the terminal's id at the bank, its account and its configured labels, to be joined on terminal.",
    ("terminal", "terminal_id", "account"),
)
POLL_SUCCESS: Final = Definition(
    "epay_poll_success",
    Kind.GAUGE,
    "Whether the last poll of the bank has read this terminal (1) or failed to (0); says nothing of the scrape.",
    ("terminal",),
)
LAST_POLL_SUCCESS: Final = Definition(
    "epay_last_poll_success_timestamp_seconds",
    Kind.GAUGE,
    "When this terminal was last read from the bank; the age of all its other values.",
    ("terminal",),
)
WATERMARK: Final = Definition(
    "epay_watermark_timestamp_seconds",
    Kind.GAUGE,
    f"Everything created before it has been read completely; never goes back; {_POLLED}.",
    ("terminal",),
)
CATCHING_UP: Final = Definition(
    "epay_catching_up",
    Kind.GAUGE,
    f"Whether a gap, as after an outage, is still being read (1) or not (0); {_POLLED}.",
    ("terminal",),
)
WINDOW_COMPLETE: Final = Definition(
    "epay_window_complete",
    Kind.GAUGE,
    "Whether the sliding windows hold every operation that the bank counts (1), or some are missing, or polls have "
    f"failed for three intervals and the windows are withdrawn (0); {_POLLED}.",
    ("terminal",),
)
COUNTING_SINCE: Final = Definition(
    "epay_counting_since_timestamp_seconds",
    Kind.GAUGE,
    "Operations created before it are in no counter; fixed at the first start on a state, not moved by restarts.",
    ("terminal",),
)
RECORDS: Final = Definition(
    "epay_records_total",
    Kind.COUNTER,
    "Records received from the bank: new, repeated (seen before), late (new, but after a later one), changed (another "
    f"status than before), rejected (unreadable), foreign (of no configured terminal); {_POLLED}.",
    ("account", "kind"),
)
REJECTED_RECORDS: Final = Definition(
    "epay_rejected_records_total",
    Kind.COUNTER,
    f"Records that could not be read and are in no other metric, by reason; {_POLLED}.",
    ("account", "reason"),
)
STATUS_CHANGES: Final = Definition(
    "epay_status_changes_total",
    Kind.COUNTER,
    "Operations whose status or outcome changed after they had been counted as final; the counters are not corrected; "
    f"{_POLLED}.",
    ("terminal", "from_outcome", "to_outcome"),
)
GAP: Final = Definition(
    "epay_gap_seconds_total",
    Kind.COUNTER,
    "Time whose operations are in no counter, because it lay further back than max_gap when polls of the bank went on "
    f"after an outage; {_POLLED}.",
    ("terminal",),
)
RECONCILIATION_OPERATIONS: Final = Definition(
    "epay_reconciliation_difference_operations",
    Kind.GAUGE,
    "Operations that the bank listed of the closed hours read again, beyond those that had been counted (negative: it "
    "listed fewer); what was missed has then been counted as late. As of the hourly reconciliation, not of a poll.",
    ("terminal",),
)
RECONCILIATION_AMOUNT: Final = Definition(
    "epay_reconciliation_difference_amount",
    Kind.GAUGE,
    "The same difference as an amount, in major units of the currency; absent where the amounts agree. As of the last "
    "reconciliation, once an hour, not of a poll.",
    ("terminal", "currency"),
)
UNKNOWN_CODES: Final = Definition(
    "epay_unknown_codes_total",
    Kind.COUNTER,
    f"Operations with a code that no table names; {_POLLED}.",
    ("terminal",),
)
LABEL_OVERFLOW: Final = Definition(
    "epay_label_overflow_total",
    Kind.COUNTER,
    f"Operations shown under code other, because the terminal has more codes than the limit allows; {_POLLED}.",
    ("terminal",),
)
ALERT_THRESHOLD: Final = Definition(
    "epay_alert_threshold",
    Kind.GAUGE,
    "A setting of a shipped alert rule, as configured for this terminal; absent where the alert is switched off. "
    "Not of a poll of the bank: there from the start.",
    ("terminal", "alert", "severity"),
)
CALENDAR_ACTIVE: Final = Definition(
    "epay_calendar_active",
    Kind.GAUGE,
    "Whether a configured holiday or maintenance is going on for this terminal (1) or not (0). As of the scrape, not "
    "of a poll of the bank.",
    ("terminal", "kind"),
)
DUPLICATES: Final = Definition(
    "epay_duplicate_operations_total",
    Kind.COUNTER,
    "Operations of any outcome that repeat another one: same sender, receiver, amount and currency, created within a "
    f"minute of it, another id; counted when first seen, final or not; {_POLLED}.",
    ("terminal",),
)

CATALOGUE: Final[tuple[Definition, ...]] = tuple(value for value in globals().values() if isinstance(value, Definition))
