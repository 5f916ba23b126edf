"""Whole columns of a page at once: what `fields` reads one by one, much faster where all is as documented.

A column is checked and cut as one long text, by calls that do not come back to Python for each value. Where anything in
it is otherwise, each value is read for itself; so both give the same, and an odd page is only slower.
"""

import struct
from collections.abc import Sequence
from operator import add
from typing import Any

from exporter.model import Instant
from exporter.payload import fields

_UUID = 36
_DASHES = (8, 13, 18, 23)
_DATED = 32
"""The documented length: `2022-02-03T11:42:35.533398+06:00`."""

_UNITS = (1, 10, 100, 1_000, 10_000)
"""Minor units of one major unit, by the currency's exponent."""


def identities(texts: Sequence[str]) -> Sequence[bytes | None]:
    """The ids of a column, as `fields.identity` reads each."""
    whole, count = "".join(texts), len(texts)
    if set(map(len, texts)) == {_UUID} and all(whole[place::_UUID] == "-" * count for place in _DASHES):
        try:
            numbers = bytes.fromhex(whole.replace("-", ""))
        except ValueError:
            numbers = b""
        if len(numbers) == 16 * count:  # fromhex skips blanks
            return struct.unpack("16s" * count, numbers)
    return [fields.identity(text) for text in texts]


def instants(texts: Sequence[str]) -> list[Instant | None]:
    """The instants of a column, as `fields.instant` reads each; where some are written otherwise, those alone."""
    usual = [text for text in texts if len(text) == _DATED]
    found = _dated(usual)
    if len(usual) == len(texts):
        return found
    others = iter(found)
    return [next(others) if len(text) == _DATED else fields.instant(text) for text in texts]


def _dated(texts: Sequence[str]) -> list[Instant | None]:
    """Instants of the documented length.

    Within a page the offset is the same and minutes repeat, so those are read once; the rest of a text is one number of
    microseconds.
    """
    whole, count, offset = "".join(texts), len(texts), "".join(texts[:1])[26:]
    digits = whole.encode().replace(b".", b"") if whole.isascii() else b""
    pointed = whole[19::_DATED] == "." * count and len(digits) == (_DATED - 1) * count
    if pointed and all(whole[place::_DATED] == char * count for place, char in enumerate(offset, start=26)):
        heads, rests = struct.unpack("17s14x" * count, digits), struct.unpack("17x8s6x" * count, digits)
        minutes = {head: fields.minute(head.decode(), offset) for head in set(heads)}
        if None not in minutes.values() and b"".join(rests).isdigit() and max(rests) < b"6":
            return list(map(add, map(minutes.__getitem__, heads), map(int, rests)))
    return list(map(fields.instant, texts))


def amounts(written: Sequence[Any], exponents: Sequence[int]) -> list[int | None]:
    """The amounts of a column in minor units: whole numbers as they are, everything else as `fields.minor_units` does.

    A number with decimals is the text that the bank wrote: nothing goes through a binary float.
    """
    largest = fields.LARGEST_WHOLE
    return [
        amount * _UNITS[exponent]
        if amount.__class__ is int and 0 <= amount <= largest
        else fields.written_amount(amount, exponent)
        for amount, exponent in zip(written, exponents, strict=True)
    ]
