"""Which language a visitor gets: the one that the address names, else the one that the browser likes best. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from exporter.web.texts import Language

_RANGE: Final = re.compile(
    r"\s*(?P<tag>[a-z0-9-]+|\*)\s*(?:;\s*q\s*=\s*(?P<weight>0(?:\.\d*)?|1(?:\.0*)?)\s*)?", re.IGNORECASE | re.ASCII
)
"""A language range of RFC 9110, 12.5.4, with some more blanks and digits than it allows."""
_ANY: Final = "*"


def chosen(asked: str | None, accepted: str) -> Language:
    """`asked` is the address' `lang`, `accepted` the header Accept-Language; English where both name none of ours.

    Nothing is refused: who would rather have no page than an English one is given an English one.
    """
    named = _ours(asked or "")
    if named is not None:
        return named
    weights = _weights(accepted)
    best = max(weights, key=lambda language: weights[language])  # the first of equals
    return best if weights[best] > 0 else Language.ENGLISH


def _weights(accepted: str) -> dict[Language, float]:
    """How much each language is wanted, in the header's order; a region makes no difference: `ru-KZ` is Russian.

    `*` speaks for those that are not named.
    """
    found: dict[Language, float] = {}
    rest = 0.0
    for tag, weight in _ranges(accepted):
        language = _ours(tag)
        if tag == _ANY:
            rest = max(rest, weight)
        elif language is not None:
            found[language] = max(found.get(language, 0.0), weight)
    return found | {language: rest for language in Language if language not in found}


def _ranges(accepted: str) -> Iterable[tuple[str, float]]:
    """Tags and their weights; a range that is not written properly says nothing."""
    for offer in accepted.split(","):
        match = _RANGE.fullmatch(offer)
        if match:
            yield match["tag"], float(match["weight"] or 1)


def _ours(tag: str) -> Language | None:
    primary = tag.strip().lower().partition("-")[0]
    return next((language for language in Language if language == primary), None)
