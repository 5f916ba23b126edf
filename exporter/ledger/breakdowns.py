"""What windows are broken down by: issuers and kinds of cards, within bounds.

Names of banks are written in any script, so these labels may hold what codes may not. They stay short, printable, and
without the long runs of digits that cards, phones and personal numbers have.
"""

import re
from collections.abc import Sequence
from typing import Final
from unicodedata import normalize

from exporter.model import OTHER, Details

UNKNOWN: Final = "unknown"
"""The value where the record has none."""

LONGEST: Final = 40
"""Characters of a value; the rest is cut off."""

_MOST_HELD: Final = 4096
_LONGEST_HELD: Final = 256
_DIGITS: Final = re.compile(r"\d(?:[\W_]*\d){7}")
"""Eight digits or more, whatever stands between them but letters: a card, a phone, a personal number."""


class DetailBook:
    """The values that one terminal's dimensions may show: first come, first served, up to the limit of each."""

    def __init__(self, dimensions: Sequence[str], max_values: int) -> None:
        self._dimensions = tuple(dimensions)
        self._max_values = max_values
        self._admitted: dict[str, set[str]] = {dimension: set() for dimension in dimensions}
        self._held: dict[Details, Details] = {}

    def lacks(self, details: Details) -> bool:
        """Whether an operation was stored when another set of dimensions was configured, and has not all of these."""
        return len(details) < len(self._dimensions) or not self._admitted.keys() <= dict(details).keys()

    def bounded(self, details: Details) -> Details:
        """A value for each dimension, fit to be shown; one tuple for all operations that have the same."""
        known = self._held.get(details)
        if known is None:
            given = dict(details)
            known = tuple((name, self._value(name, given.get(name, ""))) for name in self._dimensions)
            if len(self._held) >= _MOST_HELD:  # a flood of new values must not fill the memory
                self._held.clear()
            known = self._held.setdefault(known, known)
            if all(len(value) <= _LONGEST_HELD for _, value in details):
                self._held[details] = known
        return known

    def _value(self, dimension: str, text: str) -> str:
        value = presentable(text)
        admitted = self._admitted[dimension]
        if value in (OTHER, UNKNOWN) or value in admitted:
            return value
        if len(admitted) >= self._max_values:
            return OTHER
        admitted.add(value)
        return value


def presentable(text: str) -> str:
    """A value as it is shown: `unknown` where there is none, `other` where it looks like a number of somebody's."""
    text = text[:_LONGEST_HELD]
    printable = "".join(
        char if char.isprintable() else " " if char.isspace() else "" for char in normalize("NFC", text)
    )
    words = " ".join(printable.split())
    if _DIGITS.search(words) or "@" in words:
        return OTHER
    return words[:LONGEST].rstrip() or UNKNOWN
