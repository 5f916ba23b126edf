"""The times of a command line: what they mean, and what is said of those that are none."""

import re

import pytest

from exporter.backfill import WhenInvalid, instant, written
from exporter.model import DAY, HOUR, MINUTE, SECOND
from tests.tools import NOW


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("now-7d", NOW - 7 * DAY),
        ("now-1h30m", NOW - HOUR - 30 * MINUTE),
        ("2026-11-24", NOW - 4 * HOUR),
        ("2026-11-24T04:00:00Z", NOW),
        ("2026-11-24T09:00:00+05:00", NOW),
        ("2026-11-24T09:00:00.999999+05:00", NOW),
        (" 2026-11-24t04:00:00z ", NOW),
    ],
)
def test_a_time_is_read(text: str, expected: int) -> None:
    assert instant(text, NOW + 123_456) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("now-7", 'not a duration like 15s, 5m or 1h30m: did you mean "now-7s"?'),
        ("now-", "not a duration like 15s, 5m or 1h30m"),
        ("2026-11-24T04:00:00", "has no offset from UTC: add one, as in +05:00, or Z for UTC"),
        ("2026-02-30", "is not a time: write it as"),
        ("yesterday", "is not a time: write it as"),
        ("", "is not a time: write it as"),
        ("1795492800", "is not a time: write it as"),
    ],
)
def test_what_is_no_time_is_told_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(WhenInvalid, match=re.escape(said)):
        instant(text, NOW)


def test_an_instant_is_written_in_utc() -> None:
    assert written(NOW + SECOND) == "2026-11-24T04:00:01Z"
