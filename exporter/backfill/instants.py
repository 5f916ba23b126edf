"""The times that a person writes on a command line: `2026-03-21`, `2026-03-21T08:00:00+05:00`, `now`, `now-7d`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from exporter.config import DurationInvalid, parse_duration
from exporter.model import SECOND, Instant
from exporter.payload.fields import instant as rfc3339

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class WhenInvalid(ValueError):
    """A text is not a time; its own text says what is wrong and what would be right."""


def instant(text: str, now: Instant) -> Instant:
    """The whole second that a text names, cut off, not rounded. A date alone is its midnight in UTC."""
    moment = _moment(text.strip(), now)
    return moment - moment % SECOND


def written(moment: Instant) -> str:
    """An instant as RFC 3339 in UTC, to the second."""
    return (_EPOCH + timedelta(microseconds=moment)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str, now: Instant) -> Instant:
    if text == "now":
        return now
    if text.startswith("now-"):
        try:
            return now - parse_duration(text.removeprefix("now-"))
        except DurationInvalid as invalid:
            hint = f': did you mean "now-{invalid.suggestion}"?' if invalid.suggestion else ""
            raise WhenInvalid(f'"{text}": what follows "now-" is {invalid}{hint}') from None
    moment = rfc3339(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    if moment is not None:
        return moment
    if rfc3339(f"{text}Z") is not None:
        raise WhenInvalid(f'"{text}" has no offset from UTC: add one, as in +05:00, or Z for UTC')
    raise WhenInvalid(f'"{text}" is not a time: write it as 2026-03-21T00:00:00+05:00, 2026-03-21 (UTC), now or now-7d')
