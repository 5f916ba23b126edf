"""Amounts and integrity: how much money, how it is distributed, and whether money and numbers can be trusted."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries

from grafana.source import looks, money, shared
from grafana.source.failures import CLASS_COLORS
from grafana.source.frame import Board, terminals
from grafana.source.headline import headline
from grafana.source.layout import Line, Section
from grafana.source.looks import SHARE, TENGE, colored, setting
from grafana.source.panels import graph, listing, number
from grafana.source.queries import TERMINAL, TROUBLE, instant, query, rows, threshold

_TAKEN_BACK: Final = f'epay_status_changes_total{{from_outcome="success", to_outcome!="success", {TERMINAL}}}'
_LEVELS: Final = shared.LEVELS


def _duplicates() -> timeseries.Panel:
    asked = [
        query("A", f"sum by (terminal) (increase(epay_duplicate_operations_total{{{TERMINAL}}}[15m]))", "{{terminal}}"),
        query("T", threshold("duplicate_transfers", "critical|warning"), "{{severity}} level"),
    ]
    text = (
        "Operations of 15m with the sender, receiver, amount and currency of another one less than a minute before: customers "
        "may have paid twice. Dashed: the levels of EpayDuplicateTransfers."
    )
    return graph("Duplicates, 15m", text, asked, looks.COUNT, soft_most=4, decimals=0, looking=_LEVELS)


def _reversals() -> timeseries.Panel:
    successes = f'sum by (terminal) (increase(epay_operations_total{{outcome="success", {TERMINAL}}}[1h]))'
    asked = [
        query("A", f"sum by (terminal) (increase({_TAKEN_BACK}[1h])) / ({successes} > 0)", "{{terminal}}"),
        query("T", threshold("reversal_surge", "warning"), "{{severity}} level"),
    ]
    text = (
        "Operations counted as successes that changed to something else within 1h, by the successes of 1h; counters are not "
        "corrected. Dashed: the level of EpayReversalSurge."
    )
    return graph("Reversals of successes, 1h", text, asked, SHARE, soft_most=0.06, looking=_LEVELS)


def _reconciliation() -> timeseries.Panel:
    asked = [query("A", f"max by (terminal) (epay_reconciliation_difference_operations{{{TERMINAL}}})", "{{terminal}}")]
    text = (
        "Operations that the bank listed of the closed hours read again, beyond those that had been counted; below 0 it listed "
        "fewer. Anything but 0 is EpayReconciliationMismatch; once an hour."
    )
    return graph("Reconciliation, operations", text, asked, looks.COUNT, least=None, soft_most=1, decimals=0)


def _reconciliation_amounts() -> table.Panel:
    return listing(
        "Reconciliation, amounts that differ",
        "The same difference as an amount, in the currency's major units; a currency is here only where the amounts differ.",
        [rows("A", f"sum by (terminal, currency) (epay_reconciliation_difference_amount{{{TERMINAL}}})")],
        {"Terminal": [], "Currency": [], "Difference": [setting("decimals", 2), setting("min", None)]},
        {"terminal": "Terminal", "currency": "Currency", "Value": "Difference"},
        nothing="no amount differs",
    )


def _changes() -> table.Panel:
    return listing(
        "Statuses that changed after they were final, 24h",
        "Operations of 24h by the outcome they were counted with and the one the bank says now; the counters keep the first.",
        [
            rows(
                "A",
                f"sum by (terminal, from_outcome, to_outcome) (increase(epay_status_changes_total{{{TERMINAL}}}[1d])) > 0",
            )
        ],
        {"Terminal": [], "Counted as": [], "Is now": [], "Operations": [setting("decimals", 0)]},
        {"terminal": "Terminal", "from_outcome": "Counted as", "to_outcome": "Is now", "Value": "Operations"},
        sort=("Operations", True),
        nothing="none changed",
    )


def _currencies() -> table.Panel:
    condition = f'window="1h", outcome="success", {TERMINAL}'
    two = [setting("decimals", 2), setting("custom.width", 130)]
    return listing(
        "Money through by currency, 1h",
        "Successes of 1h in each currency, in its major units: sum, largest operation, and what the same time of past weeks "
        "leads to expect. Currencies are never added up.",
        [
            rows("A", f"sum by (terminal, currency) (epay_window_amount{{{condition}}})"),
            rows("B", f"max by (terminal, currency) (epay_window_amount_max{{{condition}}})"),
            rows("C", f'max by (terminal, currency) (epay_expected_amount{{window="1h", {TERMINAL}}})'),
        ],
        {"Terminal": [], "Currency": [setting("custom.width", 90)], "Sum": two, "Largest": two, "Expected": two},
        {
            "terminal": "Terminal",
            "currency": "Currency",
            "Value #A": "Sum",
            "Value #B": "Largest",
            "Value #C": "Expected",
        },
        sort=("Sum", True),
        nothing="nothing got through",
    )


def _by_outcome() -> timeseries.Panel:
    asked = [
        query(
            "A",
            f'sum by (outcome) (epay_window_amount{{window="1h", currency="KZT", {TERMINAL}}})',
            "{{outcome}}",
        )
    ]
    looking = {name: [colored(color)] for name, color in looks.OUTCOMES.items()}
    text = "Tenge of the operations in the sliding window of 1h by outcome, with their status as last seen."
    return graph(
        "Tenge by outcome, 1h",
        text,
        asked,
        looks.TENGE_AXIS,
        soft_most=100_000,
        stacked=True,
        looking=looking,
    )


def _unknown() -> timeseries.Panel:
    asked = [
        query(
            "A",
            f'sum by (terminal) (increase(epay_operations_total{{outcome="unknown", {TERMINAL}}}[30m]))'
            f" or on (terminal) 0 * max by (terminal) (epay_poll_success{{{TERMINAL}}})",
            "{{terminal}}",
        ),
        query("T", threshold("unknown_status", "warning"), "{{severity}} level"),
    ]
    text = (
        "Operations of 30m whose status no table names, so that nobody knows how they ended. Dashed: EpayUnknownStatus."
    )
    return graph("Unknown statuses, 30m", text, asked, looks.COUNT, soft_most=2, decimals=0, looking=_LEVELS)


def _lost() -> timeseries.Panel:
    lost = f'sum by (reason_class) (epay_window_amount{{window="1h", outcome="failure", {TROUBLE}, currency="KZT", {TERMINAL}}})'
    text = "Tenge of the operations of 1h that failed for reasons that are not the customers', by class."
    return graph(
        "Tenge failed, not the customers', 1h",
        text,
        [query("A", lost, "{{reason_class}}")],
        looks.TENGE_AXIS,
        soft_most=10_000,
        stacked=True,
        looking={name: [colored(color)] for name, color in CLASS_COLORS.items()},
    )


def _numbers() -> list[tuple[int, stat.Panel]]:
    top = headline()
    good: Sequence[looks.Step] = ((None, looks.GREEN), (1, looks.ORANGE))
    plain: Sequence[looks.Step] = ((None, looks.SKY),)
    success = f'outcome="success", currency="KZT", {TERMINAL}'
    mean = f"sum(increase(epay_operation_amount_sum{{{success}}}[1h])) / sum(increase(epay_operation_amount_count{{{success}}}[1h]))"
    found = [
        (
            "Mean, 1h",
            "Mean amount of the successes of 1h, as the counters grew.",
            mean,
            TENGE,
            plain,
        ),
        (
            "Largest, 1h",
            "The largest successful operation of the sliding window of 1h.",
            f'max(epay_window_amount_max{{window="1h", {success}}})',
            TENGE,
            plain,
        ),
        (
            "Duplicates",
            "Operations of 24h that repeat another one within a minute.",
            f"sum(increase(epay_duplicate_operations_total{{{TERMINAL}}}[1d]))",
            looks.COUNT,
            good,
        ),
        (
            "Reversed",
            "Operations counted as successes that changed to something else within 24h.",
            f"sum(increase({_TAKEN_BACK}[1d])) or 0 * sum(epay_poll_success{{{TERMINAL}}})",
            looks.COUNT,
            good,
        ),
        (
            "Mismatch",
            "By how many operations the bank's closed hours differ from what was counted, over the selected terminals.",
            f"sum(abs(max by (terminal) (epay_reconciliation_difference_operations{{{TERMINAL}}})))",
            looks.COUNT,
            good,
        ),
    ]
    panels = [
        (3, number(title, text, [instant("A", asked)], unit, levels, decimals=0))
        for title, text, asked, unit, levels in found
    ]
    return [(3, top["turnover"]), (3, top["turnover share"]), (3, top["lost"]), *panels]


def board() -> Board:
    """The dashboard."""
    return Board(
        "epay-amounts",
        "ePay: Amounts and integrity",
        "How much money gets through, how amounts are distributed, and whether money and numbers can be trusted.",
        [
            Section(
                "",
                [
                    Line(3, _numbers()),
                    Line(
                        7,
                        [
                            (12, shared.turnover("Tenge per hour, against expected")),
                            (12, money.spread("Distribution of amounts")),
                        ],
                    ),
                    Line(6, [(8, money.mean("Mean amount, 1h")), (8, _duplicates()), (8, _reconciliation())]),
                ],
            ),
            Section(
                "Amounts",
                [
                    Line(
                        8,
                        [
                            (8, money.largest("Largest operation, 1h")),
                            (8, money.quantiles("Quantiles of amounts, 1h")),
                            (8, _by_outcome()),
                        ],
                    ),
                    Line(7, [(12, _currencies()), (12, _lost())]),
                ],
            ),
            Section(
                "Integrity",
                [
                    Line(7, [(12, _reversals()), (12, _unknown())]),
                    Line(7, [(12, _changes()), (12, _reconciliation_amounts())]),
                ],
            ),
        ],
        [terminals()],
        "now-6h",
    )
