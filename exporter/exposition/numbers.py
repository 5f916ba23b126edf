"""Numbers as both formats allow them, in the fewest digits that name the same double; and amounts in major units."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from prometheus_client.utils import floatToGoString

from exporter.model import minor_units

_POWERS: Final = (1, 10, 100, 1_000, 10_000)
_OTHERWISE: Final = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def major(amount: int, currency: str) -> float:
    """An amount in major units: the double nearest to the exact decimal, which dividing two integers gives."""
    return amount / _power(currency)


def majors(amounts: Sequence[int], currencies: Sequence[str]) -> list[float]:
    """The same of many, for `%r`, which writes what `number` does. Currencies may be more than amounts."""
    return [amount / _power(currency) for amount, currency in zip(amounts, currencies, strict=False)]


def number(value: float) -> str:
    """A number as Python writes it, which is less work than to write it as Go does: readers see no difference."""
    digits = repr(float(value))
    return _OTHERWISE.get(digits, digits)


def bound(value: float) -> str:
    """The upper bound of a bucket as OpenMetrics demands it: `500.0`, `1e+06`."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # the library types only half of itself


@lru_cache(maxsize=1024)
def _power(currency: str) -> int:
    """How many minor units a major one has."""
    return _POWERS[minor_units(currency)]
