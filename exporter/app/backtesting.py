"""`backtest`, put together: a file from the disk or the bank's own history, replayed, and told as it was asked for."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from exporter.app.clock import wall_clock
from exporter.app.looking_back import ArgumentInvalid, Interrupted, past_span, read_accounts
from exporter.app.signals import until_signalled
from exporter.app.starting import StartFailed
from exporter.backtest import (
    Alarm,
    Rules,
    SeriesInvalid,
    as_json,
    as_json_by_terminal,
    as_text,
    read_series,
    replay,
    shortness,
)
from exporter.bank import MAX_RECORDS, BankError
from exporter.baseline import SLOT, WEEK, Settings, Thresholds, usual
from exporter.client import EpayClient
from exporter.config import Account, Config, DurationInvalid, TerminalFilter, parse_duration
from exporter.model import DAY, Duration, Span, Terminal
from exporter.poller import CELL, Almanac, PastReader
from exporter.windows import batches

_TOGETHER: Final = 100


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
    alarms, whole = replay(series.history), len(series.history) * length
    if format_ == "json":  # whose readers must not take a series that is too short for one without a fault
        return as_json(alarms, series.points), (*series.notes, *shortness(whole))
    return as_text(alarms, series.points, whole), series.notes


def _step(text: str) -> Duration:
    try:
        step = parse_duration(text)
    except DurationInvalid as invalid:
        hint = f': did you mean "{invalid.suggestion}"?' if invalid.suggestion else ""
        raise ArgumentInvalid(f'--step: "{text}" is {invalid}{hint}') from invalid
    if step <= 0:
        raise ArgumentInvalid(f'--step: "{text}": how far apart the points are, like 15m or 1h')
    if step > DAY:
        raise ArgumentInvalid(f'--step: "{text}" is longer than a day: the same time of past weeks is what is compared')
    return step


async def backtest_bank(config: Config, start: str, end: str, format_: str) -> tuple[str, tuple[str, ...]]:
    """The same of every configured terminal over [start, end), from what the bank lists of it and of the weeks before.

    Raises ArgumentInvalid, StartFailed where the bank does not let it be done, and Interrupted.
    """
    span = past_span(start, end, wall_clock())
    past = Span((span.start - (config.baseline.weeks + 1) * WEEK) // CELL * CELL, -(-span.end // CELL) * CELL)
    almanacs = {terminal.name: Almanac(terminal.name, past.start // DAY) for terminal in config.terminals}
    known_to = min(span.end, wall_clock() - config.poll.lookback) // SLOT * SLOT  # what is later may not be listed yet
    async with until_signalled() as received:
        try:
            unread = await _read(config, past, almanacs)
        except BankError as error:
            raise StartFailed(str(error)) from None
    if received:
        raise Interrupted(received[0], "interrupted: nothing of a backtest is kept")
    notes = (f"{unread} stretches of history do not add up to the bank's count, and are left out",) if unread else ()
    span = Span(span.start, min(span.end, known_to))
    alarms = {each.name: _alarms(config, each, almanacs[each.name], span) for each in config.terminals}
    points = sum(len(almanac.operations.between(*span)) for almanac in almanacs.values())
    if format_ == "json":
        return as_json_by_terminal(alarms, points), notes
    length = span.end - past.start
    each = points // len(alarms)
    return "\n\n".join(f"{name}\n{as_text(its, each, length)}" for name, its in alarms.items()), notes


def _alarms(config: Config, terminal: Terminal, almanac: Almanac, span: Span) -> tuple[Alarm, ...]:
    """One terminal's alarms within the span, by its own thresholds; holidays and maintenances are left out."""
    almanac.operations.leave_out(span.end, almanac.operations.end)
    history = usual(
        almanac.operations, [(each.start, each.end) for each in config.calendar if each.concerns(terminal.name)]
    )
    limits = Thresholds.in_force(config.alerts.defaults, config.alerts.terminals.get(terminal.name, {}))
    rules = Rules(limits, Settings(weeks=config.baseline.weeks), config.baseline.windows)
    return tuple(alarm for alarm in replay(history, rules) if alarm.end > span.start and alarm.start < span.end)


async def _read(config: Config, past: Span, almanacs: dict[str, Almanac]) -> int:
    """Fill the almanacs from the bank; how many stretches could not be, since they did not add up."""
    starts = range(past.start, past.end, CELL)
    unread = 0

    async def read(account: Account, bank: EpayClient) -> None:
        nonlocal unread
        reader = PastReader(bank, account.terminals, config.outcomes)
        names = [terminal.name for terminal in account.terminals]
        together = len(names) if account.terminal_filter is TerminalFilter.CLIENT else _TOGETHER
        for start in starts:
            for assignment in batches(Span(start, start + CELL), names, together):
                tallies = await reader.read(assignment)
                unread += tallies is None
                for name, tally in (tallies or {}).items():
                    almanacs[name].put(assignment.span, tally)
            advance()

    with _progress(len(starts) * len(config.accounts)) as advance:
        await read_accounts(config, MAX_RECORDS, read)
    return unread


@contextlib.contextmanager
def _progress(steps: int) -> Iterator[Callable[[], None]]:
    """A bar where somebody looks at it."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # what draws it is loaded for nobody else
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("reading history", total=steps)
        yield lambda: bar.advance(task)
