"""Panels on amounts: what Terminal shows of them and Amounts and integrity shows in full."""

from typing import Final

from grafana_foundation_sdk.builders import heatmap, timeseries

from grafana.source import looks
from grafana.source.looks import TENGE, colored, dashed
from grafana.source.panels import distribution, graph
from grafana.source.queries import TERMINAL, buckets, known, query

_SUCCESS: Final = f'outcome="success", currency="KZT", {TERMINAL}'


def mean(title: str) -> timeseries.Panel:
    """The mean amount now and as usual, with the alert's levels."""
    week = f"sum(increase(epay_operation_amount_sum{{{_SUCCESS}}}[7d])) / (sum(increase(epay_operation_amount_count{{{_SUCCESS}}}[7d])) > 0)"
    asked = [
        query(
            "A",
            f"sum by (terminal) (increase(epay_operation_amount_sum{{{_SUCCESS}}}[1h])) / (sum by (terminal) (increase(epay_operation_amount_count{{{_SUCCESS}}}[1h])) > 0)",
            "{{terminal}}",
        ),
        query("B", week, "mean of 7 days"),
        query(
            "T",
            f'{week} * on () group_right () min by (severity) (epay_alert_threshold{{alert="average_amount_shift", severity=~"high|low", {TERMINAL}}})',
            "{{severity}} level",
        ),
    ]
    text = (
        "Mean amount of the successes of 1h, a line a terminal; dashed: that of seven days over the selected terminals, and "
        "the levels of EpayAverageAmountShift as multiples of it (the alert itself compares with four weeks)."
    )
    looking = {"mean of 7 days": dashed(looks.GREEN, 2), "/^(high|low) level/": dashed(looks.ORANGE, 2)}
    return graph(title, text, asked, looks.TENGE_AXIS, soft_most=10_000, looking=looking)


def spread(title: str) -> heatmap.Panel:
    """How the amounts are distributed over time."""
    asked = [buckets("A", f"sum by (le) (increase(epay_operation_amount_bucket{{{_SUCCESS}}}[$__rate_interval]))")]
    text = "How many successes had an amount up to the bound on the left, as the counters grew; darker is fewer."
    return distribution(title, text, asked, TENGE)


def largest(title: str) -> timeseries.Panel:
    """The largest operations and the limit above which they are outliers."""
    asked = [
        query("A", f'max by (terminal) (epay_window_amount_max{{window="1h", {_SUCCESS}}})', "{{terminal}}"),
        query(
            "T",
            f'min by (alert) (epay_alert_threshold{{alert="amount_outlier", severity="warning", {TERMINAL}}})',
            "warning level",
        ),
    ]
    text = (
        "The largest successful operation of the last hour, a line a terminal; dashed: the limit of EpayAmountOutlier."
    )
    looking = {"warning level": dashed(looks.ORANGE, 2)}
    return graph(title, text, asked, looks.TENGE_AXIS, soft_most=100_000, looking=looking)


def quantiles(title: str) -> timeseries.Panel:
    """The median and the large amounts, from the buckets."""
    asked = [
        query(
            ref,
            known(
                f"histogram_quantile({share}, sum by (le) (increase(epay_operation_amount_bucket{{{_SUCCESS}}}[1h])))"
            ),
            name,
        )
        for ref, share, name in (
            ("A", 0.5, "half are below"),
            ("B", 0.9, "9 of 10 are below"),
            ("C", 0.99, "99 of 100 are below"),
        )
    ]
    text = "Amounts below which half, nine tenths and all but a hundredth of the successes of 1h lie, as exact as the buckets are."
    looking = {
        "half are below": [colored(looks.BLUE)],
        "9 of 10 are below": [colored(looks.ORANGE)],
        "99 of 100 are below": [colored(looks.VERMILLION)],
    }
    return graph(title, text, asked, looks.TENGE_AXIS, soft_most=10_000, looking=looking)
