"""Reads the sections that are numbers and durations: poll, windows, breakdowns, limits, state, baseline."""

from dataclasses import replace
from typing import Final

from exporter.config.doubts import doubt
from exporter.config.durations import MILLISECOND, format_duration
from exporter.config.leaves import duration, positive_number, size, whole, word
from exporter.config.records import REQUIRED_WINDOWS, Baseline, Limits, Poll
from exporter.config.urls import state_url
from exporter.config.values import Section, Value, each
from exporter.model import SECOND, Duration

BREAKDOWNS: Final = ("sender_issuer", "receiver_issuer", "sender_card_type", "receiver_card_type")
DEFAULT_STATE: Final = ("sqlite:///./epay-exporter.db", 15 * SECOND)


def poll(value: Value) -> Poll:
    """How the bank is read; what a sweep or an outage re-reads must not be shorter than what it follows."""
    section, default = value.section(), Poll()
    some = duration(MILLISECOND)
    result = Poll(
        interval=section.get("interval", some, default.interval),
        lookback=section.get("lookback", some, default.lookback),
        sweep_interval=section.get("sweep_interval", some, default.sweep_interval),
        max_gap=section.get("max_gap", some, default.max_gap),
        follow_pending=section.get("follow_pending", duration(0), default.follow_pending),
        page_size=section.get("page_size", whole(1), default.page_size),
        timeout=section.get("timeout", some, default.timeout),
        max_concurrency=section.get("max_concurrency", whole(1), default.max_concurrency),
        requests_per_second=section.get("requests_per_second", positive_number, default.requests_per_second),
    )
    _not_shorter(section, "lookback", result.lookback, "interval", result.interval)
    _not_shorter(section, "max_gap", result.max_gap, "lookback", result.lookback)
    return result


def _not_shorter(section: Section, longer: str, long: Duration, shorter: str, short: Duration) -> None:
    if section.sound(longer, shorter) and long < short:
        section.at(longer, shorter).report(
            f"must not be shorter than {shorter}",
            f"{longer} is {format_duration(long)}, {shorter} {format_duration(short)}",
        )


def durations(value: Value) -> tuple[Duration, ...]:
    """Lengths of windows, ascending, each once."""
    return tuple(sorted(set(each(value, duration(SECOND)))))


def windows(value: Value) -> tuple[Duration, ...]:
    """The sliding windows, with those that the shipped rules need."""
    return tuple(sorted({*durations(value), *REQUIRED_WINDOWS}))


def breakdowns(value: Value) -> tuple[str, ...]:
    """The dimensions that windows are broken down by, each once."""
    return tuple(dict.fromkeys(each(value, word(BREAKDOWNS))))


def limits(value: Value) -> Limits:
    """Bounds on what the bank can make us hold."""
    section, default = value.section(), Limits()
    return Limits(
        max_codes_per_terminal=section.get("max_codes_per_terminal", whole(1), default.max_codes_per_terminal),
        max_breakdown_values=section.get("max_breakdown_values", whole(1), default.max_breakdown_values),
        max_response_bytes=section.get("max_response_bytes", size(1024), default.max_response_bytes),
    )


def state(value: Value) -> tuple[str, Duration]:
    """Where the state is kept, and for how long a replica holds a share of it without saying so again."""
    section, (url, lease) = value.section(), DEFAULT_STATE
    return section.get("url", state_url, url), section.get("lease", duration(SECOND), lease)


def usual_baseline(polls: Poll) -> Baseline:
    """The baseline that is not configured: its history is read no faster than polls may be."""
    usual = Baseline()
    return replace(usual, history_requests_per_second=min(usual.history_requests_per_second, polls.requests_per_second))


def baseline(value: Value, polls: Poll, shown: tuple[Duration, ...]) -> Baseline:
    """What the expected volume is made from, beside these polls and for some of the windows that are shown."""
    section, default = value.section(), usual_baseline(polls)
    result = Baseline(
        weeks=section.get("weeks", whole(2), default.weeks),
        windows=section.get("windows", durations, default.windows),
        history=section.get("history", duration(0), default.history),
        history_requests_per_second=section.get(
            "history_requests_per_second", positive_number, default.history_requests_per_second
        ),
    )
    doubt(section, result, polls, shown)
    return result
