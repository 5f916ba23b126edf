"""Whole columns of a page at once: what `fields` reads one by one, much faster where all is as documented.

A column is checked and cut as one long text, by calls that do not come back to Python for each value. What is put
behind each value stands where it is looked for only if all of them are as long as documented. Where anything is
otherwise, each value is read for itself; so both give the same, and an odd page is only slower.
"""

import struct
from collections.abc import Sequence
from operator import add
from typing import Any

from exporter.model import Instant
from exporter.payload import fields

_UUID = 37
_UUID_MARKS = {8: "-", 13: "-", 18: "-", 23: "-", 36: " "}
"""Where characters stand that are no digits: `f0c79d0d-1b98-4b8c-8ea3-83a110be191e `."""

_DATED = 33
_OFFSET = 6
"""`2022-02-03T11:42:35.533398+06:00,`: a comma can stand nowhere else."""

_UNITS = (1, 10, 100, 1_000, 10_000)
"""Minor units of one major unit, by the currency's exponent."""


def identities(texts: Sequence[str]) -> Sequence[bytes | None]:
    """The ids of a column, as `fields.identity` reads each."""
    whole, count = " ".join([*texts, ""]), len(texts)
    if len(whole) == _UUID * count and all(whole[at::_UUID] == mark * count for at, mark in _UUID_MARKS.items()):
        try:
            numbers = bytes.fromhex(whole.replace("-", ""))  # it skips blanks
        except ValueError:
            numbers = b""
        if len(numbers) == 16 * count:  # no blank, and no dash, stands where a digit should
            return struct.unpack("16s" * count, numbers)
    return [fields.identity(text) for text in texts]


def instants(texts: Sequence[str]) -> list[Instant | None]:
    """The instants of a column, as `fields.instant` reads each; where some are written otherwise, those alone."""
    found = _dated(texts)
    if found is not None:
        return found
    usual = [text for text in texts if len(text) == _DATED - 1]
    others = iter(_dated(usual) or map(fields.instant, usual))
    return [next(others) if len(text) == _DATED - 1 else fields.instant(text) for text in texts]


def _dated(texts: Sequence[str]) -> list[Instant | None] | None:
    """The instants of a column in which all are as documented, none of them None; None where any is otherwise.

    Within a page the offset is the same and minutes repeat, so those are read once; the rest of a text is one number of
    microseconds.
    """
    whole, count, offset = ",".join([*texts, ""]), len(texts), "".join(texts[:1])[26:]
    marks = {19: ".", _DATED - 1: ",", **dict(enumerate(offset, start=26))}
    if len(whole) != _DATED * count or len(offset) != _OFFSET:
        return None
    if any(whole[at::_DATED] != mark * count for at, mark in marks.items()):
        return None
    digits = whole.replace(".", "").encode("ascii", "replace")
    if len(digits) != (_DATED - 1) * count:  # a point stands somewhere else as well
        return None
    heads, rests = struct.unpack("17s15x" * count, digits), struct.unpack("17x8s7x" * count, digits)
    minutes = {head: fields.minute(head.decode(), offset) for head in set(heads)}
    if None in minutes.values() or not b"".join(rests).isdigit() or max(rests) >= b"6":
        return None
    return list(map(add, map(minutes.__getitem__, heads), map(int, rests)))


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
