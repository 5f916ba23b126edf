"""Readers of single values: each takes a Value and gives what it says, or raises Wrong with what to do about it."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from exporter.config.durations import DurationInvalid, format_duration, parse_duration
from exporter.config.problems import Wrong
from exporter.config.values import Value, Words, close
from exporter.model import Duration, Instant

E = TypeVar("E", bound=StrEnum)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]{0,17})(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_SIZE: Final = re.compile(r"(0|[1-9][0-9]{0,14})\s?([KMG]iB)?", re.ASCII)
_UNITS: Final = {None: 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?P<fraction>\.\d+)?(?P<offset>[Zz]|[-+]\d\d:\d\d)?", re.ASCII
)
# Everything that YAML 1.1 or 1.2 gives another type than text; 1:30 and 0777 are numbers to the former.
_TYPED: Final = re.compile(
    r"true|false|yes|no|on|off|null|~|[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-f_]+|\.inf"
    r"|\d[\d_]*(?::[0-5]?\d)*(?:\.[\d_]*)?(?:e[-+]?\d+)?|\.\d[\d_]*(?:e[-+]?\d+)?)|\.nan",
    re.ASCII | re.IGNORECASE,
)
LONGEST_NAME: Final = 64


def _given(value: Value) -> Words:
    words = value.words()
    if words.null:
        raise Wrong("no value is given")
    return words


def text(value: Value) -> str:
    """Text of one line that is not empty. Unquoted numbers are refused: YAML tools disagree on what 00123 is."""
    words = _given(value)
    if words.plain and _TYPED.fullmatch(words.text):
        raise Wrong("text is wanted, but without quotes YAML takes this for something else", "put it in quotes")
    if not words.text.strip():
        raise Wrong("the text is empty")
    if not words.text.isprintable():
        raise Wrong("the text has line breaks or control characters")
    return words.text


def secret(value: Value) -> str:
    """A credential: any text that is not empty, also with blanks and line breaks. No error says anything of it."""
    words = _given(value)
    if words.plain and _TYPED.fullmatch(words.text):
        raise Wrong("text is wanted, but without quotes YAML takes this for something else", "put it in quotes")
    if not words.text:
        raise Wrong("the text is empty")
    return words.text


def label(value: Value) -> str:
    """A text that is fit to identify a series: short, and without blanks at its ends, which nobody would see."""
    said = text(value)
    if len(said) > LONGEST_NAME:
        raise Wrong(f"longer than {LONGEST_NAME} characters")
    if said != said.strip():
        raise Wrong("the text begins or ends with blanks")
    return said


def choice(kind: type[E]) -> Callable[[Value], E]:
    """One of the words of an enumeration."""

    def read(value: Value) -> E:
        return kind(word(tuple(kind))(value))

    return read


def word(choices: Sequence[str]) -> Callable[[Value], str]:
    """One of a few words."""

    def read(value: Value) -> str:
        words = _given(value)
        if words.text in choices:
            return words.text
        listed = ", ".join(choices)
        meant = close(words.text, list(choices)) if words.public else []
        raise Wrong(f"{words.shown} is not one of {listed}", f'did you mean "{meant[0]}"?' if meant else "")

    return read


def whole(minimum: int) -> Callable[[Value], int]:
    """A whole number that is at least `minimum`."""

    def read(value: Value) -> int:
        words = _given(value)
        if not _WHOLE.fullmatch(words.text) or _quoted_number(words):
            raise Wrong(f"{words.shown} is not a whole number", _number_hint(words))
        number = int(words.text)
        if number < minimum:
            raise Wrong(f"must be at least {minimum}")
        return number

    return read


def number(value: Value) -> float:
    """A finite number."""
    words = _given(value)
    if not _NUMBER.fullmatch(words.text) or _quoted_number(words):
        raise Wrong(f"{words.shown} is not a number", _number_hint(words))
    result = float(words.text)
    if not math.isfinite(result):
        raise Wrong("the number is too large")
    return result


def positive_number(value: Value) -> float:
    """A finite number above zero."""
    result = number(value)
    if result <= 0:
        raise Wrong("must be more than 0")
    return result


def duration(minimum: Duration) -> Callable[[Value], Duration]:
    """A duration as Prometheus writes it, at least `minimum` long."""

    def read(value: Value) -> Duration:
        words = _given(value)
        try:
            result = parse_duration(words.text)
        except DurationInvalid as invalid:
            hint = f'did you mean "{invalid.suggestion}"?' if invalid.suggestion and words.public else ""
            raise Wrong(f"{words.shown} is {invalid}", hint) from None
        if result < minimum:
            raise Wrong(f"must be at least {format_duration(minimum)}" if result else "must be more than 0s")
        return result

    return read


def size(minimum: int) -> Callable[[Value], int]:
    """A number of bytes, with KiB, MiB or GiB behind it or nothing."""

    def read(value: Value) -> int:
        words = _given(value)
        match = _SIZE.fullmatch(words.text)
        if match is None:
            raise Wrong(f"{words.shown} is not a size like 32MiB", "known units: KiB, MiB, GiB; bytes without a unit")
        result = int(match[1]) * _UNITS[match[2]]
        if result < minimum:
            raise Wrong(f"must be at least {minimum} bytes")
        return result

    return read


def instant(value: Value) -> Instant:
    """A time as RFC 3339 writes it, in microseconds since the epoch."""
    words = _given(value)
    match = _TIME.fullmatch(words.text)
    if match is None:
        raise Wrong(f"{words.shown} is not a time", "write it as 2026-03-21T00:00:00+05:00")
    if match["offset"] is None:
        raise Wrong("the time has no offset from UTC", "add one, as in +05:00, or Z for UTC")
    plain = words.text.upper().replace(" ", "T")
    if match["fraction"]:
        plain = plain.replace(match["fraction"], match["fraction"][:7])
    try:
        moment = datetime.fromisoformat(plain)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise Wrong(f"{words.shown} is not a time", "there is no such day, hour or offset") from None


def _quoted_number(words: Words) -> bool:
    """A number in quotes is text; one that comes from a variable is meant as a number, quotes or not."""
    return words.public and not words.plain


def _number_hint(words: Words) -> str:
    if _quoted_number(words) and _NUMBER.fullmatch(words.text):
        return "remove the quotes"
    return "leading zeros, underscores and other bases are not understood" if words.text[:1].isdigit() else ""
