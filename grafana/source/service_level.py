"""Service level: what is promised, what is left of it, and how fast it goes."""

from typing import Final

from grafana_foundation_sdk.builders import table, timeseries

from grafana.source import looks, shared
from grafana.source.frame import Board, terminals, url
from grafana.source.layout import Line, Section
from grafana.source.looks import SHARE, setting
from grafana.source.panels import graph, listing, number, words
from grafana.source.queries import TERMINAL, instant, known, query, rows, threshold

_TECHNICAL: Final = f'epay_operations_total{{outcome="failure", reason_class="technical", {TERMINAL}}}'
_FINALS: Final = f'epay_operations_total{{outcome=~"success|failure", {TERMINAL}}}'
_ALLOWED: Final = (
    f'(1 - max by (terminal) (epay_alert_threshold{{alert="error_budget_burn", severity="objective", {TERMINAL}}}))'
)

_ABOUT: Final = """\
The objective is the share of finals (successes and failures) that do **not** fail with class `technical`; customers' declines and
issuers that do not answer use up nothing. It is `alerts.defaults.error_budget_burn.objective`, or a terminal's own.

A **burn rate** of 1 uses up exactly what the objective allows; 14.4 over an hour is two hundredths of thirty days' budget. An
alert fires while the long *and* the short window of its pair are above its line. The **budget** here is that of the time that
the dashboard shows."""


def _bad(span: str) -> str:
    return (
        f"(sum by (terminal) (increase({_TECHNICAL}[{span}])) or 0 * sum by (terminal) (increase({_FINALS}[{span}])))"
    )


def _share(span: str) -> str:
    return f"{_bad(span)} / (sum by (terminal) (increase({_FINALS}[{span}])) > 0)"


def _burn(long: str, short: str, severity: str, level: str) -> timeseries.Panel:
    asked = [
        query("A", known(f"terminal:epay_error_budget_burn:{long}{{{TERMINAL}}}"), f"{{{{terminal}}}} {long}"),
        query("B", known(f"terminal:epay_error_budget_burn:{short}{{{TERMINAL}}}"), f"{{{{terminal}}}} {short}"),
        query("T", threshold("error_budget_burn", severity), f"{level} level"),
    ]
    text = (
        f"How many times faster than allowed technical failures use up the budget, over {long} and {short}; EpayErrorBudgetBurn "
        f"({level}) fires while both are above the dashed line. Recorded by the shipped rules."
    )
    looking = shared.LEVELS | {f"/ {short}$/": looks.dashed(looks.GREY)}
    title = f"Burn rate, {long} and {short} ({level})"
    return graph(title, text, asked, looks.TIMES, soft_most=2, decimals=1, looking=looking)


def _terminals() -> table.Panel:
    percent = [setting("unit", SHARE), setting("decimals", 2), setting("custom.width", 94)]
    times = [setting("unit", looks.TIMES), setting("decimals", 2), setting("custom.width", 76)]
    gauge = [
        setting("unit", SHARE),
        setting("decimals", 0),
        setting("max", 1),
        setting("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
        looks.stepped((None, looks.VERMILLION), (0.25, looks.ORANGE), (0.5, looks.GREEN)),
        setting("custom.minWidth", 150),
    ]
    asked = {
        "Objective": f"1 - {_ALLOWED}",
        "Kept": f"1 - {_share('$__range')}",
        "Budget left": f"clamp_min(1 - {_share('$__range')} / on (terminal) {_ALLOWED}, 0)",
        "Finals": f"sum by (terminal) (increase({_FINALS}[$__range]))",
        "Technical": _bad("$__range"),
        "1h": known(f"max by (terminal) (terminal:epay_error_budget_burn:1h{{{TERMINAL}}})"),
        "6h": known(f"max by (terminal) (terminal:epay_error_budget_burn:6h{{{TERMINAL}}})"),
        "1d": known(f"max by (terminal) (terminal:epay_error_budget_burn:1d{{{TERMINAL}}})"),
        "3d": known(f"max by (terminal) (terminal:epay_error_budget_burn:3d{{{TERMINAL}}})"),
    }
    columns = {
        "Terminal": [
            setting("links", [{"title": "the terminal", "url": url("epay-terminal", terminal="${__value.raw}")}])
        ],
        "Objective": percent,
        "Kept": percent,
        "Budget left": gauge,
        "Finals": [setting("decimals", 0), setting("custom.width", 90)],
        "Technical": [setting("decimals", 0), setting("custom.width", 96)],
        "1h": times,
        "6h": times,
        "1d": times,
        "3d": times,
    }
    refs = dict(zip(asked, "ABCDEFGHI", strict=True))
    names = {f"Value #{ref}": name for name, ref in refs.items()}
    return listing(
        "Terminals",
        "Objective, what was kept of it and what is left of the budget over the time shown; on the right the burn rates of the "
        "long windows.",
        [rows(refs[name], expression) for name, expression in asked.items()],
        columns,
        {"terminal": "Terminal"} | names,
        sort=("Budget left", False),
        nothing="nothing counted yet",
    )


def board() -> Board:
    """The dashboard."""
    allowed = f"sum(sum by (terminal) (increase({_FINALS}[1h])) * on (terminal) {_ALLOWED})"
    pace = graph(
        "Technical failures per hour, against what is allowed",
        "Technical failures of 1h over the selected terminals; dashed: as many as the objectives allow of as many finals.",
        [query("A", f"sum({_bad('1h')})", "technical failures"), query("B", allowed, "allowed")],
        looks.COUNT,
        soft_most=5,
        decimals=1,
        looking={
            "technical failures": [looks.colored(looks.VERMILLION)],
            "allowed": looks.dashed(looks.GREEN, 2),
        },
    )
    kept = graph(
        "Finals without a technical failure, 1h",
        "Share of the finals of 1h that did not fail technically, a line a terminal; dashed: the highest of the objectives.",
        [
            query("A", f"1 - {_share('1h')}", "{{terminal}}"),
            query("T", threshold("error_budget_burn", "objective", "max"), "{{severity}}"),
        ],
        SHARE,
        least=None,
        most=1,
        looking={"objective": looks.dashed(looks.GREEN, 2)},
    )
    lowest = f"min(clamp_min(1 - {_share('$__range')} / on (terminal) {_ALLOWED}, 0))"
    fastest = f"max(terminal:epay_error_budget_burn:1h{{{TERMINAL}}})"
    budget = number(
        "Least budget left",
        "Of the terminal that has least: what is left of the technical failures that its objective allows over the time shown.",
        [instant("A", lowest)],
        SHARE,
        ((None, looks.VERMILLION), (0.25, looks.ORANGE), (0.5, looks.GREEN)),
        most=1,
        decimals=0,
    )
    burning = number(
        "Fastest burn, 1h",
        "The highest burn rate of 1h over the selected terminals; at 1 the budget lasts exactly as long as it should.",
        [instant("A", fastest)],
        looks.TIMES,
        ((None, looks.GREEN), (1, looks.ORANGE), (14.4, looks.VERMILLION)),
        decimals=1,
    )
    return Board(
        "epay-service-level",
        "ePay: Service level",
        "The objective of each terminal, what is left of its budget, and the burn rates with the lines they page at.",
        [
            Section(
                "",
                [
                    Line(6, [(4, budget), (20, _terminals())]),
                    Line(
                        10,
                        [
                            (12, _burn("1h", "5m", "critical", "critical")),
                            (12, _burn("6h", "30m", "critical_slow", "critical slow")),
                        ],
                    ),
                ],
            ),
            Section(
                "The slow pairs, and the pace",
                [
                    Line(
                        8,
                        [
                            (12, _burn("1d", "2h", "warning", "warning")),
                            (12, _burn("3d", "6h", "warning_slow", "warning slow")),
                        ],
                    ),
                    Line(8, [(4, burning), (10, pace), (10, kept)]),
                    Line(
                        6,
                        [
                            (
                                24,
                                words(
                                    "How to read this",
                                    "What the objective counts and what the burn rates mean.",
                                    _ABOUT,
                                ),
                            )
                        ],
                    ),
                ],
            ),
        ],
        [terminals()],
        "now-7d",
    )
