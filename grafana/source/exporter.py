"""Exporter: itself, its way to the bank, and what it costs: what an alert on polling leads to."""

from typing import Final

from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries

from grafana.source import looks, process, shared
from grafana.source.frame import Board, accounts, terminals
from grafana.source.headline import headline
from grafana.source.layout import Line, Section
from grafana.source.looks import colored, dashed, setting
from grafana.source.panels import graph, listing, number, states
from grafana.source.queries import TERMINAL, instant, known, query, rows

_ACCOUNT: Final = 'account=~"$account"'
_JOB: Final = 'job=~".*epay.*"'
_GOOD: Final = {"success": [colored(looks.GREEN)]}


def _results(title: str, text: str, metric: str, labels: str, legend: str) -> timeseries.Panel:
    asked = [query("A", f"sum by ({labels}) (increase({metric}{{{_ACCOUNT}}}[$__rate_interval])) > 0", legend)]
    return graph(
        title,
        text,
        asked,
        looks.COUNT,
        soft_most=5,
        decimals=0,
        stacked=True,
        bars=True,
        looking={"/success/": [colored(looks.GREEN)]},
    )


def _quantiles(
    title: str, text: str, metric: str, labels: str = "", legend: str = "", unit: str = looks.SECONDS
) -> timeseries.Panel:
    by = f"le, {labels}" if labels else "le"
    asked = [
        query(
            ref,
            known(f"histogram_quantile({share}, sum by ({by}) (rate({metric}{{{_ACCOUNT}}}[$__rate_interval])))"),
            f"{name} {legend}".strip(),
        )
        for ref, share, name in (("A", 0.5, "half"), ("B", 0.95, "95 of 100"), ("C", 0.99, "99 of 100"))
    ]
    return graph(
        title,
        text,
        asked,
        unit,
        soft_most=1,
        looking={
            "/^half/": [colored(looks.BLUE)],
            "/^95/": [colored(looks.ORANGE)],
            "/^99/": [colored(looks.VERMILLION)],
        }
        if not legend
        else None,
    )


def _numbers() -> list[tuple[int, stat.Panel]]:
    top = headline()
    plain: list[looks.Step] = [(None, looks.SKY)]
    good = f'sum(increase(epay_polls_total{{result="success", {_ACCOUNT}}}[1h])) / sum(increase(epay_polls_total{{{_ACCOUNT}}}[1h]))'
    return [
        (3, top["up"]),
        (3, top["age"]),
        (
            3,
            number(
                "Good polls",
                "Share of the polls of 1h that read every terminal.",
                [instant("A", good)],
                looks.SHARE,
                ((None, looks.VERMILLION), (0.9, looks.ORANGE), (0.99, looks.GREEN)),
                most=1,
                decimals=1,
            ),
        ),
        (
            3,
            number(
                "Token left",
                "Time until the first of the bank's tokens in use runs out; it is renewed a minute before, or before its last tenth.",
                [instant("A", f"min(epay_token_expiry_timestamp_seconds{{{_ACCOUNT}}}) - time()")],
                looks.SECONDS,
                ((None, looks.VERMILLION), (60, looks.GREEN)),
                nothing="no login",
            ),
        ),
        (
            3,
            number(
                "Requests/h",
                "Requests to the bank in 1h, logins and retries included: what the exporter costs the bank.",
                [instant("A", f"sum(increase(epay_api_requests_total{{{_ACCOUNT}}}[1h]))")],
                looks.COUNT,
                plain,
                decimals=0,
            ),
        ),
        (
            3,
            number(
                "Settings",
                "Whether the last reading of the configuration was applied or refused.",
                [instant("A", f"min(epay_config_last_reload_successful{{{_JOB}}})")],
                "none",
                most=1,
                values={"0": ("refused", looks.VERMILLION), "1": ("in use", looks.GREEN)},
            ),
        ),
        (
            3,
            number(
                "Series",
                "Samples of the last scrape; EpayCardinalityHigh speaks from 200,000.",
                [instant("A", f"sum(scrape_samples_scraped{{{_JOB}}})")],
                looks.COUNT,
                ((None, looks.GREEN), (200_000, looks.ORANGE)),
                decimals=0,
            ),
        ),
        (
            3,
            number(
                "Started",
                "When the exporter was started last.",
                [instant("A", f"1000 * max(process_start_time_seconds{{{_JOB}}})")],
                "dateTimeFromNow",
                plain,
            ),
        ),
    ]


def _watermark() -> timeseries.Panel:
    asked = [
        query(
            "A",
            f"time() - max by (terminal) (epay_watermark_timestamp_seconds{{{TERMINAL}}})",
            "{{terminal}} read until",
        ),
    ]
    text = "How far behind now the watermark is, before which everything has been read completely; grows while a gap is caught up."
    return graph("Watermark behind now", text, asked, looks.SECONDS, soft_most=60)


def _completeness(title: str) -> statetimeline.Panel:
    asked = [
        query(
            "A",
            f"min by (terminal) (epay_window_complete{{{TERMINAL}}}) * (1 - max by (terminal) (epay_catching_up{{{TERMINAL}}}))",
            "{{terminal}}",
        ),
    ]
    text = "Whether the windows hold every operation that the bank counts and no gap is being read."
    return states(
        title, text, asked, {"0": ("incomplete or catching up", looks.VERMILLION), "1": ("complete", looks.GREEN)}
    )


def _logins() -> timeseries.Panel:
    asked = [query("A", f"sum by (result) (increase(epay_logins_total{{{_ACCOUNT}}}[1h]))", "{{result}}")]
    text = "Logins of 1h by how they ended. A few an hour are usual: a token lasts for two hours."
    return graph(
        "Logins, 1h",
        text,
        asked,
        looks.COUNT,
        soft_most=5,
        decimals=0,
        looking=_GOOD | {"refused": [colored(looks.VERMILLION)]},
    )


def _skew() -> timeseries.Panel:
    asked = [
        query("A", f"max by (account) (epay_clock_skew_seconds{{{_ACCOUNT}}})", "{{account}}"),
        query("B", "vector(30)", "warning level"),
        query("C", "vector(-30)", "warning level, behind"),
    ]
    text = "The bank's clock minus ours, good to a second; dashed: EpayClockSkew, the same for all accounts."
    made = graph(
        "Clock skew", text, asked, looks.SECONDS, least=None, soft_most=5, looking={"/level/": dashed(looks.ORANGE)}
    )
    return made.axis_soft_min(-5)


def _records() -> timeseries.Panel:
    asked = [
        query("A", f"sum by (kind) (increase(epay_records_total{{{_ACCOUNT}}}[$__rate_interval])) > 0", "{{kind}}")
    ]
    text = (
        "Records received from the bank: new, repeated (every sweep reads the lookback again), late, changed, rejected "
        "(unreadable), foreign (of no configured terminal)."
    )
    looking = {
        "new": [colored(looks.GREEN)],
        "repeated": [colored(looks.GREY)],
        "late": [colored(looks.YELLOW)],
        "changed": [colored(looks.SKY)],
        "rejected": [colored(looks.VERMILLION)],
        "foreign": [colored(looks.PURPLE)],
    }
    return graph("Records by kind", text, asked, looks.COUNT, soft_most=10, decimals=0, stacked=True, looking=looking)


def _cost() -> timeseries.Panel:
    requests = f"sum(increase(epay_api_requests_total{{{_ACCOUNT}}}[1h]))"
    records = f'sum(increase(epay_records_total{{kind="new", {_ACCOUNT}}}[1h]))'
    asked = [query("A", requests, "requests"), query("B", records, "new operations")]
    text = "Requests to the bank in 1h, beside the operations that they brought: what the exporter costs the bank, and for what."
    looking = {"requests": [colored(looks.BLUE)], "new operations": [colored(looks.GREEN)]}
    return graph("Cost, 1h", text, asked, looks.COUNT, soft_most=100, decimals=0, looking=looking)


def _rejected() -> table.Panel:
    return listing(
        "Rejected records, 24h",
        "Records of 24h that could not be read and are in no other number, by reason.",
        [rows("A", f"sum by (account, reason) (increase(epay_rejected_records_total{{{_ACCOUNT}}}[1d])) > 0")],
        {"Account": [], "Reason": [], "Records": [setting("decimals", 0)]},
        {"account": "Account", "reason": "Reason", "Value": "Records"},
        sort=("Records", True),
        nothing="none rejected",
    )


def _terminals() -> table.Panel:
    return listing(
        "Terminals as configured",
        "Every terminal with its id at the bank and its account, how many weeks of baseline it has, and since when it is counted.",
        [
            rows("A", f"max by (terminal, terminal_id, account) (epay_terminal_info{{{TERMINAL}, {_ACCOUNT}}})"),
            rows("B", f"max by (terminal) (epay_baseline_weeks{{{TERMINAL}}})"),
            rows("C", f"1000 * max by (terminal) (epay_counting_since_timestamp_seconds{{{TERMINAL}}})"),
            rows("D", f"max by (terminal) (epay_gap_seconds_total{{{TERMINAL}}})"),
        ],
        {
            "Terminal": [setting("custom.width", 106)],
            "Id": [setting("unit", "string"), setting("custom.width", 100)],
            "Account": [setting("custom.width", 100)],
            "Weeks": [setting("decimals", 0), setting("custom.width", 76)],
            "Counted since": [setting("unit", "dateTimeAsIso"), setting("custom.width", 170)],
            "Never read": [setting("custom.width", 100), setting("unit", looks.SECONDS), setting("decimals", 0)],
        },
        {
            "terminal": "Terminal",
            "terminal_id": "Id",
            "account": "Account",
            "Value #B": "Weeks",
            "Value #C": "Counted since",
            "Value #D": "Never read",
        },
        sort=("Terminal", False),
        nothing="no terminal is known: is the exporter scraped?",
        hidden=("Value #A",),
    )


def board() -> Board:
    """The dashboard."""
    progress = graph(
        "History read",
        "Share of baseline.history that has been read from the bank; until it is whole, expectations may be absent.",
        [query("A", f"max by (account) (epay_baseline_progress_ratio{{{_ACCOUNT}}})", "{{account}}")],
        looks.SHARE,
        most=1,
    )
    visibility = _quantiles(
        "Until an operation is seen",
        "Time from the creation of an operation to the poll that first saw it, poll interval included.",
        "epay_operation_visibility_delay_seconds_bucket",
    )
    return Board(
        "epay-exporter",
        "ePay: Exporter",
        "The exporter itself: polls, requests and their results, latency, logins, freshness, catching up, cost, series.",
        [
            Section(
                "",
                [
                    Line(3, _numbers()),
                    Line(
                        7,
                        [
                            (
                                8,
                                _results(
                                    "Polls by result",
                                    "Polls of the bank by how they ended: success, partial (some terminals failed), or the kind of the error.",
                                    "epay_polls_total",
                                    "result",
                                    "{{result}}",
                                ),
                            ),
                            (
                                8,
                                _results(
                                    "Requests by result",
                                    "Requests to the bank by how they ended, retries included.",
                                    "epay_api_requests_total",
                                    "endpoint, result",
                                    "{{endpoint}} {{result}}",
                                ),
                            ),
                            (8, shared.age("Age of the data")),
                        ],
                    ),
                    Line(
                        6,
                        [
                            (
                                8,
                                _quantiles(
                                    "Latency of requests",
                                    "How long requests for operations took, without the waiting for their turn.",
                                    "epay_api_request_duration_seconds_bucket",
                                ),
                            ),
                            (8, _logins()),
                            (8, _completeness("Complete, and not catching up")),
                        ],
                    ),
                ],
            ),
            Section(
                "Reading the bank",
                [
                    Line(
                        7,
                        [
                            (
                                8,
                                _quantiles(
                                    "Duration of polls",
                                    "How long polls took, from the first request to the commit.",
                                    "epay_poll_duration_seconds_bucket",
                                ),
                            ),
                            (8, visibility),
                            (8, _watermark()),
                        ],
                    ),
                    Line(7, [(8, _records()), (8, _cost()), (8, _skew())]),
                    Line(7, [(12, _terminals()), (6, progress), (6, _rejected())]),
                ],
            ),
            Section("The process", [Line(7, process.panels()), Line(4, [(24, process.versions())])]),
        ],
        [accounts(), terminals()],
    )
