"""What is expected of the windows by the past weeks, and what else the past says of a terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import Metric

from exporter.config.durations import format_duration
from exporter.exposition import catalogue
from exporter.exposition.numbers import major
from exporter.model import SECOND, Expected, TerminalSnapshot
from tests.plain.catalogue import gauge

_OPERATIONS: Final = (
    catalogue.EXPECTED_OPERATIONS,
    catalogue.EXPECTED_OPERATIONS_LOWER,
    catalogue.EXPECTED_OPERATIONS_UPPER,
)
_AMOUNTS: Final = (catalogue.EXPECTED_AMOUNT, catalogue.EXPECTED_AMOUNT_LOWER, catalogue.EXPECTED_AMOUNT_UPPER)


def forecast_families(fresh: Sequence[TerminalSnapshot], read: Sequence[TerminalSnapshot]) -> Iterator[Metric]:
    """Expectations of the terminals whose windows are shown, and habits of all that have been read."""
    operations = [gauge(definition) for definition in _OPERATIONS]
    amounts = [gauge(definition) for definition in _AMOUNTS]
    for terminal in fresh:
        for expected in terminal.forecast.windows if terminal.forecast else ():
            further = (expected.currency,) if expected.currency else ()
            labels = (terminal.terminal.name, format_duration(expected.window), *further)
            for family, value in zip(amounts if further else operations, _values(expected), strict=True):
                family.add_metric(labels, value)
    yield from operations
    yield from amounts

    weeks, gap, days = gauge(catalogue.BASELINE_WEEKS), gauge(catalogue.USUAL_GAP), gauge(catalogue.ACTIVE_DAYS)
    for terminal in read:
        name = (terminal.terminal.name,)
        weeks.add_metric(name, terminal.forecast.weeks if terminal.forecast else 0)
        if terminal.forecast is not None:
            days.add_metric(name, terminal.forecast.active_days)
            if terminal.forecast.usual_gap is not None:
                gap.add_metric(name, terminal.forecast.usual_gap / SECOND)
    yield weeks
    yield gap
    yield days


def _values(expected: Expected) -> tuple[float, float, float]:
    if not expected.currency:
        return expected.expected, expected.lower, expected.upper
    middle, lower, upper = (round(value) for value in (expected.expected, expected.lower, expected.upper))
    currency = expected.currency
    return major(middle, currency), major(lower, currency), major(upper, currency)
