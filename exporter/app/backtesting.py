"""`backtest`, put together: a file from the disk, replayed, and told in the form that was asked for."""

from pathlib import Path

from exporter.app.backfilling import ArgumentInvalid
from exporter.backtest import SeriesInvalid, as_json, as_text, read_series, replay
from exporter.config.durations import DurationInvalid, parse_duration
from exporter.model import Duration


def backtest_csv(path: Path, step: str, format_: str) -> tuple[str, tuple[str, ...]]:
    """What there is to say about the series of a CSV, and notes on what was left out of it.

    `format_` is text or json. Raises ArgumentInvalid, its text naming the file and line, or the flag.
    """
    length = _step(step)
    try:
        # A file of Excel's begins with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            series = read_series(lines, str(path), length)
    except OSError as error:
        raise ArgumentInvalid(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ArgumentInvalid(f"{path}: not UTF-8: save it as CSV in UTF-8") from error
    except SeriesInvalid as error:
        raise ArgumentInvalid(str(error)) from error
    alarms = replay(series.history)
    if format_ == "json":
        return as_json(alarms, series.points), series.notes
    return as_text(alarms, series.points, len(series.history.values) * length), series.notes


def _step(text: str) -> Duration:
    try:
        step = parse_duration(text)
    except DurationInvalid as invalid:
        hint = f': did you mean "{invalid.suggestion}"?' if invalid.suggestion else ""
        raise ArgumentInvalid(f'--step: "{text}" is {invalid}{hint}') from invalid
    if step <= 0:
        raise ArgumentInvalid(f'--step: "{text}": how far apart the points are, like 15m or 1h')
    return step
