"""The sliding windows as gauges, with the failure ratio and how sure it is."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import Metric

from exporter.config.durations import format_duration
from exporter.exposition import catalogue
from exporter.exposition.counters import PLACEHOLDER_CURRENCY, major, placeholder_keys
from exporter.model import Outcome, TerminalSnapshot, WindowTally

_Z: Final = 1.959964
"""Two-sided 95 % of the normal distribution."""


def wilson_lower(hits: int, trials: int) -> float:
    """Lower end of the 95 % Wilson score interval of hits / trials; NaN without trials.

    Alerts ask for it instead of a minimum number of operations: one failure of one says little, and this says how
    little.
    """
    if trials == 0:
        return math.nan
    if hits == 0:
        return 0.0  # exactly: the formula leaves a rounding error of either sign
    ratio, square = hits / trials, _Z * _Z
    centre = ratio + square / (2 * trials)
    spread = _Z * math.sqrt(ratio * (1 - ratio) / trials + square / (4 * trials * trials))
    return (centre - spread) / (1 + square / trials)


def outcome_counts(tally: WindowTally) -> dict[Outcome, int]:
    """The window's operations by outcome."""
    counts = dict.fromkeys(Outcome, 0)
    for key, count in tally.operations.items():
        counts[key.outcome] += count
    return counts


def failures_of_ended(tally: WindowTally) -> tuple[int, int]:
    """Failures, and all that ended as success or failure: what a failure ratio is made of."""
    counts = outcome_counts(tally)
    return counts[Outcome.FAILURE], counts[Outcome.SUCCESS] + counts[Outcome.FAILURE]


def window_families(terminals: Sequence[TerminalSnapshot]) -> Iterator[Metric]:
    """The gauges of all windows of these terminals; those whose windows are withdrawn are not among them."""
    tallies = [
        (each.terminal.name, format_duration(tally.window), tally) for each in terminals for tally in each.windows
    ]

    operations = catalogue.WINDOW_OPERATIONS.gauge()
    amounts = catalogue.WINDOW_AMOUNT.gauge()
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

    breakdowns = catalogue.WINDOW_BREAKDOWN_OPERATIONS.gauge()
    for terminal, window, tally in tallies:
        for labels, count in tally.breakdowns.items():
            breakdowns.add_metric((terminal, window, *labels), count)
    yield breakdowns

    largest = catalogue.WINDOW_AMOUNT_MAX.gauge()
    for terminal, window, tally in tallies:
        for (outcome, currency), amount in tally.largest.items():
            largest.add_metric((terminal, window, outcome, currency), major(amount, currency))
    yield largest

    ratio = catalogue.WINDOW_FAILURE_RATIO.gauge()
    lower = catalogue.WINDOW_FAILURE_RATIO_LOWER.gauge()
    for terminal, window, tally in tallies:
        failures, ended = failures_of_ended(tally)
        ratio.add_metric((terminal, window), failures / ended if ended else math.nan)
        lower.add_metric((terminal, window), wilson_lower(failures, ended))
    yield ratio
    yield lower
