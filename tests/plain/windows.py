"""The sliding windows as gauges, the plain way."""

import math
from collections.abc import Iterator, Sequence

from prometheus_client import Metric

from exporter.config.durations import format_duration
from exporter.exposition import catalogue
from exporter.exposition.counters import PLACEHOLDER_CURRENCY, placeholder_keys
from exporter.exposition.numbers import major
from exporter.exposition.windows import failures_of_ended, wilson_lower
from exporter.model import TerminalSnapshot
from tests.plain.catalogue import gauge


def window_families(terminals: Sequence[TerminalSnapshot]) -> Iterator[Metric]:
    """The gauges of all windows of these terminals; those whose windows are withdrawn are not among them."""
    tallies = [
        (each.terminal.name, format_duration(tally.window), tally) for each in terminals for tally in each.windows
    ]

    operations = gauge(catalogue.WINDOW_OPERATIONS)
    amounts = gauge(catalogue.WINDOW_AMOUNT)
    for terminal, window, tally in tallies:
        for key in placeholder_keys(terminal):
            if key not in tally.operations:
                operations.add_metric((terminal, window, *key[1:]), 0)
            if (key, PLACEHOLDER_CURRENCY) not in tally.amounts:
                amounts.add_metric((terminal, window, *key[1:], PLACEHOLDER_CURRENCY), 0)
        for key, count in tally.operations.items():
            operations.add_metric((terminal, window, *key[1:]), count)
        for (key, currency), amount in tally.amounts.items():
            amounts.add_metric((terminal, window, *key[1:], currency), major(amount, currency))
    yield operations
    yield amounts

    breakdowns = gauge(catalogue.WINDOW_BREAKDOWN_OPERATIONS)
    for terminal, window, tally in tallies:
        for labels, count in tally.breakdowns.items():
            breakdowns.add_metric((terminal, window, *labels), count)
    yield breakdowns

    largest = gauge(catalogue.WINDOW_AMOUNT_MAX)
    for terminal, window, tally in tallies:
        for (outcome, currency), amount in tally.largest.items():
            largest.add_metric((terminal, window, outcome, currency), major(amount, currency))
    yield largest

    ratio = gauge(catalogue.WINDOW_FAILURE_RATIO)
    lower = gauge(catalogue.WINDOW_FAILURE_RATIO_LOWER)
    for terminal, window, tally in tallies:
        failures, ended = failures_of_ended(tally)
        ratio.add_metric((terminal, window), failures / ended if ended else math.nan)
        lower.add_metric((terminal, window), wilson_lower(failures, ended))
    yield ratio
    yield lower
