"""What each alert looks at, as its rule has it: level, comparison, thresholds and conditions, for one terminal.

A test holds these against the rules: the recorded series and thresholds of each are the same. Every expression is joined
with the chosen alert's thresholds, so that all but the chosen one give nothing; so does one that is switched off.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

T: Final = 'terminal="$terminal"'
CURRENCIES: Final = ("KZT", "USD")
CODE: Final = "terminal, code, reason_code, reason_class"
_ISSUER: Final = "terminal, dimension, value"


class Guard(NamedTuple):
    """A condition besides the level: an expression, and the setting that it must be `sign` of."""

    name: str
    expression: str
    sign: str
    setting: str


class Level(NamedTuple):
    """An alert. `against`: how a setting becomes the line, with SETTING in its place; each of `settings` is a line.

    `also`: name and expression of what is drawn beside the level, because it is what changed.
    `legend`: the labels that tell the lines of several codes, issuers or currencies apart.
    """

    key: str
    shown: str
    expression: str
    sign: str
    settings: Sequence[str]
    guards: Sequence[Guard] = ()
    against: str = "SETTING"
    legend: str = ""
    usual: str = ""
    also: tuple[str, str] | None = None


def setting(key: str, name: str) -> str:
    """A setting of the alert for the chosen terminal, if it is the chosen alert."""
    return f'max by (terminal) (epay_alert_threshold{{alert="{key}", alert="$alert", severity="{name}", {T}}})'


def chosen(key: str, expression: str) -> str:
    """The expression if it is the chosen alert's, nothing otherwise."""
    return f'({expression}) and on () epay_alert_threshold{{alert="{key}", alert="$alert", {T}}}'


CAME: Final = (
    f'sum by (terminal) (epay_window_operations{{window="5m", {T}}}) '
    f'or on (terminal) 0 * max by (terminal) (epay_expected_operations{{window="15m", {T}}})'
)
SUCCEEDED: Final = f'sum by (terminal) (increase(epay_operations_total{{outcome="success", {T}}}[10m]))'
WINDOWS: Final = ("15m", "1h")
NOW: Final = f"max by (terminal, window) (terminal_window:epay_operations:now{{{T}}})"
EXPECTED: Final = f"max by (terminal, window) (terminal_window:epay_operations:expected{{{T}}})"
_FINALS: Final = f"terminal:epay_window_finals:15m{{{T}}}"
_AMOUNT_NOW: Final = f"terminal_currency:epay_success_amount:now{{{T}}}"

LEVELS: Final = (
    Level(
        "failure_ratio",
        "share that fails, 15m",
        f"terminal:epay_window_paging_failures:15m{{{T}}} / {_FINALS}",
        ">",
        ("warning", "critical"),
        (
            Guard("finals, 15m", _FINALS, ">=", "min_operations"),
            Guard("failures, 15m", f"terminal:epay_window_paging_failures:15m{{{T}}}", ">=", "min_failures"),
        ),
    ),
    Level(
        "failure_ratio_anomalous",
        "share that fails, at least (95 %)",
        f'max by (terminal) (epay_window_failure_ratio_lower{{window="15m", {T}}})',
        ">",
        ("warning",),
        (
            Guard("finals, 15m", _FINALS, ">=", "min_operations"),
            Guard("finals, 7d", f"terminal:epay_finals:increase7d{{{T}}}", ">=", "min_operations"),
            Guard(
                "above the ratio of 7 days by",
                f'max by (terminal) (epay_window_failure_ratio_lower{{window="15m", {T}}}) - terminal:epay_failure_ratio:7d{{{T}}}',
                ">",
                "min_difference",
            ),
        ),
        against=f"terminal:epay_failure_ratio:7d{{{T}}} * on (terminal) SETTING",
        usual=f"terminal:epay_failure_ratio:7d{{{T}}}",
    ),
    Level(
        "error_budget_burn",
        "burn rate, 1h",
        f"terminal:epay_error_budget_burn:1h{{{T}}}",
        ">",
        ("critical", "critical_slow", "warning", "warning_slow"),
        (
            Guard("burn rate, 5m (with 1h)", f"terminal:epay_error_budget_burn:5m{{{T}}}", ">", "critical"),
            Guard("burn rate, 6h", f"terminal:epay_error_budget_burn:6h{{{T}}}", ">", "critical_slow"),
            Guard("burn rate, 30m (with 6h)", f"terminal:epay_error_budget_burn:30m{{{T}}}", ">", "critical_slow"),
            Guard("burn rate, 1d", f"terminal:epay_error_budget_burn:1d{{{T}}}", ">", "warning"),
            Guard("burn rate, 2h (with 1d)", f"terminal:epay_error_budget_burn:2h{{{T}}}", ">", "warning"),
            Guard("burn rate, 3d", f"terminal:epay_error_budget_burn:3d{{{T}}}", ">", "warning_slow"),
            Guard("burn rate, 6h (with 3d)", f"terminal:epay_error_budget_burn:6h{{{T}}}", ">", "warning_slow"),
            Guard(
                "technical failures, 1h", f"terminal:epay_technical_failures:increase1h{{{T}}}", ">=", "min_failures"
            ),
        ),
    ),
    Level(
        "all_failing",
        "failures, 10m",
        f"terminal:epay_noncustomer_failures:increase10m{{{T}}}",
        ">=",
        ("critical",),
        also=("successes, 10m", SUCCEEDED),
    ),
    Level(
        "terminal_silent",
        "operations expected, 15m",
        f'max by (terminal) (epay_expected_operations{{window="15m", {T}}})',
        ">=",
        ("critical",),
        also=("operations, 5m", CAME),
    ),
    Level(
        "terminal_silent_long",
        "seconds since the last operation",
        f"time() - max by (terminal) (epay_last_operation_timestamp_seconds{{{T}}})",
        ">",
        ("warning",),
        (Guard("active days of 7", f"max by (terminal) (epay_active_days{{{T}}})", ">=", "min_active_days"),),
        against=f"max by (terminal) (epay_usual_gap_seconds{{{T}}}) * on (terminal) SETTING",
        usual=f"max by (terminal) (epay_usual_gap_seconds{{{T}}})",
    ),
    Level(
        "volume_drop",
        "share missing",
        f"1 - {NOW} / {EXPECTED}",
        ">",
        ("warning", "critical"),
        legend="{{window}}",
    ),
    Level(
        "volume_spike",
        "share too much",
        f"{NOW} / {EXPECTED} - 1",
        ">",
        ("warning", "critical"),
        legend="{{window}}",
    ),
    Level(
        "volume_drop_all",
        "share missing of all terminals",
        "1 - sum(terminal_window:epay_operations:now and terminal_window:epay_volume_drop_all:expected) / sum(terminal_window:epay_volume_drop_all:expected)",
        ">",
        ("critical",),
    ),
    Level(
        "new_result_code",
        "operations with a code new in 7 days, 30m",
        f"terminal_code:epay_operations:increase30m{{{T}}} unless on (terminal, code, reason_code) (terminal_code:epay_operations:increase7d{{{T}}} > 0)",
        ">=",
        ("warning", "info"),
        legend="{{reason_code}} ({{code}}) {{reason_class}}",
    ),
    Level(
        "result_code_surge",
        "failures with a code, times its share of 7 days",
        f"terminal_code:epay_window_failures:15m{{{T}}} / on ({CODE}) (terminal_code:epay_usual_failures:15m{{{T}}} > 0)",
        ">",
        ("warning", "critical"),
        (
            Guard(
                "failures with the most frequent code",
                f"max by (terminal) (terminal_code:epay_window_failures:15m{{{T}}})",
                ">=",
                "min_code_operations",
            ),
            Guard("finals, 15m", _FINALS, ">=", "min_operations"),
            Guard("finals, 7d", f"terminal:epay_finals:increase7d{{{T}}}", ">=", "min_operations"),
        ),
        legend="{{reason_code}} ({{code}}) {{reason_class}}",
    ),
    Level(
        "issuer_outage",
        "an issuer's share that fails, 15m",
        f'terminal_issuer:epay_window_failures:15m{{value!~"|other", {T}}} / terminal_issuer:epay_window_finals:15m{{{T}}}',
        ">",
        ("critical",),
        (
            Guard(
                "the busiest issuer's finals",
                f"max by (terminal) (terminal_issuer:epay_window_finals:15m{{{T}}})",
                ">=",
                "min_operations",
            ),
            Guard(
                "of others than the worst, share that fails",
                f"min by (terminal) (terminal_issuer:epay_window_other_failures:15m{{{T}}} / terminal_issuer:epay_window_other_finals:15m{{{T}}})",
                "<=",
                "max_others",
            ),
        ),
        legend="{{value}} ({{dimension}})",
    ),
    Level(
        "average_amount_shift",
        "mean of 1h by that of 4 weeks",
        f"terminal_currency:epay_average_amount:1h{{{T}}} / terminal_currency:epay_average_amount:4w{{{T}}}",
        ">",
        ("high", "low"),
        (
            Guard(
                "successes, 1h",
                f"max by (terminal) (terminal_currency:epay_successes:increase1h{{{T}}})",
                ">=",
                "min_operations",
            ),
            Guard(
                "successes, 4w",
                f"max by (terminal) (terminal_currency:epay_successes:increase4w{{{T}}})",
                ">=",
                "min_operations",
            ),
        ),
        legend="{{currency}}",
    ),
    Level(
        "amount_outlier",
        "largest operation, 1h",
        f'max by (terminal, currency) (epay_window_amount_max{{window="1h", outcome="success", {T}}})',
        ">",
        ("warning", "warning_usd"),
        legend="{{currency}}",
    ),
    Level(
        "success_amount_drop",
        "share of the amount missing",
        f'1 - {_AMOUNT_NOW} / max by (terminal, currency) (epay_expected_amount{{window="1h", {T}}})',
        ">",
        ("warning",),
        (
            Guard(
                "operations expected, 1h",
                f'max by (terminal) (epay_expected_operations{{window="1h", {T}}})',
                ">=",
                "min_operations",
            ),
        ),
        legend="{{currency}}",
    ),
    Level(
        "stuck_pending",
        "age of the oldest pending, seconds",
        f"time() - min by (terminal) (epay_oldest_pending_timestamp_seconds{{{T}}})",
        ">",
        ("warning", "critical"),
    ),
    Level(
        "pending_backlog",
        "pending operations",
        f"max by (terminal) (epay_pending_operations{{{T}}})",
        ">",
        ("warning",),
        (Guard("pending operations", f"max by (terminal) (epay_pending_operations{{{T}}})", ">=", "min_pending"),),
        against=f"terminal:epay_pending_operations:avg7d{{{T}}} * on (terminal) SETTING",
        usual=f"terminal:epay_pending_operations:avg7d{{{T}}}",
    ),
    Level(
        "duplicate_transfers",
        "duplicates, 15m",
        f"terminal:epay_duplicate_operations:increase15m{{{T}}}",
        ">=",
        ("warning", "critical"),
    ),
    Level(
        "reversal_surge",
        "share of successes taken back, 1h",
        f"terminal:epay_reversals:increase1h{{{T}}} / terminal:epay_successes:increase1h{{{T}}}",
        ">",
        ("warning",),
        (Guard("successes, 1h", f"terminal:epay_successes:increase1h{{{T}}}", ">=", "min_operations"),),
    ),
    Level(
        "poll_failing",
        "seconds without a good poll",
        f"terminal:epay_poll_failing:seconds{{{T}}} or on (terminal) 0 * max by (terminal) (epay_poll_success{{{T}}} == 1)",
        ">",
        ("warning", "critical"),
    ),
    Level(
        "data_stale",
        "age of the last good poll, seconds",
        f"time() - max by (terminal) (max_over_time(epay_last_poll_success_timestamp_seconds{{{T}}}[10m]))",
        ">",
        ("critical",),
    ),
    Level(
        "data_incomplete",
        "windows incomplete (1)",
        f"1 - max by (terminal) (epay_window_complete{{{T}}})",
        ">=",
        ("warning",),
    ),
    Level(
        "unknown_status",
        "operations of unknown outcome, 30m",
        f'sum by (terminal) (increase(epay_operations_total{{outcome="unknown", {T}}}[30m])) or on (terminal) 0 * max by (terminal) (epay_poll_success{{{T}}})',
        ">=",
        ("warning",),
    ),
    Level(
        "reconciliation_mismatch",
        "operations that differ",
        f"max by (terminal) (abs(epay_reconciliation_difference_operations{{{T}}}))",
        ">",
        ("warning",),
    ),
    Level(
        "baseline_missing",
        "weeks of baseline",
        f"max by (terminal) (epay_baseline_weeks{{{T}}}) or on (terminal) 0 * max by (terminal) (epay_counting_since_timestamp_seconds{{{T}}})",
        "<",
        ("warning",),
        (
            Guard(
                "days since counting began",
                f"(time() - max by (terminal) (epay_counting_since_timestamp_seconds{{{T}}})) / 86400",
                ">",
                "min_age_days",
            ),
        ),
    ),
)

ALL_SETTINGS: Final = sorted({name for level in LEVELS for name in level.settings})
"""Every setting that is a level of some alert."""
