"""Alarms for a program (JSON) and for a person (a table)."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from exporter.backtest.replay import Alarm
from exporter.baseline import FEWEST_WEEKS, WEEK
from exporter.config.durations import format_duration
from exporter.model import MINUTE, SECOND, Duration, Instant

_COLUMNS: Final = "{:<22}{:<22}{:>9}  {}"


def as_json(alarms: Sequence[Alarm], points: int) -> str:
    """`{"alarms": [{"start", "end", "direction"}], "points"}`, times as RFC 3339 in UTC."""
    return json.dumps({"alarms": [_record(alarm) for alarm in alarms], "points": points})


def as_json_by_terminal(alarms: Mapping[str, Sequence[Alarm]], points: int) -> str:
    """The same of several terminals: each alarm begins with its `terminal`."""
    found = [{"terminal": name, **_record(alarm)} for name, its in alarms.items() for alarm in its]
    return json.dumps({"alarms": found, "points": points})


def as_text(alarms: Sequence[Alarm], points: int, length: Duration) -> str:
    """A table of the alarms, and below it from how much they come."""
    lines = []
    if alarms:
        lines = [_COLUMNS.format("START (UTC)", "END", "FOR", "DIRECTION")]
        for start, end, direction in alarms:
            lasted = format_duration((end - start) // MINUTE * MINUTE)
            lines.append(_COLUMNS.format(_plain(start), _plain(end), lasted, direction.value))
        lines.append("")
    weeks = length / WEEK
    lines.append(f"alarms: {len(alarms)}, points: {points}, weeks: {weeks:.1f}")
    return "\n".join([*lines, *shortness(length)])


def shortness(length: Duration) -> tuple[str, ...]:
    """What must be said of a series that is too short for any alarm; nothing of one that is not."""
    weeks = length / WEEK
    if weeks > FEWEST_WEEKS:
        return ()
    return (f"no alarm can come of {weeks:.1f} weeks: the first {FEWEST_WEEKS} weeks are what is compared with",)


def _record(alarm: Alarm) -> dict[str, str]:
    return {"start": _rfc3339(alarm.start), "end": _rfc3339(alarm.end), "direction": alarm.direction.value}


def _rfc3339(instant: Instant) -> str:
    moment = datetime.fromtimestamp(instant // SECOND, UTC).replace(microsecond=instant % SECOND)
    return moment.isoformat().replace("+00:00", "Z")


def _plain(instant: Instant) -> str:
    return f"{datetime.fromtimestamp(instant // SECOND, UTC):%Y-%m-%d %H:%M:%S}"
