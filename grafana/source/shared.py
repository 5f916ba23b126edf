"""Panels that stand on more than one dashboard, with whatever differs as an argument."""

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.builders import statetimeline, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from exporter.thresholds import CATALOGUE
from grafana.source import looks
from grafana.source.frame import url
from grafana.source.looks import SHARE, TENGE, colored, dashed, setting
from grafana.source.meanings import CLASSES, TO_BLAME, meanings
from grafana.source.panels import graph, listing, states
from grafana.source.queries import (
    PARTIES,
    TERMINAL,
    alerts,
    amount,
    expected,
    expected_amount,
    finals,
    known,
    now_of,
    operations,
    query,
    rows,
    summed_bound,
    threshold,
    trouble,
)

BAND: Final[Mapping[str, Sequence[DynamicConfigValue]]] = {
    "now": [colored(looks.BLUE), setting("custom.lineWidth", 3), setting("custom.fillOpacity", 0)],
    "expected": [colored(looks.GREEN), setting("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})],
    "upper": [
        colored(looks.GREEN),
        setting("custom.lineWidth", 0),
        setting("custom.fillBelowTo", "lower"),
        setting("custom.fillOpacity", 18),
        setting("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False}),
    ],
    "lower": [
        colored(looks.GREEN),
        setting("custom.lineWidth", 0),
        setting("custom.fillOpacity", 0),
        setting("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False}),
    ],
    "/ago$/": [colored(looks.GREY), setting("custom.lineWidth", 1), setting("custom.fillOpacity", 0)],
}
LEVELS: Final = {
    f"/^{severity}/": dashed(color, 2)
    for severity, color in (("critical", looks.VERMILLION), ("warning", looks.ORANGE))
}
PARTY_COLORS: Final = dict(
    zip(PARTIES, (looks.VERMILLION, looks.ORANGE, looks.PURPLE, looks.SKY, looks.GREY), strict=True)
)
CODES: Final[looks.Values] = {code: (text, None) for code, text in meanings().items()}
BLAME: Final[looks.Values] = {
    name: (text, {"customer": looks.SKY, "issuer": looks.ORANGE, "nobody": looks.GREEN}.get(text, looks.VERMILLION))
    for name, text in TO_BLAME.items()
}
CLASS_WORDS: Final[looks.Values] = {name: (f"{name}: {text}", None) for name, text in CLASSES.items()}


def volume(title: str, window: str, weeks: Sequence[int] = ()) -> timeseries.Panel:
    """Operations in a window against expectation and band, and as they were some weeks ago."""
    counted, wanted = operations(window), expected(window)
    asked = [
        query("A", now_of(counted, wanted), "now"),
        query("B", f"sum({wanted})", "expected"),
        query("C", summed_bound(wanted, expected(window, "_upper"), "+"), "upper"),
        query("D", summed_bound(wanted, expected(window, "_lower"), "-"), "lower"),
        query("E", f"sum({counted} unless on (terminal) {wanted})", "now, nothing expected yet"),
    ]
    asked += [
        query(
            f"W{week}", f'sum(epay_window_operations{{window="{window}", {TERMINAL}}} offset {week}w)', f"{week}w ago"
        )
        for week in weeks
    ]
    text = (
        f"Operations of any outcome in the sliding window of {window}, summed over the selected terminals; the dashed line "
        "is the median of the same time in the past weeks as the exporter read them from the bank, the area is where the "
        "volume alerts stay silent. Alerts are drawn as annotations."
    )
    if weeks:
        text += " Grey: what Prometheus has stored of past weeks."
    return graph(title, text, asked, looks.COUNT, soft_most=10, decimals=0, looking=BAND)


def turnover(title: str) -> timeseries.Panel:
    """Tenge that got through in an hour against expectation and band."""
    counted, wanted = amount("1h"), expected_amount("1h")
    asked = [
        query("A", now_of(counted, wanted), "now"),
        query("B", f"sum({wanted})", "expected"),
        query("C", summed_bound(wanted, expected_amount("1h", "_upper"), "+"), "upper"),
        query("D", summed_bound(wanted, expected_amount("1h", "_lower"), "-"), "lower"),
        query("E", f"sum({counted} unless on (terminal) {wanted})", "now, nothing expected yet"),
    ]
    text = (
        "Tenge of the successful operations in the sliding window of 1h, summed over the selected terminals; the dashed "
        "line is the median of the same time in the past weeks, the area its usual spread."
    )
    return graph(title, text, asked, looks.TENGE_AXIS, soft_most=100_000, looking=BAND)


def parties(title: str) -> timeseries.Panel:
    """Whose failures they are."""
    asked = [
        query(ref, operations("15m", f'outcome="failure", {condition}', "outcome"), name)
        for ref, (name, condition) in zip("ABCDE", PARTIES.items(), strict=True)
    ]
    text = (
        "Failures in the sliding window of 15m by who can do something about them: technical is the bank's systems or "
        "ours, unavailable issuers are neither, configuration is ours, declines are between customers and their banks."
    )
    looking = {name: [colored(color)] for name, color in PARTY_COLORS.items()}
    return graph(title, text, asked, looks.COUNT, soft_most=5, decimals=0, stacked=True, looking=looking)


def trouble_share(title: str) -> timeseries.Panel:
    """The share that the failure pages are about, a line a terminal, with their levels."""
    asked = [
        query("A", known(f"{trouble('15m')} / {finals('15m')}"), "{{terminal}}"),
        query("T", threshold("failure_ratio", "critical|warning"), "{{severity}} level"),
    ]
    text = (
        "Failures of classes technical, issuer_unavailable and configuration by all finals of 15m: what EpayFailureRatioHigh "
        "pages on. Dashed: its levels, the lowest of the selected terminals."
    )
    return graph(title, text, asked, SHARE, soft_most=0.25, looking=LEVELS)


def oldest_pending(title: str) -> timeseries.Panel:
    """The age of what hangs longest, with the alert's levels."""
    asked = [
        query(
            "A",
            f"(time() - min by (terminal) (epay_oldest_pending_timestamp_seconds{{{TERMINAL}}})) / 60",
            "{{terminal}}",
        ),
        query("T", f"{threshold('stuck_pending', 'critical|warning')} / 60", "{{severity}} level"),
    ]
    text = "How long ago the oldest operation that is still pending was created; nothing where none is. Dashed: EpayStuckPending."
    return graph(title, text, asked, looks.MINUTES, soft_most=1, decimals=1, looking=LEVELS)


def age(title: str) -> timeseries.Panel:
    """How old everything is that is shown, with the alert's levels."""
    asked = [
        query(
            "A",
            f"(time() - max by (terminal) (epay_last_poll_success_timestamp_seconds{{{TERMINAL}}})) / 60",
            "{{terminal}}",
        ),
        query("T", f"{threshold('poll_failing', 'critical|warning')} / 60", "{{severity}} level"),
    ]
    text = "Time since the last good poll of the bank: the age of every other number. Dashed: EpayPollFailing."
    return graph(title, text, asked, looks.MINUTES, soft_most=1, decimals=1, looking=LEVELS)


def alerts_over_time(title: str) -> statetimeline.Panel:
    """Which alerts were pending or fired when."""
    firing = f"2 * max by (alertname, terminal) ({alerts('firing')})"
    waiting = f"max by (alertname, terminal) ({alerts('pending')})"
    asked = [query("A", f"{firing} or {waiting}", "{{alertname}} {{terminal}}")]
    text = "Alerts of the selected terminals, of accounts and of the exporter: pending while their `for` runs, then firing."
    return states(title, text, asked, looks.ALERT, nothing="no alert in this time")


def active_alerts(title: str, *, narrow: bool = False) -> table.Panel:
    """What fires now, since when, with the way to why. `narrow`: the terminal is among the rest, as it is chosen already."""
    firing = f"{alerts()} * ignoring (alertstate) group_left () ALERTS_FOR_STATE * 1000"
    for alert in CATALOGUE.values():
        firing = f'label_replace({firing}, "key", "{alert.key}", "alertname", "{alert.name}")'
    told = ["value", "reason_code", "currency", "account", *(["terminal"] if narrow else [])]
    labels = ", ".join(f'"{label}"' for label in told)
    firing = f'label_join({firing}, "what", " ", {labels})'
    why = url("epay-why", alert="${__value.raw}", terminal="${__data.fields.Terminal}")
    if narrow:
        why = url("epay-why", alert="${__value.raw}") + "&${terminal:queryparam}"
    columns = {
        "Severity": [setting("custom.width", 76), _colored_cell(), looks.mapped(_severities())],
        "Alert": [setting("custom.minWidth", 166 if narrow else 150)],
        "Terminal": [
            setting("custom.width", 96),
            _to(url("epay-terminal", terminal="${__value.raw}"), "the terminal"),
        ],
        "What": [setting("custom.width", 110 if narrow else 102), setting("unit", "string")],
        "Since": [setting("custom.width", 120), setting("unit", "dateTimeFromNow")],
        "Why": [
            setting("custom.width", 124 if narrow else 114),
            _to(why, "why it fired"),
        ],
    }
    sources = {"severity": "Severity", "alertname": "Alert", "terminal": "Terminal", "what": "What"}
    if narrow:
        del columns["Terminal"], sources["terminal"]
    return listing(
        title,
        "Alerts that fire now, those of accounts and of the exporter too; why leads to its level, bounds and gates.",
        [rows("A", firing)],
        columns,
        sources | {"Value": "Since", "key": "Why"},
        sort=("Severity", False),
        nothing="no alert fires",
        hidden=(
            "alertstate",
            "category",
            "window",
            "code",
            "reason_code",
            "reason_class",
            "dimension",
            "value",
            "currency",
            "account",
            *(["terminal"] if narrow else []),
        ),
    )


def codes(title: str, window: str, *, iso: bool = False) -> table.Panel:
    """Failures by code with their meaning, and how much money did not get through. `iso`: with the record's `code`."""
    labels = "reason_class, reason_code, code"
    failed = f'epay_window_operations{{window="{window}", outcome="failure", {TERMINAL}}}'
    value = f'epay_window_amount{{window="{window}", outcome="failure", currency="KZT", {TERMINAL}}}'
    columns: dict[str, Sequence[DynamicConfigValue]] = {
        "Whose": [setting("custom.width", 90), looks.mapped(BLAME), _colored_cell("color-text")],
        "Reason code": [looks.mapped(CODES), setting("custom.minWidth", 250), setting("unit", "string")],
        "Code": [setting("custom.width", 66), setting("unit", "string")],
        "Ops": [setting("custom.width", 64), setting("unit", looks.COUNT)],
        "Of finals": [setting("custom.width", 84), setting("unit", SHARE), setting("decimals", 1)],
        "Of 7 days": [setting("custom.width", 90), setting("unit", SHARE), setting("decimals", 1)],
        "₸ failed": [setting("custom.width", 104), setting("unit", TENGE), setting("decimals", 0)],
    }
    if not iso:
        del columns["Code"]
    share = f"sum by ({labels}) ({failed}) / on () group_left () sum({finals(window)}) > 0"
    week = f'sum by ({labels}) (increase(epay_operations_total{{outcome="failure", {TERMINAL}}}[7d] offset 30m))'
    usual = f'{week} / on () group_left () sum(increase(epay_operations_total{{outcome=~"success|failure", {TERMINAL}}}[7d] offset 30m))'
    happened = f"and sum by ({labels}) ({failed}) > 0"
    return listing(
        title,
        f"Failures in the sliding window of {window} by reason code: whose they are, what the code says, their share of all "
        "finals now and in the seven days before, and the tenge that did not get through.",
        [
            rows("A", f"sum by ({labels}) ({failed}) > 0"),
            rows("B", share),
            rows("C", f"{usual} {happened}"),
            rows("D", f"sum by ({labels}) ({value}) {happened}"),
        ],
        columns,
        {
            "reason_class": "Whose",
            "reason_code": "Reason code",
            **({"code": "Code"} if iso else {}),
            "Value #A": "Ops",
            "Value #B": "Of finals",
            "Value #C": "Of 7 days",
            "Value #D": "₸ failed",
        },
        sort=("Ops", True),
        nothing="no failure",
        hidden=() if iso else ("code",),
    )


def _severities() -> looks.Values:
    return {name: (name, color) for name, color in looks.SEVERITIES.items()}


def _colored_cell(kind: str = "color-background") -> DynamicConfigValue:
    return setting("custom.cellOptions", {"type": kind})


def _to(target: str, title: str) -> DynamicConfigValue:
    return setting("links", [{"title": title, "url": target, "targetBlank": False}])
