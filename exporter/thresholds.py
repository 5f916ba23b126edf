"""What the shipped alert rules can be told: every alert with a key, its settings, and their defaults.

Data, so that the configuration refuses what is not there, the exporter exposes the rest, and the rules and the
documents are held against it by tests.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Given = Mapping[str, Mapping[str, float] | None]
"""Key of an alert → setting → value, as a configuration gives them; None where the alert is switched off."""


class Unit(StrEnum):
    """What a setting's number counts."""

    SHARE = "share"
    TIMES = "times"
    OPERATIONS = "operations"
    SECONDS = "seconds"
    DAYS = "days"
    WEEKS = "weeks"
    KZT = "KZT"
    USD = "USD"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Setting:
    """One number of an alert. `most`: the largest that makes sense, where the unit does not say it."""

    name: str
    default: float
    unit: Unit
    meaning: str
    most: float = math.inf

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest value: nothing is negative, a share is no more than the whole."""
        match self.unit:
            case Unit.SHARE:
                return 0.0, min(self.most, 1.0)
            case Unit.ON:
                return 1.0, 1.0
            case _:
                return 0.0, self.most


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that can be tuned: `key` is its name in the configuration and in labels, `name` that of its rule.

    `order`: two settings that are levels of the same thing, the first of which must not lie above the second.
    """

    key: str
    name: str
    settings: tuple[Setting, ...]
    order: tuple[str, str] | None = None

    @property
    def defaults(self) -> dict[str, float]:
        """Setting → value, as shipped."""
        return {setting.name: setting.default for setting in self.settings}


_LEVELS: Final = ("warning", "critical")

_ALL: Final = (
    Alert(
        "failure_ratio",
        "EpayFailureRatioHigh",
        (
            Setting("warning", 0.08, Unit.SHARE, "failures of ours, the bank's or an issuer's by finals of 15m"),
            Setting("critical", 0.2, Unit.SHARE, "the same"),
            Setting("min_operations", 20, Unit.OPERATIONS, "finals in the window, at least"),
            Setting("min_failures", 5, Unit.OPERATIONS, "failures in the window, at least"),
        ),
        _LEVELS,
    ),
    Alert(
        "failure_ratio_anomalous",
        "EpayFailureRatioAnomalous",
        (
            Setting("warning", 3, Unit.TIMES, "the failure ratio by that of the last 7 days"),
            Setting("min_difference", 0.05, Unit.SHARE, "the failure ratio above that of 7 days, at least"),
            Setting("min_operations", 30, Unit.OPERATIONS, "finals in the window, at least"),
        ),
    ),
    Alert(
        "error_budget_burn",
        "EpayErrorBudgetBurn",
        (
            Setting("objective", 0.99, Unit.SHARE, "finals without a technical failure, as promised", most=0.99999),
            Setting("critical", 14.4, Unit.TIMES, "the budget's rate of use over 1h and 5m"),
            Setting("critical_slow", 6, Unit.TIMES, "over 6h and 30m"),
            Setting("warning", 3, Unit.TIMES, "over 1d and 2h"),
            Setting("warning_slow", 1, Unit.TIMES, "over 3d and 6h"),
            Setting("min_failures", 10, Unit.OPERATIONS, "failures in the longer window, at least"),
        ),
    ),
    Alert(
        "all_failing",
        "EpayAllFailing",
        (Setting("critical", 5, Unit.OPERATIONS, "failures in 10m without a success, at least"),),
    ),
    Alert(
        "terminal_silent",
        "EpayTerminalSilent",
        (Setting("critical", 10, Unit.OPERATIONS, "operations expected in 15m while none came, at least"),),
    ),
    Alert(
        "terminal_silent_long",
        "EpayTerminalSilentLong",
        (
            Setting("warning", 3, Unit.TIMES, "the silence by the longest that is usual"),
            Setting("min_active_days", 5, Unit.DAYS, "of the last 7 days, those with operations, at least", most=7),
        ),
    ),
    Alert(
        "volume_drop",
        "EpayVolumeDrop",
        (
            Setting("warning", 0.3, Unit.SHARE, "missing of the expected operations, and below the lower bound"),
            Setting("critical", 0.4, Unit.SHARE, "the same"),
            Setting("min_expected", 20, Unit.OPERATIONS, "expected operations of the window, at least"),
        ),
        _LEVELS,
    ),
    Alert(
        "volume_spike",
        "EpayVolumeSpike",
        (
            Setting("warning", 0.3, Unit.TIMES, "operations above the expected, by these, and above the upper bound"),
            Setting("critical", 1, Unit.TIMES, "the same"),
            Setting("min_operations", 20, Unit.OPERATIONS, "operations in the window, at least"),
        ),
        _LEVELS,
    ),
    Alert(
        "volume_drop_all",
        "EpayVolumeDropAll",
        (
            Setting("critical", 0.4, Unit.SHARE, "missing of all terminals' sum; the smallest of theirs counts"),
            Setting("min_expected", 20, Unit.OPERATIONS, "expected operations of all, at least"),
        ),
    ),
    Alert(
        "new_result_code",
        "EpayNewResultCode",
        (
            Setting("warning", 5, Unit.OPERATIONS, "operations in 30m with a code not seen for 7 days, at least"),
            Setting("info", 1, Unit.OPERATIONS, "the same, with a code of class unknown"),
        ),
    ),
    Alert(
        "result_code_surge",
        "EpayResultCodeSurge",
        (
            Setting("warning", 3, Unit.TIMES, "a code's share by that of the last 7 days"),
            Setting("critical", 3, Unit.TIMES, "the same of codes of technical, issuer_unavailable, configuration"),
            Setting("min_code_operations", 10, Unit.OPERATIONS, "operations with the code, at least"),
            Setting("min_operations", 30, Unit.OPERATIONS, "finals in the window, at least"),
        ),
    ),
    Alert(
        "issuer_outage",
        "EpayIssuerOutage",
        (
            Setting(
                "critical", 0.5, Unit.SHARE, "an issuer's operations of 15m that fail for its or technical reasons"
            ),
            Setting("max_others", 0.15, Unit.SHARE, "the same of all other issuers, at most"),
            Setting("min_operations", 15, Unit.OPERATIONS, "operations of the issuer, at least"),
        ),
        ("max_others", "critical"),
    ),
    Alert(
        "average_amount_shift",
        "EpayAverageAmountShift",
        (
            Setting("high", 1.6, Unit.TIMES, "the mean amount of 1h by that of 4 weeks, above"),
            Setting("low", 0.6, Unit.TIMES, "the same, below"),
            Setting("min_operations", 50, Unit.OPERATIONS, "operations on both sides, at least"),
        ),
        ("low", "high"),
    ),
    Alert(
        "amount_outlier",
        "EpayAmountOutlier",
        (
            Setting("warning", 5_000_000, Unit.KZT, "the amount of one successful operation"),
            Setting("warning_usd", 10_000, Unit.USD, "the same in dollars"),
        ),
    ),
    Alert(
        "success_amount_drop",
        "EpaySuccessAmountDrop",
        (
            Setting("warning", 0.4, Unit.SHARE, "missing of the expected amount of 1h, and below the lower bound"),
            Setting("min_operations", 30, Unit.OPERATIONS, "expected operations of the window and currency, at least"),
        ),
    ),
    Alert(
        "stuck_pending",
        "EpayStuckPending",
        (
            Setting("warning", 300, Unit.SECONDS, "the age of the oldest pending operation"),
            Setting("critical", 900, Unit.SECONDS, "the same"),
        ),
        _LEVELS,
    ),
    Alert(
        "pending_backlog",
        "EpayPendingBacklog",
        (
            Setting("warning", 3, Unit.TIMES, "pending operations by what is usual"),
            Setting("min_pending", 10, Unit.OPERATIONS, "pending operations, at least"),
        ),
    ),
    Alert(
        "duplicate_transfers",
        "EpayDuplicateTransfers",
        (
            Setting("warning", 1, Unit.OPERATIONS, "transfers in 15m that repeat another, at least"),
            Setting("critical", 3, Unit.OPERATIONS, "the same"),
        ),
        _LEVELS,
    ),
    Alert(
        "reversal_surge",
        "EpayReversalSurge",
        (
            Setting("warning", 0.05, Unit.SHARE, "reversals of 1h by successes of 1h"),
            Setting("min_operations", 30, Unit.OPERATIONS, "successes of 1h, at least"),
        ),
    ),
    Alert(
        "poll_failing",
        "EpayPollFailing",
        (
            Setting("warning", 300, Unit.SECONDS, "without a good poll"),
            Setting("critical", 600, Unit.SECONDS, "the same"),
        ),
        _LEVELS,
    ),
    Alert(
        "data_stale",
        "EpayDataStale",
        (Setting("critical", 300, Unit.SECONDS, "the age of the last good poll"),),
    ),
    Alert(
        "data_incomplete",
        "EpayDataIncomplete",
        (Setting("warning", 1, Unit.ON, "windows are not complete"),),
    ),
    Alert(
        "unknown_status",
        "EpayUnknownStatus",
        (Setting("warning", 1, Unit.OPERATIONS, "operations of outcome unknown in 30m, at least"),),
    ),
    Alert(
        "reconciliation_mismatch",
        "EpayReconciliationMismatch",
        (Setting("warning", 0, Unit.OPERATIONS, "the difference of the closed hours, in either direction, above"),),
    ),
    Alert(
        "baseline_missing",
        "EpayBaselineMissing",
        (
            Setting("warning", 3, Unit.WEEKS, "of baseline, fewer than"),
            Setting("min_age_days", 28, Unit.DAYS, "since counting began, at least"),
        ),
    ),
)

CATALOGUE: Final[Mapping[str, Alert]] = {alert.key: alert for alert in _ALL}
"""Every alert with a key, by its key."""


def in_force(alert: Alert, *layers: Given) -> dict[str, float] | None:
    """An alert's settings: the shipped ones, over them those of each layer; None where it is switched off.

    A layer that gives settings to an alert which an earlier one switched off gets it back, over the shipped values.
    """
    values: dict[str, float] | None = alert.defaults
    for layer in layers:
        given = layer.get(alert.key, {})
        if given is None:
            values = None
        elif alert.key in layer:
            values = (alert.defaults if values is None else values) | dict(given)
    return values
