"""Overview: where the on-call lands. Is anything wrong, at which terminal, since when, whose is it, and how much money."""

from typing import Final

from grafana_foundation_sdk.builders import table

from grafana.source import looks, shared
from grafana.source.frame import Board, terminals, url
from grafana.source.headline import headline
from grafana.source.layout import Line, Section
from grafana.source.looks import SHARE, TENGE, setting
from grafana.source.panels import graph, listing, states
from grafana.source.queries import (
    TERMINAL,
    TROUBLE,
    alerts,
    amount,
    expected,
    expected_amount,
    finals,
    operations,
    query,
    rows,
    successes,
    trouble,
)

_FIRING: Final = alerts(everywhere=False)
_CRITICAL: Final = alerts(more='severity="critical"', everywhere=False)
_STATE: Final = f"""3 * group by (terminal) ({_CRITICAL})
or on (terminal) 4 * group by (terminal) (epay_poll_success{{{TERMINAL}}} == 0)
or on (terminal) 2 * group by (terminal) ({_FIRING})
or on (terminal) 1 * group by (terminal) (epay_calendar_active{{kind="maintenance", {TERMINAL}}} == 1)
or on (terminal) 0 * group by (terminal) (epay_terminal_info{{{TERMINAL}}})"""


def _terminals() -> table.Panel:
    now, wanted = operations("1h"), expected("1h")
    paid, usual = amount("1h"), expected_amount("1h")
    worst = f'sum by (terminal, reason_code) (epay_window_operations{{window="15m", outcome="failure", {TROUBLE}, {TERMINAL}}})'
    lost = f'sum by (terminal) (epay_window_amount{{window="1h", outcome="failure", {TROUBLE}, currency="KZT", {TERMINAL}}})'
    since = f"min by (terminal) (ALERTS_FOR_STATE and ignoring (alertstate) {_FIRING}) * 1000"
    asked = {
        "State": _STATE,
        "Since": since,
        "of them": f"topk by (terminal) (1, {worst} > 0)",
        "System 15m": f"({trouble('15m')} or on (terminal) 0 * {finals('15m')}) / on (terminal) ({finals('15m')} > 0)",
        "₸ failed 1h": f"{lost} or on (terminal) 0 * {finals('1h')}",
        "Success 1h": f"{successes('1h')} / ({finals('1h')} > 0)",
        "Ops 1h": now,
        "of usual": f"({now} or on (terminal) 0 * {wanted}) / on (terminal) {wanted}",
        "₸ in 1h": paid,
        "₸ missing": f"clamp_min({usual} - ({paid} or on (terminal) 0 * {usual}), 0)",
        "Pending": f"time() - min by (terminal) (epay_oldest_pending_timestamp_seconds{{{TERMINAL}}})",
    }
    percent = [setting("unit", SHARE), setting("decimals", 0)]
    money = [setting("unit", TENGE), setting("decimals", 0), setting("custom.width", 108)]
    columns = {
        "Terminal": [
            setting("custom.width", 112),
            setting("links", [{"title": "the terminal", "url": url("epay-terminal", terminal="${__value.raw}")}]),
        ],
        "State": [
            setting("custom.width", 86),
            setting("custom.cellOptions", {"type": "color-background"}),
            looks.mapped(looks.STATE),
        ],
        "Since": [setting("custom.width", 120), setting("unit", "dateTimeFromNow")],
        "Worst code, 15m": [setting("custom.minWidth", 248), setting("unit", "string"), looks.mapped(shared.CODES)],
        "System 15m": [setting("custom.width", 94), setting("unit", SHARE), setting("decimals", 1)],
        "₸ failed 1h": money,
        "Success 1h": [setting("custom.width", 96), *percent],
        "Ops 1h": [setting("custom.width", 78)],
        "of usual": [setting("custom.width", 78), *percent],
        "₸ in 1h": money,
        "₸ missing": money,
        "Pending": [setting("custom.width", 86), setting("unit", looks.SECONDS), setting("decimals", 0)],
    }
    refs = dict(zip(asked, "ABCDEFGHIJK", strict=True))
    return listing(
        "Terminals",
        "Every terminal: its state (critical or warning: an alert fires, since when; not read: polls fail); of the failures "
        "that are not the customers' but the bank's, an issuer's or ours the most frequent code and the share of finals; tenge that failed so; "
        "operations of 1h by what is usual at this time; tenge of 1h, and how many fewer than usual; age of the oldest pending. The name leads to the terminal.",
        [rows(refs[name], expression) for name, expression in asked.items()],
        columns,
        {"terminal": "Terminal", "reason_code": "Worst code, 15m"}
        | {f"Value #{ref}": name for name, ref in refs.items() if ref != "C"},
        sort=("State", True),
        nothing="no terminal is known: is the exporter scraped?",
        hidden=("Value #C",),
    )


def board() -> Board:
    """The dashboard."""
    top = headline()
    complete = f"min by (terminal) (epay_window_complete{{{TERMINAL}}})"
    by_terminal = (
        f'sum by (terminal) (epay_window_amount{{window="1h", outcome="success", currency="KZT", {TERMINAL}}})'
    )
    first = Section(
        "",
        [
            Line(
                3,
                [
                    (4, top["alerts"]),
                    (3, top["trouble"]),
                    (3, top["success"]),
                    (3, top["volume"]),
                    (3, top["turnover"]),
                    (3, top["pending"]),
                    (2, top["age"]),
                    (3, top["up"]),
                ],
            ),
            Line(8, [(24, _terminals())]),
            Line(
                5,
                [
                    (6, shared.volume("Operations, 1h", "1h")),
                    (6, shared.turnover("Tenge, 1h")),
                    (12, shared.active_alerts("Active alerts")),
                ],
            ),
        ],
    )
    wrong = Section(
        "What goes wrong, and whose it is",
        [
            Line(
                8,
                [
                    (12, shared.trouble_share("Failures that are not the customers', 15m")),
                    (12, shared.parties("Failures by whose they are, 15m")),
                ],
            ),
            Line(6, [(24, shared.alerts_over_time("Alerts over time"))]),
        ],
    )
    pending = graph(
        "Pending operations",
        "Operations that are pending and followed to their end, a line a terminal.",
        [query("A", f"max by (terminal) (epay_pending_operations{{{TERMINAL}}})", "{{terminal}}")],
        looks.COUNT,
        soft_most=5,
        decimals=0,
    )
    money = Section(
        "Money and what hangs",
        [
            Line(
                7,
                [
                    (
                        8,
                        graph(
                            "Tenge through per hour, by terminal",
                            "Tenge of the successful operations in the sliding window of 1h.",
                            [query("A", by_terminal, "{{terminal}}")],
                            looks.TENGE_AXIS,
                            soft_most=100_000,
                            stacked=True,
                        ),
                    ),
                    (8, shared.oldest_pending("Oldest pending")),
                    (8, pending),
                ],
            )
        ],
    )
    data = Section(
        "Can it be believed",
        [
            Line(
                7,
                [
                    (12, shared.age("Age of the data")),
                    (
                        12,
                        states(
                            "Windows complete",
                            "Whether the windows hold every operation that the bank counts; while they do not, or while "
                            "polls fail, business alerts are silent and the alerts on polling speak.",
                            [query("A", complete, "{{terminal}}")],
                            {"0": ("incomplete", looks.VERMILLION), "1": ("complete", looks.GREEN)},
                        ),
                    ),
                ],
            )
        ],
    )
    return Board(
        "epay-overview",
        "ePay: Overview",
        "Card-to-card transfers at Halyk Bank's ePay: is anything wrong, where, since when, whose is it, how much money.",
        [first, wrong, money, data],
        [terminals()],
    )
