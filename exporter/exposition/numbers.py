"""Numbers as the formats write them, and amounts in major units."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from exporter.model import minor_units

_POWERS: Final = (1, 10, 100, 1_000, 10_000)

_EXPONENT_FROM: Final = 1_000_000
"""From here on Go writes exponents; Python does so much later, and below it both write the same."""

_EXACT_BELOW: Final = 10**15
"""An amount of fewer digits is written with just these digits: no double near it has a shorter name."""


def major(amount: int, currency: str) -> float:
    """An amount in major units: the double nearest to the exact decimal, which dividing two integers gives."""
    return amount / _POWERS[minor_units(currency)]


def number(value: float) -> str:
    """A number as prometheus_client writes it, and Go: `5.0`, `1.25e+06`, `NaN`, `+Inf`."""
    value = float(value)
    digits = repr(value)
    if 0 <= value < _EXPONENT_FROM:
        return digits
    if value != value:
        return "NaN"
    if digits in ("inf", "-inf"):
        return "+Inf" if value > 0 else "-Inf"
    point = digits.find(".")
    if value < 0 or point < 0 or "e" in digits:
        return digits
    fraction = (digits[1:point] + digits[point + 1 :]).rstrip("0")
    return f"{digits[0]}{'.' if fraction else ''}{fraction}e+{point - 1:02d}"


def money(amount: int, currency: str) -> str:
    """The same of an amount in minor units, in major ones: from its digits, where that is faster than from a double."""
    power, exponent_from, exponents = _unit(currency)
    if not exponent_from <= amount < _EXACT_BELOW:
        return number(amount / power)
    digits = str(amount)
    shortest = digits.rstrip("0")
    return f"{shortest[0]}{'.' if len(shortest) > 1 else ''}{shortest[1:]}{exponents[len(digits)]}"


def whole(counts: Sequence[int]) -> tuple[str, Sequence[int | str]]:
    """How to write numbers of things with `%`: the conversion, and what to give to it. None may be negative."""
    if max(counts, default=0) < _EXPONENT_FROM:
        return "%d.0", counts
    return "%s", [number(each) for each in counts]


@lru_cache(maxsize=1024)
def _unit(currency: str) -> tuple[int, int, tuple[str, ...]]:
    """How many minor units a major one has, from how many on there is an exponent, and which by number of digits."""
    places = minor_units(currency)
    return _POWERS[places], _EXPONENT_FROM * _POWERS[places], tuple(f"e+{n - places - 1:02d}" for n in range(16))
