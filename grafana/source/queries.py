"""Expressions that several dashboards ask for, and how they are put to Prometheus.

Gauges are aggregated to a series a terminal first: while one instance of the exporter follows another there are two.
Whatever is divided exists for the same terminals on both sides; what is absent stays absent, never 0.
"""

from typing import Final, Literal

from grafana_foundation_sdk.builders import prometheus as builders
from grafana_foundation_sdk.models import prometheus

TERMINAL: Final = 'terminal=~"$terminal"'
TROUBLE: Final = 'reason_class=~"technical|issuer_unavailable|configuration"'
"""What the pages are for: the classes that are not the customers'."""
PARTIES: Final = {
    "bank or us (technical)": 'reason_class="technical"',
    "issuers (unavailable)": 'reason_class="issuer_unavailable"',
    "us (configuration)": 'reason_class="configuration"',
    "customers (declined)": ('reason_class=~"funds|limits|authentication|card_data|card_state|issuer_declined|fraud"'),
    "nobody knows (unknown code)": 'reason_class="unknown"',
}


def operations(window: str, more: str = "", by: str = "terminal") -> str:
    """Operations in the sliding window, summed."""
    condition = f", {more}" if more else ""
    return f'sum by ({by}) (epay_window_operations{{window="{window}", {TERMINAL}{condition}}})'


def alerts(state: str = "firing", more: str = "", *, everywhere: bool = True) -> str:
    """Alerts in a state; `everywhere`: those of accounts and of the exporter as well, which have no terminal."""
    where = 'terminal=~"$terminal|"' if everywhere else TERMINAL
    condition = f", {more}" if more else ""
    return f'ALERTS{{alertname=~"Epay.*", alertname!="EpayWatchdog", alertstate="{state}", {where}{condition}}}'


def successes(window: str) -> str:
    """Operations in the sliding window that got through."""
    return operations(window, 'outcome="success"')


def finals(window: str, by: str = "terminal") -> str:
    """Successes and failures in the sliding window."""
    return operations(window, 'outcome=~"success|failure"', by)


def trouble(window: str, by: str = "terminal") -> str:
    """Failures in the sliding window that are the bank's, an issuer's or ours."""
    return operations(window, f'outcome="failure", {TROUBLE}', by)


def expected(window: str, bound: Literal["", "_lower", "_upper"] = "") -> str:
    """What the same time of past weeks leads to expect, a series a terminal."""
    return f'max by (terminal) (epay_expected_operations{bound}{{window="{window}", {TERMINAL}}})'


def expected_amount(window: str, bound: Literal["", "_lower", "_upper"] = "") -> str:
    """The same of the tenge that get through."""
    return f'max by (terminal) (epay_expected_amount{bound}{{window="{window}", currency="KZT", {TERMINAL}}})'


def amount(window: str) -> str:
    """Tenge that got through in the sliding window."""
    return f'sum by (terminal) (epay_window_amount{{window="{window}", outcome="success", currency="KZT", {TERMINAL}}})'


def now_of(counted: str, wanted: str) -> str:
    """What there is at the terminals of which something is expected: without an operation there is no series, but 0."""
    return f"sum(({counted} and on (terminal) {wanted}) or 0 * {wanted})"


def summed_bound(wanted: str, bound: str, sign: Literal["-", "+"]) -> str:
    """The band of a sum: the terminals' own uncertainties, taken as independent, as the alert on all of them has it."""
    edge = f"sum({wanted}) {sign} sqrt(sum(({wanted} - {bound}) ^ 2))"
    return f"clamp_min({edge}, 0)" if sign == "-" else edge


def threshold(alert: str, severity: str, aggregate: str = "min") -> str:
    """A level of an alert at the selected terminals, one series a severity; `severity` is a regular expression."""
    return f'{aggregate} by (severity) (epay_alert_threshold{{alert="{alert}", severity=~"{severity}", {TERMINAL}}})'


def known(expression: str) -> str:
    """Without NaN, which is what 0 / 0 is: a graph with a series of nothing else loses its scale and draws nothing."""
    return f"({expression}) > -Inf"


def query(ref: str, expression: str, legend: str = "", *, interval: str = "") -> builders.Dataquery:
    """Over the dashboard's time. `interval`: the least step, where a fixed window is the point."""
    made = builders.Dataquery().expr(expression).ref_id(ref).range().format(prometheus.PromQueryFormat.TIME_SERIES)
    if interval:
        made = made.interval(interval)
    return made.legend_format(legend or "__auto")


def instant(ref: str, expression: str, legend: str = "") -> builders.Dataquery:
    """As of the end of the dashboard's time, for a number."""
    made = builders.Dataquery().expr(expression).ref_id(ref).instant().format(prometheus.PromQueryFormat.TIME_SERIES)
    return made.legend_format(legend or "__auto")


def rows(ref: str, expression: str) -> builders.Dataquery:
    """As of the end of the dashboard's time, for a table: a column a label."""
    return builders.Dataquery().expr(expression).ref_id(ref).instant().format(prometheus.PromQueryFormat.TABLE)


def buckets(ref: str, expression: str) -> builders.Dataquery:
    """For a heatmap: a row a bucket."""
    made = builders.Dataquery().expr(expression).ref_id(ref).range().format(prometheus.PromQueryFormat.HEATMAP)
    return made.legend_format("{{le}}")
