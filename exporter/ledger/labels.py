"""Label values within bounds: the bank's statuses and codes are an open set, and not all of it is fit to be shown."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from exporter.model import OTHER, SeriesKey
from exporter.outcomes import Outcomes

_FIT: Final = re.compile(r"(?!.*\d{8})[\w .\-]{0,32}", re.ASCII)
"""A short word, without the long runs of digits that cards, phones and personal numbers have."""

_MAX_STATUSES: Final = 20
"""How many statuses beyond the named ones, odd spellings of named ones included, a terminal may show."""


class Label(NamedTuple):
    """A series' labels, and what had to be said about them."""

    key: SeriesKey
    overflowed: bool
    unnamed_status: bool
    unnamed_code: bool


class LabelBook:
    """The codes and statuses that one terminal's labels may carry: first come, first served, up to the limit."""

    def __init__(self, terminal: str, outcomes: Outcomes, max_codes: int) -> None:
        self._terminal = terminal
        self._outcomes = outcomes
        self._max_codes = max_codes
        self._codes: set[tuple[str, str]] = set()
        self._statuses: set[str] = set()
        self._cache: dict[tuple[str, str, str], Label] = {}

    def restore(self, keys: Iterable[SeriesKey]) -> None:
        """Take the codes that earlier totals carry as admitted, so that a restart changes no label."""
        for key in keys:
            if OTHER not in (key.code, key.reason_code):
                self._codes.add((key.code, key.reason_code))
            if key.status != OTHER and not self._common(key.status):
                self._statuses.add(key.status)

    def label(self, status: str, code: str, reason_code: str) -> Label:
        """The labels for what a record carries; beyond the limits, or unfit to be shown: `other`."""
        raw = (status, code, reason_code)
        known = self._cache.get(raw)
        if known is None:
            known = self._bound(status, code, reason_code)
            if not known.overflowed:  # a flood of new codes must not fill the memory either
                self._cache[raw] = known
        return known

    def _bound(self, status: str, code: str, reason_code: str) -> Label:
        verdict = self._outcomes.verdict(status, code, reason_code)
        shown = status if self._admits_status(status) else OTHER
        code_shown, reason_shown = (code, reason_code) if self._admits_codes(code, reason_code) else (OTHER, OTHER)
        key = SeriesKey(self._terminal, verdict.outcome, shown, code_shown, reason_shown, verdict.reason_class)
        overflowed = (shown, code_shown, reason_shown) != (status, code, reason_code)
        return Label(key, overflowed, not verdict.status_named, not verdict.code_named)

    def _admits_codes(self, code: str, reason_code: str) -> bool:
        pair = (code, reason_code)
        if pair in self._codes:
            return True
        fit = _FIT.fullmatch(code) and _FIT.fullmatch(reason_code) and OTHER not in pair
        if not fit or len(self._codes) >= self._max_codes:
            return False
        self._codes.add(pair)
        return True

    def _admits_status(self, status: str) -> bool:
        if self._common(status) or status in self._statuses:
            return True
        if not _FIT.fullmatch(status) or status == OTHER or len(self._statuses) >= _MAX_STATUSES:
            return False
        self._statuses.add(status)
        return True

    def _common(self, status: str) -> bool:
        return status in {status.lower(), status.upper()} and status.lower() in self._outcomes.statuses
