"""Terminal: all of one terminal, or of several: what an alert on transfers leads to."""

from typing import Final

from grafana_foundation_sdk.builders import bargauge, timeseries

from grafana.source import failures, looks, money, shared
from grafana.source.frame import Board, terminals
from grafana.source.headline import headline
from grafana.source.layout import Line, Section
from grafana.source.looks import SHARE, colored
from grafana.source.panels import gauges, graph
from grafana.source.queries import TERMINAL, TROUBLE, instant, known, operations, query

_FINAL: Final = f"epay_operation_finalization_seconds_bucket{{{TERMINAL}}}"


def outcomes(title: str) -> timeseries.Panel:
    """What became of the operations."""
    asked = [
        query("A", f'sum by (outcome) (epay_window_operations{{window="15m", {TERMINAL}}})', "{{outcome}}"),
    ]
    text = "Operations in the sliding window of 15m by outcome, with their status as last seen; unknown: a status that no table names."
    looking = {name: [colored(color)] for name, color in looks.OUTCOMES.items()}
    return graph(title, text, asked, looks.COUNT, soft_most=10, decimals=0, stacked=True, looking=looking)


def technical_against_customers(title: str) -> timeseries.Panel:
    """Whether failures are ours to mend or the customers'."""
    finals = 'sum(epay_window_operations{window="15m", outcome=~"success|failure", terminal=~"$terminal"})'
    customers = operations("15m", f'outcome="failure", {TROUBLE.replace("=~", "!~")}', "outcome")
    ours = operations("15m", f'outcome="failure", {TROUBLE}', "outcome")
    asked = [
        query("A", known(f"sum({ours}) / {finals}"), "bank, issuer or us"),
        query("B", known(f"sum({customers}) / {finals}"), "customers (and unknown codes)"),
        query("C", known(f'max(epay_window_failure_ratio_lower{{window="15m", {TERMINAL}}})'), "all, at least (95 %)"),
    ]
    text = (
        "Share of the finals of 15m that failed: technical, issuer unavailable and configuration against everything else. "
        "Grey: what the failure ratio of the worst of the selected terminals is at least, however few operations there were."
    )
    looking = {
        "bank, issuer or us": [colored(looks.VERMILLION)],
        "customers (and unknown codes)": [colored(looks.SKY)],
        "all, at least (95 %)": [colored(looks.GREY)],
    }
    return graph(title, text, asked, SHARE, soft_most=0.25, looking=looking)


def code_bars(title: str) -> bargauge.Panel:
    """The codes of the hour, the most frequent first."""
    failed = f'sum by (reason_class, reason_code, code) (epay_window_operations{{window="1h", outcome="failure", {TERMINAL}}})'
    text = "The twelve most frequent reason codes of the failures of the sliding window of 1h, with their class."
    asked = [instant("A", f"sort_desc(topk(12, {failed} > 0))", "{{reason_code}} ({{code}}) {{reason_class}}")]
    return gauges(title, text, asked, looks.COUNT, ((None, looks.SKY),), decimals=0, nothing="no failure")


def codes_over_time(title: str) -> timeseries.Panel:
    """Which code came up when."""
    failed = f'sum by (reason_class, reason_code, code) (epay_window_operations{{window="15m", outcome="failure", {TERMINAL}}})'
    asked = [query("A", f"topk(10, {failed})", "{{reason_code}} ({{code}}) {{reason_class}}")]
    text = "Failures in the sliding window of 15m by reason code, at every moment the ten most frequent."
    return graph(title, text, asked, looks.COUNT, soft_most=5, decimals=0, stacked=True)


def finalization(title: str) -> timeseries.Panel:
    """How long it takes until an operation's end is known."""
    asked = [
        query(ref, known(f"histogram_quantile({share}, sum by (le) (increase({_FINAL}[1h])))"), name)
        for ref, share, name in (("A", 0.5, "half"), ("B", 0.95, "95 of 100"))
    ]
    text = "Time from the creation of an operation to the poll that first saw it final, over 1h; no shorter than a poll's interval."
    looking = {"half": [colored(looks.BLUE)], "95 of 100": [colored(looks.ORANGE)]}
    return graph(title, text, asked, looks.SECONDS, soft_most=30, looking=looking)


def pending(title: str) -> timeseries.Panel:
    """How many hang."""
    asked = [
        query("A", f"max by (terminal) (epay_pending_operations{{{TERMINAL}}})", "{{terminal}}"),
        query(
            "T",
            f'min by (alert) (epay_alert_threshold{{alert="pending_backlog", severity="min_pending", {TERMINAL}}})',
            "least for an alert",
        ),
    ]
    text = "Operations that are pending and followed to their end; dashed: from how many on EpayPendingBacklog looks at them."
    looking = {"least for an alert": looks.dashed(looks.ORANGE, 2)}
    return graph(title, text, asked, looks.COUNT, soft_most=12, decimals=0, looking=looking)


def board() -> Board:
    """The dashboard."""
    top = headline()
    first = Section(
        "",
        [
            Line(
                3,
                [
                    (3, top["alerts"]),
                    (3, top["trouble"]),
                    (3, top["last"]),
                    (3, top["volume"]),
                    (3, top["missing"]),
                    (3, top["lost"]),
                    (3, top["pending"]),
                    (3, top["age"]),
                ],
            ),
            Line(
                7,
                [
                    (14, shared.volume("Operations, 15m: now against past weeks", "15m", (1, 2, 3, 4))),
                    (10, shared.parties("Failures by whose they are, 15m")),
                ],
            ),
            Line(
                6,
                [
                    (13, shared.codes("Codes of the last 15m", "15m")),
                    (11, shared.active_alerts("Active alerts", narrow=True)),
                ],
            ),
        ],
    )
    sections = [
        first,
        Section(
            "Volume",
            [
                Line(
                    7,
                    [
                        (12, shared.volume("Operations, 1h: against expected", "1h")),
                        (12, shared.turnover("Tenge, 1h: against expected")),
                    ],
                ),
                Line(5, [(24, shared.alerts_over_time("Alerts over time"))]),
            ],
        ),
        Section(
            "Outcomes",
            [
                Line(
                    8,
                    [
                        (8, outcomes("Outcomes, 15m")),
                        (8, technical_against_customers("Technical against customers' failures, 15m")),
                        (8, shared.trouble_share("Failures that are not the customers', 15m")),
                    ],
                )
            ],
        ),
        Section(
            "Codes",
            [
                Line(
                    9,
                    [
                        (8, code_bars("Codes of the last hour")),
                        (10, codes_over_time("Codes over time, 15m")),
                        (6, failures.issuers("Issuers, share that fails, 15m")),
                    ],
                )
            ],
        ),
        Section(
            "Amounts",
            [
                Line(
                    8,
                    [
                        (8, money.mean("Mean amount, 1h")),
                        (8, money.spread("Distribution of amounts")),
                        (8, money.largest("Largest operation, 1h")),
                    ],
                )
            ],
        ),
        Section(
            "Pending",
            [
                Line(
                    7,
                    [
                        (8, pending("Pending operations")),
                        (8, shared.oldest_pending("Oldest pending")),
                        (8, finalization("Time to the end of an operation")),
                    ],
                )
            ],
        ),
    ]
    return Board(
        "epay-terminal",
        "ePay: Terminal",
        "One terminal, or several: volume against past weeks, outcomes, whose failures, codes, amounts, pending.",
        sections,
        [terminals()],
    )
