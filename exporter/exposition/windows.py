"""The sliding windows as gauges, with the failure ratio and how sure it is."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.counters import PLACEHOLDER_POWERS, Shapes, placeholders
from exporter.exposition.lines import COUNT, WRITTEN, Heads, escaped, line, lines, terminal_label, window_label
from exporter.exposition.numbers import majors, power
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
_COUNTS: Final = Heads(catalogue.WINDOW_OPERATIONS, *catalogue.OPERATIONS.labels[1:])
_AMOUNTS: Final = Heads(catalogue.WINDOW_AMOUNT, *catalogue.OPERATIONS_AMOUNT.labels[1:])
_LARGEST: Final = Heads(catalogue.WINDOW_AMOUNT_MAX, "outcome", "currency")
_BROKEN_DOWN: Final = Heads(catalogue.WINDOW_BREAKDOWN_OPERATIONS, "dimension", "outcome", "reason_class")

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


def window_lines(terminal: str, windows: Sequence[WindowTally], shapes: Shapes) -> tuple[bytes, ...]:
    """The lines of a terminal's windows, one text for each of WINDOWS; empty where the windows are withdrawn."""
    texts = [_window(terminal, tally, shapes) for tally in windows]
    return tuple(map(b"".join, zip(*texts, strict=True))) if texts else (b"",) * len(WINDOWS)


def _window(terminal: str, tally: WindowTally, shapes: Shapes) -> tuple[bytes, ...]:
    label = terminal_label(terminal) + window_label(tally.window)
    tail, (keys, sums) = label.encode(), placeholders(terminal)
    operations = shapes[catalogue.WINDOW_OPERATIONS, tally.window]
    amounts = shapes[catalogue.WINDOW_AMOUNT, tally.window]
    counts = operations.values(tally.operations, keys, lambda key: _COUNTS[key[1:]])
    minor = amounts.values(tally.amounts, sums, lambda pair: _AMOUNTS[*pair[0][1:], pair[1]])
    powers = [*[power(currency) for _, currency in tally.amounts], *PLACEHOLDER_POWERS]
    largest = [power(currency) for _, currency in tally.largest]
    failures, ended = failures_of_ended(tally)
    ratio = line(catalogue.WINDOW_FAILURE_RATIO, label, failures / ended if ended else math.nan)
    lower = line(catalogue.WINDOW_FAILURE_RATIO_LOWER, label, wilson_lower(failures, ended))
    return (
        lines(operations.heads, tail, counts, COUNT),
        lines(amounts.heads, tail, majors(minor, powers), WRITTEN),
        _breakdowns(terminal, tally) if tally.breakdowns else b"",
        lines([_LARGEST[pair] for pair in tally.largest], tail, majors([*tally.largest.values()], largest), WRITTEN),
        ratio.encode(),
        lower.encode(),
    )


def _breakdowns(terminal: str, tally: WindowTally) -> bytes:
    """Here the value's label stands between the terminal and the window."""
    own, window = terminal_label(terminal), window_label(tally.window)
    heads = [_BROKEN_DOWN[dimension, outcome, reason] for dimension, _, outcome, reason in tally.breakdowns]
    tails = [f'{own},value="{escaped(value)}"{window}'.encode() for _, value, _, _ in tally.breakdowns]
    arguments = chain.from_iterable(zip(heads, tails, tally.breakdowns.values(), strict=True))
    return b"%b%b} %d.0\n" * len(heads) % tuple(arguments)
