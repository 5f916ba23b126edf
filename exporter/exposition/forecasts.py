"""What is expected of the windows by the past weeks, and what else the past says of a terminal."""

from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.lines import escaped, line, terminal_label, window_label
from exporter.exposition.numbers import major
from exporter.model import SECOND, Expected, Forecast

_OPERATIONS: Final = (
    catalogue.EXPECTED_OPERATIONS,
    catalogue.EXPECTED_OPERATIONS_LOWER,
    catalogue.EXPECTED_OPERATIONS_UPPER,
)
_AMOUNTS: Final = (catalogue.EXPECTED_AMOUNT, catalogue.EXPECTED_AMOUNT_LOWER, catalogue.EXPECTED_AMOUNT_UPPER)
FORECASTS: Final = (*_OPERATIONS, *_AMOUNTS, catalogue.BASELINE_WEEKS, catalogue.USUAL_GAP, catalogue.ACTIVE_DAYS)


def forecast_lines(terminal: str, forecast: Forecast | None, *, shown: bool) -> tuple[str, ...]:
    """The lines of a terminal that has been read, one text for each of FORECASTS.

    `shown`: its windows are, so what is expected of them is as well; its habits are in any case.
    """
    own = terminal_label(terminal)
    if forecast is None:
        return (*[""] * 6, line(catalogue.BASELINE_WEEKS, own, 0), "", "")
    texts = dict.fromkeys((*_OPERATIONS, *_AMOUNTS), "")
    for expected in forecast.windows if shown else ():
        currency = f'currency="{escaped(expected.currency)}",' if expected.currency else ""
        labels = currency + own + window_label(expected.window)
        definitions = _AMOUNTS if expected.currency else _OPERATIONS
        for definition, value in zip(definitions, _values(expected), strict=True):
            texts[definition] += line(definition, labels, value)
    gap = forecast.usual_gap
    return (
        *texts.values(),
        line(catalogue.BASELINE_WEEKS, own, forecast.weeks),
        "" if gap is None else line(catalogue.USUAL_GAP, own, gap / SECOND),
        line(catalogue.ACTIVE_DAYS, own, forecast.active_days),
    )


def _values(expected: Expected) -> tuple[float, float, float]:
    if not expected.currency:
        return expected.expected, expected.lower, expected.upper
    middle, lower, upper = (round(value) for value in (expected.expected, expected.lower, expected.upper))
    currency = expected.currency
    return major(middle, currency), major(lower, currency), major(upper, currency)
