"""Numbers as both formats allow them, in the fewest digits that name the same double; and amounts in major units."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import truediv
from typing import Final

import msgspec
from prometheus_client.utils import floatToGoString

from exporter.model import minor_units

_POWERS: Final = (1, 10, 100, 1_000, 10_000)
_encode: Final = msgspec.json.Encoder().encode
"""Writes a list of doubles in a fraction of the time that `repr` takes for each, in as few digits."""
_OTHERWISE: Final = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def major(amount: int, currency: str) -> float:
    """An amount in major units: the double nearest to the exact decimal, which dividing two integers gives."""
    return amount / power(currency)


def majors(amounts: Sequence[int], powers: Iterable[int]) -> list[bytes]:
    """The same of many, written; `powers` are of their currencies, and may be more than the amounts."""
    return _encode([*map(truediv, amounts, powers)])[1:-1].split(b",") if amounts else []


def number(value: float) -> str:
    """A number as Python writes it, which is less work than to write it as Go does: readers see no difference."""
    digits = repr(float(value))
    return _OTHERWISE.get(digits, digits)


def bound(value: float) -> str:
    """The upper bound of a bucket as OpenMetrics demands it: `500.0`, `1e+06`."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # the library types only half of itself


@lru_cache(maxsize=1024)
def power(currency: str) -> int:
    """How many minor units a major one has."""
    return _POWERS[minor_units(currency)]
