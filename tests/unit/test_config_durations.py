"""Durations as Prometheus writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import DurationInvalid, format_duration, parse_duration
from exporter.model import DAY, HOUR, MINUTE, SECOND

LONGEST_MS = (2**63 - 1) // 1_000_000


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0", 0),
        ("0s", 0),
        ("500ms", SECOND // 2),
        ("15s", 15 * SECOND),
        ("90s", 90 * SECOND),
        ("5m", 5 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("24h", DAY),
        ("1w", 7 * DAY),
        ("1y2w3d4h5m6s7ms", 382 * DAY + 4 * HOUR + 5 * MINUTE + 6 * SECOND + 7_000),
    ],
)
def test_a_duration_is_read(text: str, duration: int) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("", ""),
        ("15", "15s"),
        ("015", "15s"),
        ("5 m", "5m"),
        ("5min", "5m"),
        ("2 hours", "2h"),
        ("1.5h", "1h30m"),
        ("30m1h", "1h30m"),
        ("1M", "1m"),
        ("1h 30", ""),
        ("-5s", ""),
        ("5x", ""),
        ("soon", ""),
        ("٣s", ""),
        ("15s\n", "15s"),
        ("300y", ""),
        ("999999999 years", ""),
        ("9" * 5000 + "s", ""),
    ],
)
def test_what_is_no_duration_is_refused_with_what_was_meant(text: str, suggestion: str) -> None:
    with pytest.raises(DurationInvalid) as caught:
        parse_duration(text)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0, "0s"),
        (SECOND // 2, "500ms"),
        (MINUTE, "1m"),
        (90 * SECOND, "1m30s"),
        (HOUR, "1h"),
        (90 * MINUTE, "1h30m"),
        (DAY, "1d"),
        (7 * DAY, "1w"),
        (8 * DAY, "8d"),
        (365 * DAY, "1y"),
        (372 * DAY, "372d"),
    ],
)
def test_a_duration_is_written_as_prometheus_writes_it(duration: int, text: str) -> None:
    assert format_duration(duration) == text


@pytest.mark.parametrize("duration", [-1_000, 1, 999])
def test_what_prometheus_cannot_write_is_refused(duration: int) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        format_duration(duration)


@given(st.integers(min_value=0, max_value=LONGEST_MS))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    duration = milliseconds * 1_000
    assert parse_duration(format_duration(duration)) == duration


@given(st.text())
def test_any_text_is_read_or_refused_and_suggestions_are_durations(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except DurationInvalid as invalid:
        if invalid.suggestion:
            parse_duration(invalid.suggestion)
