"""Which texts of the bank's are fit to be shown as a terminal's number, and how lists of names are written."""

import re
from collections.abc import Iterable
from typing import Final

_FIT: Final = re.compile(
    r"(?!.*\d{9})[A-Za-z0-9_-]{1,16}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII
)
"""A short number or a UUID: longer runs of digits than a terminal's may be a card or a phone in the wrong field."""

_SHOWN: Final = 10


def fit(number: str) -> bool:
    """Whether a record's `terminal` may be shown."""
    return _FIT.fullmatch(number) is not None


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
