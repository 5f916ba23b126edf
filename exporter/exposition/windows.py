"""The sliding windows as gauges, with the failure ratio and how sure it is."""

import math
from collections.abc import Sequence
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.counters import AMOUNTS, PLACEHOLDER_CURRENCIES, SERIES, Shapes, placeholders
from exporter.exposition.lines import AMOUNT, COUNT, Heads, escaped, line, lines, terminal_label, window_label
from exporter.exposition.numbers import majors
from exporter.model import Outcome, WindowTally

WINDOWS: Final = (
    catalogue.WINDOW_OPERATIONS,
    catalogue.WINDOW_AMOUNT,
    catalogue.WINDOW_BREAKDOWN_OPERATIONS,
    catalogue.WINDOW_AMOUNT_MAX,
    catalogue.WINDOW_FAILURE_RATIO,
    catalogue.WINDOW_FAILURE_RATIO_LOWER,
)
_SUCCESS: Final = Outcome.SUCCESS
_FAILURE: Final = Outcome.FAILURE
_LARGEST: Final = Heads("outcome", "currency")
_BROKEN_DOWN: Final = Heads("dimension", "outcome", "reason_class")

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
    failures = successes = 0
    for key, count in tally.operations.items():
        if key.outcome is _FAILURE:
            failures += count
        elif key.outcome is _SUCCESS:
            successes += count
    return failures, successes + failures


def window_lines(terminal: str, windows: Sequence[WindowTally], shapes: Shapes) -> tuple[str, ...]:
    """The lines of a terminal's windows, one text for each of WINDOWS; empty where the windows are withdrawn."""
    texts = [_window(terminal, tally, shapes) for tally in windows]
    return tuple(map("".join, zip(*texts, strict=True))) if texts else ("",) * len(WINDOWS)


def _window(terminal: str, tally: WindowTally, shapes: Shapes) -> tuple[str, ...]:
    label = terminal_label(terminal) + window_label(tally.window)
    keys, sums = placeholders(terminal)
    operations, amounts = shapes["operations", tally.window], shapes["amounts", tally.window]
    counts = operations.values(tally.operations, keys, lambda key: SERIES[key[1:]])
    minor = amounts.values(tally.amounts, sums, lambda pair: AMOUNTS[*pair[0][1:], pair[1]])
    currencies = [*(currency for _, currency in tally.amounts), *PLACEHOLDER_CURRENCIES]
    failures, ended = failures_of_ended(tally)
    return (
        lines(catalogue.WINDOW_OPERATIONS, operations.heads, label, counts, COUNT),
        lines(catalogue.WINDOW_AMOUNT, amounts.heads, label, majors(minor, currencies), AMOUNT),
        _breakdowns(terminal, tally),
        lines(
            catalogue.WINDOW_AMOUNT_MAX,
            [_LARGEST[pair] for pair in tally.largest],
            label,
            majors([*tally.largest.values()], [currency for _, currency in tally.largest]),
            AMOUNT,
        ),
        line(catalogue.WINDOW_FAILURE_RATIO, label, failures / ended if ended else math.nan),
        line(catalogue.WINDOW_FAILURE_RATIO_LOWER, label, wilson_lower(failures, ended)),
    )


def _breakdowns(terminal: str, tally: WindowTally) -> str:
    """Here the value's label stands between the terminal and the window."""
    texts = []
    for (dimension, value, outcome, reason_class), count in tally.breakdowns.items():
        head = _BROKEN_DOWN[dimension, outcome, reason_class]
        labels = f'{head}{terminal_label(terminal)},value="{escaped(value)}"{window_label(tally.window)}'
        texts.append(line(catalogue.WINDOW_BREAKDOWN_OPERATIONS, labels, count))
    return "".join(texts)
