"""The backfill as a process: arguments checked, readers built, and a signal that ends it in order."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from exporter.app.clock import wall_clock
from exporter.app.looking_back import ArgumentInvalid, Interrupted, past_span, read_accounts
from exporter.app.signals import until_signalled
from exporter.app.starting import StartFailed
from exporter.backfill import (
    LONGEST_STEP,
    Grid,
    Lane,
    LaneReader,
    OutputExists,
    Progress,
    Sieve,
    Silence,
    Spool,
    SpoolUnusable,
    Wanted,
    lanes,
    partial_of,
    summary,
    write,
)
from exporter.bank import MAX_RECORDS, BankError
from exporter.client import EpayClient
from exporter.config import Account, Config, DurationInvalid, format_duration, parse_duration
from exporter.model import SECOND, Duration, Instant


@dataclass(frozen=True, slots=True)
class Backfill:
    """What the command line asks for."""

    start: str
    end: str
    step: str
    output: Path
    force: bool


async def backfill(config: Config, task: Backfill) -> tuple[list[str], bool]:
    """Read, write, and tell in lines what there is, and whether it is all.

    Raises ArgumentInvalid, StartFailed where the bank or the disk does not let it be done, and Interrupted.
    """
    wanted = _wanted(config, task, wall_clock())
    try:
        spool = Spool(partial_of(task.output), wanted)
    except SpoolUnusable as unusable:
        raise StartFailed(str(unusable)) from None
    with contextlib.closing(spool), _progress(spool, lanes(config.accounts)) as progress:
        try:
            async with until_signalled() as received:
                await _read(config, spool, progress)
                names = [terminal.name for terminal in config.terminals]
                done = await write(spool, names, task.output, progress, force=task.force)
            if received:
                raise Interrupted(received[0], _with_what_is_kept("interrupted", spool))
        except BankError as error:
            raise StartFailed(_with_what_is_kept(str(error), spool)) from None
        except (SpoolUnusable, OutputExists) as error:
            raise StartFailed(str(error)) from None
        except OSError as error:
            raise StartFailed(_with_what_is_kept(f"{task.output}: {error.strerror}", spool)) from None
        tally = spool.tally()
        if not tally.incomplete:
            spool.discard()
        moving_since = wall_clock() - config.poll.lookback
        return list(summary(task.output, spool.grid, tally, done, moving_since)), not tally.incomplete


def _with_what_is_kept(text: str, spool: Spool) -> str:
    """Why it ended, and how to go on; where nothing was read yet there is nothing to keep."""
    if spool.empty:
        spool.discard()
        return text
    return f"{text} ({spool.path} keeps what was read: the same command goes on from there)"


def _wanted(config: Config, task: Backfill, now: Instant) -> Wanted:
    """The arguments' meaning, or what is wrong with them."""
    start, end = past_span(task.start, task.end, now)
    if not task.output.parent.is_dir():
        raise ArgumentInvalid(f"--output: there is no directory {task.output.parent}")
    if task.output.is_dir():
        raise ArgumentInvalid(f"--output: {task.output} is a directory")
    if task.output.exists() and not task.force:
        raise ArgumentInvalid(f"--output: {OutputExists(task.output)}")
    outcomes = config.outcomes
    meaning = repr(
        (
            sorted(outcomes.statuses.items()),
            sorted(outcomes.reason_classes.items()),
            config.limits.max_codes_per_terminal,
        )
    )
    return Wanted(
        task.start,
        task.end,
        Grid(start, end, _step(task.step)),
        tuple(f"{each.account}/{each.name}: {each.id}, {each.number}" for each in config.terminals),
        blake2b(meaning.encode(), digest_size=16).hexdigest(),
    )


def _step(text: str) -> Duration:
    try:
        step = parse_duration(text)
    except DurationInvalid as invalid:
        raise ArgumentInvalid(f'--step: "{text}" is {invalid}') from None
    if step < SECOND or step % SECOND or step > LONGEST_STEP:
        longest = format_duration(LONGEST_STEP)
        raise ArgumentInvalid(
            f"--step: must be whole seconds, from 1s to {longest}: Prometheus looks no further back for a sample"
        )
    return step


def _progress(spool: Spool, every: Iterable[Lane]) -> contextlib.AbstractContextManager[Progress]:
    """Bars where somebody looks at them."""
    if not sys.stderr.isatty():
        return Silence()
    from exporter.backfill.bars import Bars  # what draws them is loaded for nobody else

    return Bars(spool.grid, [lane.name for lane in every])


async def _read(config: Config, spool: Spool, progress: Progress) -> None:
    """All lanes; those of one account one after the other, accounts side by side. Raises BankError."""
    known = [key for key, _ in spool.series()]

    async def read(account: Account, bank: EpayClient) -> None:
        limit, follow = config.limits.max_codes_per_terminal, config.poll.follow_pending
        sieve = Sieve(account.terminals, config.outcomes, limit, spool.grid.span, known)
        for lane in lanes((account,)):
            await LaneReader(
                lane, bank, sieve, spool, progress, follow, wall_clock, asyncio.sleep, time.monotonic
            ).read()

    await read_accounts(config, MAX_RECORDS, read)
