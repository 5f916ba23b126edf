"""Durations as Prometheus writes them (`1h30m`, `1w`, `500ms`), from and to whole microseconds."""

import re
from typing import Final

from exporter.model import DAY, HOUR, MINUTE, SECOND, Duration

MILLISECOND: Final[Duration] = 1_000
_UNITS: Final[dict[str, Duration]] = {
    "y": 365 * DAY,
    "w": 7 * DAY,
    "d": DAY,
    "h": HOUR,
    "m": MINUTE,
    "s": SECOND,
    "ms": MILLISECOND,
}
_DURATION: Final = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in _UNITS))
# What Prometheus itself can hold: nanoseconds in a signed 64-bit integer, some 292 years.
_LONGEST: Final[Duration] = (2**63 - 1) // 1_000
_LONG_NAMES: Final = {
    "year": "y", "yr": "y", "week": "w", "wk": "w", "day": "d", "hour": "h", "hr": "h", "minute": "m", "min": "m",
    "second": "s", "sec": "s", "millisecond": "ms", "msec": "ms", "milli": "ms",
}  # fmt: skip


class DurationInvalid(ValueError):
    """A text is not a duration. `suggestion` is what was probably meant, or empty."""

    def __init__(self, text: str, suggestion: str = "") -> None:
        super().__init__(text)
        self.suggestion = suggestion


def parse_duration(text: str) -> Duration:
    """Microseconds of a duration like `15s` or `1h30m`; `0` needs no unit. Raises DurationInvalid."""
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise DurationInvalid("not a duration like 15s, 5m or 1h30m", _meant(text))
    amounts = {unit: amount for unit, amount in match.groupdict().items() if amount is not None}
    # int() refuses digits by the thousand with an error of its own.
    if any(len(amount) > 18 for amount in amounts.values()):
        raise DurationInvalid("longer than the 292 years that Prometheus can hold")
    total = sum(int(amount) * _UNITS[unit] for unit, amount in amounts.items())
    if total > _LONGEST:
        raise DurationInvalid("longer than the 292 years that Prometheus can hold")
    return total


def format_duration(duration: Duration) -> str:
    """A duration as Prometheus writes it: years and weeks only where they come out even, `0s` for none.

    This is what the label `window` carries. Raises ValueError for what no such text can say: negative durations, and
    parts of a millisecond.
    """
    if duration < 0 or duration % MILLISECOND:
        raise ValueError(f"{duration} µs cannot be written as a Prometheus duration")
    if duration == 0:
        return "0s"
    parts, rest = [], duration
    for unit, size in _UNITS.items():
        if unit in ("y", "w") and rest % size:
            continue
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)


def _meant(text: str) -> str:
    """The duration that a person may have meant by `15`, `5 min`, `1.5h` or `30m1h`; empty where nobody can say."""
    squeezed = "".join(text.split()).lower()
    if re.fullmatch(r"[0-9]{1,9}", squeezed):
        return f"{int(squeezed)}s"
    pieces = re.findall(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([a-z]+)", squeezed)
    if not pieces or "".join(amount + unit for amount, unit in pieces) != squeezed:
        return ""
    total = 0.0
    for amount, written in pieces:
        unit = _LONG_NAMES.get(written.removesuffix("s"), written)
        if unit not in _UNITS:
            return ""
        total += float(amount) * _UNITS[unit]
    rounded = round(total / MILLISECOND) * MILLISECOND
    return format_duration(rounded) if rounded <= _LONGEST else ""
