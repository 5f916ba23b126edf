"""Numbers as the formats write them, and amounts in major units."""

from collections.abc import Iterable
from typing import Final

from exporter.model import minor_units

_POWERS: Final = (1, 10, 100, 1_000, 10_000)

_EXPONENT_FROM: Final = 1_000_000
"""From here on Go writes exponents; Python does so much later, and below it both write the same."""


def major(amount: int, currency: str) -> float:
    """An amount in major units: the double nearest to the exact decimal, which dividing two integers gives."""
    return amount / _POWERS[minor_units(currency)]


def number(value: float) -> bytes:
    """A number as prometheus_client writes it, and Go: `5.0`, `1.25e+06`, `NaN`, `+Inf`."""
    value = float(value)
    if 0 <= value < _EXPONENT_FROM:
        return b"%r" % value
    if value != value:
        return b"NaN"
    digits = repr(value)
    if "inf" in digits:
        return b"+Inf" if value > 0 else b"-Inf"
    point = digits.find(".")
    if value < 0 or point < 0 or "e" in digits:
        return digits.encode()
    fraction = f"{digits[1:point]}{digits[point + 1 :]}".rstrip("0")
    return f"{digits[0]}{'.' if fraction else ''}{fraction}e+{point - 1:02d}".encode()


def whole(values: Iterable[int]) -> tuple[bytes, list[bytes] | list[int]]:
    """How to write numbers of things with `%`: the conversion, and what to give to it. None may be negative."""
    numbers = list(values)
    if max(numbers, default=0) < _EXPONENT_FROM:
        return b"%d.0", numbers
    return b"%b", [number(each) for each in numbers]


def amounts(values: Iterable[float]) -> tuple[bytes, list[bytes] | list[float]]:
    """The same for numbers that may have a fraction, and are neither negative nor NaN."""
    numbers = list(map(float, values))
    if max(numbers, default=0) < _EXPONENT_FROM:
        return b"%r", numbers
    return b"%b", [number(each) for each in numbers]
