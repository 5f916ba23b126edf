"""Failures and codes: which codes, whose, since when, at which terminals, and is that more than usual."""

from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig

from grafana.source import looks, shared
from grafana.source.frame import Board, terminals
from grafana.source.headline import headline
from grafana.source.layout import Line, Section
from grafana.source.looks import SHARE, colored, setting
from grafana.source.meanings import CLASSES
from grafana.source.panels import gauges, graph, listing, number
from grafana.source.queries import TERMINAL, finals, instant, operations, query, rows, trouble

_FAILED: Final = 'outcome="failure"'
_CODE: Final = "terminal, reason_class, reason_code, code"
_BEFORE: Final = f"max by ({_CODE}) (max_over_time(epay_operations_total{{{TERMINAL}}}[6d] offset 1d))"
_NEW: Final = (
    f"sum by ({_CODE}) (increase(epay_operations_total{{{TERMINAL}}}[1d])) > 0 unless on ({_CODE}) ({_BEFORE} > 0)"
    f' and on (terminal) group by (terminal) (last_over_time(epay_operations_total{{outcome="success", {TERMINAL}}}[6d] offset 1d))'
)
"""Codes of the last day that none of the six days before had, at terminals of which those days are known at all."""
CLASS_COLORS: Final = {
    "technical": looks.VERMILLION,
    "issuer_unavailable": looks.ORANGE,
    "configuration": looks.PURPLE,
    "unknown": looks.YELLOW,
    # the customers' in blues: which of them it is says the legend
    "funds": looks.SKY,
    "limits": "#9AD0F5",
    "authentication": looks.BLUE,
    "card_data": "#3D8FC4",
    "card_state": "#B8C7D9",
    "issuer_declined": "#7A9BB5",
    "fraud": "#4B6A88",
}


def _by_class() -> timeseries.Panel:
    asked = [query("A", operations("15m", 'outcome="failure"', "reason_class"), "{{reason_class}}")]
    text = "Failures in the sliding window of 15m by class; " + ", ".join(
        f"{name}: {CLASSES[name]}" for name in ("technical", "issuer_unavailable", "configuration", "issuer_declined")
    )
    looking = {name: [colored(color)] for name, color in CLASS_COLORS.items()}
    return graph(
        title="Failures by class, 15m",
        description=f"{text}.",
        queries=asked,
        unit=looks.COUNT,
        soft_most=10,
        decimals=0,
        stacked=True,
        looking=looking,
    )


def _classes_against_week() -> timeseries.Panel:
    week = f'sum by (reason_class) (increase(epay_operations_total{{outcome="failure", {TERMINAL}}}[7d]))'
    all_week = f'sum(increase(epay_operations_total{{outcome=~"success|failure", {TERMINAL}}}[7d]))'
    now = operations("1h", _FAILED, "reason_class")
    asked = [
        query(
            "A",
            f"{now} / on () group_left () (sum({finals('1h')}) > 0) - ({week} / on () group_left () ({all_week} > 0))",
            "{{reason_class}}",
        ),
    ]
    text = (
        "By class, the share of the finals of 1h that failed, minus the same share of seven days: above 0 there is more of "
        "it than usual, in points of a hundred finals."
    )
    looking = {name: [colored(color)] for name, color in CLASS_COLORS.items()}
    return graph(
        "Share of finals, 1h minus 7 days, by class", text, asked, SHARE, least=None, soft_most=0.05, looking=looking
    )


def _new_codes() -> table.Panel:
    first = f"min by ({_CODE}) (min_over_time(timestamp(epay_operations_total{{{TERMINAL}}} > 0)[1d:1m])) * 1000"
    columns = {
        "Terminal": [setting("custom.width", 100)],
        "Whose": [setting("custom.width", 90), looks.mapped(shared.BLAME)],
        "Reason code": [setting("custom.minWidth", 170), setting("unit", "string"), looks.mapped(shared.CODES)],
        "Ops": [setting("custom.width", 60), setting("decimals", 0)],
        "First": [setting("custom.width", 104), setting("unit", "dateTimeFromNow")],
    }
    sources = {"terminal": "Terminal", "reason_class": "Whose", "reason_code": "Reason code"}
    return listing(
        "New codes of 24h",
        "Codes of the last 24h that none of the six days before had, with the time of the first scrape that saw each; empty "
        "in the first day of a terminal, when every code would be new.",
        [rows("A", _NEW), rows("B", f"{first} and on ({_CODE}) ({_NEW})")],
        columns,
        sources | {"Value #A": "Ops", "Value #B": "First"},
        sort=("Ops", True),
        nothing="no new code",
        hidden=("code",),
    )


def _against_week() -> table.Panel:
    labels = "reason_class, reason_code"
    now = f"{operations('1h', _FAILED, labels)} / on () group_left () sum({finals('1h')})"
    usual = (
        f"sum by ({labels}) (increase(epay_operations_total{{{_FAILED}, {TERMINAL}}}[7d] offset 1h)) / on () group_left () "
        f'sum(increase(epay_operations_total{{outcome=~"success|failure", {TERMINAL}}}[7d] offset 1h))'
    )
    columns = {
        "Class": [setting("custom.width", 150)],
        "Reason code": [setting("custom.minWidth", 210), setting("unit", "string"), looks.mapped(shared.CODES)],
        "Ops 1h": [setting("custom.width", 80)],
        "Of finals": [setting("custom.width", 88), setting("unit", SHARE), setting("decimals", 2)],
        "Of 7 days": [setting("custom.width", 92), setting("unit", SHARE), setting("decimals", 2)],
        "Times": [setting("custom.width", 78), setting("unit", looks.TIMES), setting("decimals", 1)],
    }
    happened = f"and {operations('1h', _FAILED, labels)} > 0"
    return listing(
        "Share of finals by code, 1h against 7 days",
        "What share of the finals of 1h failed with each code, what share of seven days did, and how many times that is; "
        "codes that the seven days had not are among the new ones.",
        [
            rows("A", f"{operations('1h', _FAILED, labels)} > 0"),
            rows("B", f"({now}) {happened}"),
            rows("C", f"({usual}) {happened}"),
            rows("D", f"(({now}) / ({usual} > 0)) {happened}"),
        ],
        columns,
        {
            "reason_class": "Class",
            "reason_code": "Reason code",
            "Value #A": "Ops 1h",
            "Value #B": "Of finals",
            "Value #C": "Of 7 days",
            "Value #D": "Times",
        },
        sort=("Times", True),
        nothing="no failure",
    )


def _matrix() -> table.Panel:
    made = listing(
        "Codes by terminal, 1h",
        "Failures in the sliding window of 1h: a row a reason code, a column a terminal. A code in one column only is that "
        "terminal's; a code in all of them is the bank's or an issuer's.",
        [rows("A", f"{operations('1h', _FAILED, 'terminal, reason_code')} > 0")],
        {"/^reason_code/": [looks.mapped(shared.CODES), setting("custom.minWidth", 240)]},
        {},
        nothing="no failure",
    )
    pivot = {"columnField": "terminal", "rowField": "reason_code", "valueField": "Value", "emptyValue": "null"}
    shown = setting("custom.cellOptions", {"type": "color-background", "mode": "basic"})
    made = made.transformations([DataTransformerConfig(id_val="groupingToMatrix", options=pivot)])
    made = made.override_by_field_type("number", [shown, setting("custom.width", 84)])
    return made.thresholds(looks.steps((None, "transparent"), (1, "rgba(0, 114, 178, 0.45)")))


def issuers(title: str) -> bargauge.Panel:
    """Whether it is one issuer."""
    condition = f'window="15m", dimension=~".*_issuer", {TERMINAL}'
    failed = 'outcome="failure", reason_class=~"technical|issuer_unavailable"'
    share = (
        f"sum by (dimension, value) (epay_window_breakdown_operations{{{condition}, {failed}}}) / "
        f'sum by (dimension, value) (epay_window_breakdown_operations{{{condition}, outcome=~"success|failure"}})'
    )
    text = (
        "Of the finals of 15m with each issuer's cards, the share that failed as technical or issuer unavailable, the worst "
        "ten: one that stands out is that issuer's trouble. Needs `breakdowns: [sender_issuer]` in the configuration."
    )
    asked = [instant("A", f"sort_desc(topk(10, {share} > 0))", "{{value}}")]
    levels: list[looks.Step] = [(None, looks.SKY), (0.5, looks.VERMILLION)]
    return gauges(title, text, asked, SHARE, levels, most=1, decimals=0, nothing="none, or no breakdown configured")


def _numbers() -> list[tuple[int, stat.Panel]]:
    plain: list[looks.Step] = [(None, looks.SKY)]
    declined = f"sum({operations('1h', _FAILED)}) - (sum({trouble('1h')}) or 0 * sum({finals('1h')}))"
    unknown = f"sum(increase(epay_unknown_codes_total{{{TERMINAL}}}[1d]))"
    return [
        (
            4,
            number(
                "Failures, 15m",
                "Failures of all classes in the sliding window of 15m.",
                [instant("A", f"sum({operations('15m', _FAILED)})")],
                looks.COUNT,
                plain,
                decimals=0,
            ),
        ),
        (4, headline()["trouble"]),
        (
            4,
            number(
                "Declined, 1h",
                "Share of the finals of 1h that failed for reasons of the customers and their banks, or with an unknown code.",
                [instant("A", f"({declined}) / sum({finals('1h')})")],
                SHARE,
                plain,
                most=1,
                decimals=1,
            ),
        ),
        (4, headline()["lost"]),
        (
            4,
            number(
                "New codes, 24h",
                "Codes of 24h that none of the six days before had.",
                [instant("A", f"count({_NEW}) or vector(0)")],
                "none",
                ((None, looks.GREEN), (1, looks.ORANGE)),
                decimals=0,
            ),
        ),
        (
            4,
            number(
                "Unknown, 24h",
                "Operations of 24h with a code that no table names: name it under reason_codes in the configuration.",
                [instant("A", unknown)],
                looks.COUNT,
                ((None, looks.GREEN), (1, looks.ORANGE)),
                decimals=0,
            ),
        ),
    ]


def board() -> Board:
    """The dashboard."""
    return Board(
        "epay-failures",
        "ePay: Failures and codes",
        "Which codes, whose they are, what is new, at which terminals, and whether that is more than usual.",
        [
            Section(
                "",
                [
                    Line(3, _numbers()),
                    Line(7, [(14, _by_class()), (10, issuers("Issuers, share that fails, 15m"))]),
                    Line(6, [(14, _against_week()), (10, _new_codes())]),
                ],
            ),
            Section(
                "In full",
                [
                    Line(8, [(12, _classes_against_week()), (12, shared.parties("Failures by whose they are, 15m"))]),
                    Line(10, [(10, _matrix()), (14, shared.codes("Codes of the last hour", "1h", iso=True))]),
                    Line(8, [(24, shared.trouble_share("Failures that are not the customers', 15m"))]),
                ],
            ),
        ],
        [terminals()],
        "now-6h",
    )
