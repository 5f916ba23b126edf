"""The sliding windows as gauges, with the failure ratio and how sure it is."""

import math
from collections.abc import Sequence
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.counters import AMOUNTS, PLACEHOLDER_AMOUNTS, PLACEHOLDERS, SERIES, Labels, zeros
from exporter.exposition.lines import Heads, escaped, line, lines, tail, window_label
from exporter.exposition.numbers import amounts, major, number, whole
from exporter.model import Outcome, WindowTally

WINDOWS: Final = (
    catalogue.WINDOW_OPERATIONS,
    catalogue.WINDOW_AMOUNT,
    catalogue.WINDOW_BREAKDOWN_OPERATIONS,
    catalogue.WINDOW_AMOUNT_MAX,
    catalogue.WINDOW_FAILURE_RATIO,
    catalogue.WINDOW_FAILURE_RATIO_LOWER,
)
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
    counts = outcome_counts(tally)
    return counts[Outcome.FAILURE], counts[Outcome.SUCCESS] + counts[Outcome.FAILURE]


def window_lines(terminal: str, windows: Sequence[WindowTally]) -> tuple[bytes, ...]:
    """The lines of a terminal's windows, one text for each of WINDOWS; empty where the windows are withdrawn."""
    own = tail(terminal)
    texts = [_window(terminal, own, tally) for tally in windows]
    return tuple(map(b"".join, zip(*texts, strict=True))) if texts else (b"",) * len(WINDOWS)


def _window(terminal: str, own: bytes, tally: WindowTally) -> tuple[bytes, ...]:
    window = window_label(tally.window)
    end = own + window
    counts: dict[Labels, int] = {key[1:]: count for key, count in tally.operations.items()}
    counts = zeros(PLACEHOLDERS, counts)
    sums: dict[Labels, float] = {
        (*key[1:], currency): major(amount, currency) for (key, currency), amount in tally.amounts.items()
    }
    sums = zeros(PLACEHOLDER_AMOUNTS, sums)
    largest = {pair: major(amount, pair[1]) for pair, amount in tally.largest.items()}
    label = f'terminal="{escaped(terminal)}"'.encode()
    failures, ended = failures_of_ended(tally)
    return (
        lines(catalogue.WINDOW_OPERATIONS.name, [SERIES[key] for key in counts], end, *whole(counts.values())),
        lines(catalogue.WINDOW_AMOUNT.name, [AMOUNTS[key] for key in sums], end, *amounts(sums.values())),
        b"".join(
            [
                b'%b{%b%b,value="%b"%b} %b\n'
                % (
                    catalogue.WINDOW_BREAKDOWN_OPERATIONS.name.encode(),
                    _BROKEN_DOWN[dimension, outcome, reason_class],
                    label,
                    escaped(value).encode(),
                    window,
                    number(count),
                )
                for (dimension, value, outcome, reason_class), count in tally.breakdowns.items()
            ]
        ),
        lines(catalogue.WINDOW_AMOUNT_MAX.name, [_LARGEST[pair] for pair in largest], end, *amounts(largest.values())),
        line(catalogue.WINDOW_FAILURE_RATIO, label + window, failures / ended if ended else math.nan),
        line(catalogue.WINDOW_FAILURE_RATIO_LOWER, label + window, wilson_lower(failures, ended)),
    )
