"""A CSV of `timestamp,value` as a history on a grid, or what is wrong with it, with file, line and what to do.

What a point may lack is decided by what a person would do: a value that is empty, NaN or negative says that nothing is
known, so the point is left out and counted, and so is a step without a line; a value that is no number at all is an
error, for the file is not what it is thought to be.
"""

import csv
import math
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby, pairwise
from statistics import median
from typing import Final, NamedTuple

from exporter.baseline import MISSING, History
from exporter.config.durations import format_duration
from exporter.model import SECOND, Duration, Instant

_MOST_SLOTS: Final = 5_000_000
_UNKNOWN: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "inf", "-inf", "infinity", "-infinity"})
_MILLISECONDS_FROM: Final = 100_000_000_000
"""A timestamp in digits alone that is this large is meant in milliseconds: as seconds it is the year 5138."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SeriesInvalid(Exception):
    """The file cannot be replayed; the text says where, why and what to do."""


class Series(NamedTuple):
    """The points on their grid, how many there are, and what was left out, for a person."""

    history: History
    points: int
    notes: tuple[str, ...]


class _Point(NamedTuple):
    at: Instant
    value: float


def read_series(lines: Iterable[str], name: str, step: Duration) -> Series:
    """The series of a CSV with a header that names `timestamp` and `value`; other columns are passed over.

    Timestamps: RFC 3339, `YYYY-MM-DD HH:MM:SS` (UTC), or seconds since 1970; in any order. Each is the beginning of
    its step. Raises SeriesInvalid.
    """
    rows = csv.reader(lines, strict=True)
    points: list[_Point] = []
    unknown = negative = 0
    try:
        header = next(rows, [])
        when, what = _columns(header, name)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            place = f"{name}:{rows.line_num}"
            if len(row) <= max(when, what):
                raise SeriesInvalid(f"{place}: {len(row)} column(s), the header has {len(header)}: mend this line")
            if any(cell.strip() for cell in row[len(header) :]):
                raise SeriesInvalid(
                    f"{place}: {len(row)} columns, the header has {len(header)}: write numbers without a thousands "
                    "separator (1234, not 1,234), and put quotes around a text with a comma"
                )
            at, value = _instant(row[when].strip(), place), _value(row[what].strip(), place)
            unknown += value is None
            negative += value is not None and value < 0
            points.append(_Point(at, MISSING if value is None or value < 0 else value))
    except csv.Error as error:
        raise SeriesInvalid(f"{name}:{rows.line_num}: not CSV: {error}") from error
    if len(points) == unknown + negative:
        raise SeriesInvalid(f"{name}: no points: write one line `timestamp,value` for each step below the header")
    history, taken = _on_grid(points, name, step)
    counted = (
        (unknown, "without a value: left out"),
        (negative, "negative: left out"),
        (len(points) - sum(taken), "for a step that has one already: the later line counts"),
    )
    notes = [f"{name}: {count} point(s) {text}" for count, text in counted if count]
    if (absent := len(taken) - sum(taken)) > 0:
        begin, end = (_written(instant) for instant in _longest_gap(history, taken))
        notes.append(
            f"{name}: {absent} step(s) without a line, the longest gap from {begin} to {end}: taken as not known, and "
            "not judged; where there was nothing, write lines with 0"
        )
    return Series(history, sum(1 for value in history.values if value >= 0), tuple(notes))


def _longest_gap(history: History, taken: bytearray) -> tuple[Instant, Instant]:
    """The longest stretch of steps that no line stands for, [begin, end)."""
    place = begin = longest = 0
    for found, run in groupby(taken):
        length = len(list(run))
        if not found and length > longest:
            begin, longest = place, length
        place += length
    return history.start + begin * history.step, history.start + (begin + longest) * history.step


def _columns(header: Sequence[str], name: str) -> tuple[int, int]:
    names = [cell.strip().strip('"').removeprefix("\ufeff").strip('"').lower() for cell in header]
    try:
        return names.index("timestamp"), names.index("value")
    except ValueError:
        found = ",".join(header)[:60] or "nothing"
        raise SeriesInvalid(f'{name}:1: the header must be "timestamp,value", found: {found}') from None


def _instant(text: str, place: str) -> Instant:
    try:
        if text.replace(".", "", 1).isdecimal():
            number = float(text)
            return round(number * SECOND) if number < _MILLISECONDS_FROM else round(number * 1_000)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        wanted = "2026-03-01T00:00:00Z, 2026-03-01 00:00:00 (UTC) or seconds since 1970"
        raise SeriesInvalid(f'{place}: "{text[:40]}" is not a timestamp: write {wanted}') from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    gone = moment - _EPOCH
    return (gone.days * 86_400 + gone.seconds) * SECOND + gone.microseconds


def _value(text: str, place: str) -> float | None:
    if text.lower() in _UNKNOWN:
        return None
    try:
        # Python takes 1_000 for a number; nothing else that writes CSV does.
        value = float(text.replace("_", "?"))
    except ValueError:
        raise SeriesInvalid(
            f'{place}: "{text[:40]}" is not a value: write a number, or nothing (1234.5, without separators)'
        ) from None
    return value if math.isfinite(value) else None


def _on_grid(points: Sequence[_Point], name: str, step: Duration) -> tuple[History, bytearray]:
    """Each point in its slot, and which slots have one. The grid begins with the earliest point."""
    instants = sorted({point.at for point in points})
    _check_distances(instants, name, step)
    start = instants[0]
    slots = (instants[-1] - start + step // 2) // step + 1
    if slots > _MOST_SLOTS:
        first, last = (_written(instant) for instant in (start, instants[-1]))
        raise SeriesInvalid(
            f"{name}: from {first} to {last} are {slots} steps of {format_duration(step)}, {_MOST_SLOTS} at most: "
            "look for a wrong timestamp, or cut the file"
        )
    values = array("d", (MISSING,)) * slots
    taken = bytearray(slots)
    for at, value in points:
        place = (at - start + step // 2) // step
        taken[place] = 1
        values[place] = value
    return History(start, step, values), taken


def _check_distances(instants: Sequence[Instant], name: str, step: Duration) -> None:
    """The step must be the one that the points have: nothing is summed up or spread out silently."""
    if len(instants) < 2:
        return
    usual = round(median(later - earlier for earlier, later in pairwise(instants)))
    if usual * 3 < step * 2 or usual * 2 > step * 3:
        fitting = format_duration(max(1, round(usual / SECOND)) * SECOND)
        raise SeriesInvalid(
            f"{name}: its points are {fitting} apart, not {format_duration(step)}: give --step={fitting}"
        )


def _written(instant: Instant) -> str:
    return f"{datetime.fromtimestamp(instant // SECOND, UTC):%Y-%m-%dT%H:%M:%SZ}"
