"""What the commands that read the bank's past have in common: their arguments, their clients, and how they end."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from exporter.app.clock import wall_clock
from exporter.backfill import WhenInvalid, instant, written
from exporter.client import EpayClient, http_clients
from exporter.config import Account, Config
from exporter.model import Event, Instant, Span


class ArgumentInvalid(Exception):
    """The command line asks for what cannot be; the text names the flag."""


class Interrupted(Exception):
    """A signal has ended the work; the text says how to go on."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.exit_code = 128 + number


def past_span(start: str, end: str, now: Instant) -> Span:
    """What `--from` and `--to` say. Raises ArgumentInvalid."""
    span = Span(_instant("--from", start, now), _instant("--to", end, now))
    if span.start >= span.end:
        raise ArgumentInvalid(f"--from ({written(span.start)}) must be before --to ({written(span.end)})")
    if span.end > now:
        raise ArgumentInvalid(f"--to ({written(span.end)}) lies in the future")
    return span


def _instant(flag: str, text: str, now: Instant) -> Instant:
    try:
        return instant(text, now)
    except WhenInvalid as invalid:
        raise ArgumentInvalid(f"{flag}: {invalid}") from None


async def read_accounts(
    config: Config, max_records: int, read: Callable[[Account, EpayClient], Coroutine[Any, Any, None]]
) -> None:
    """Have each account read, side by side, at the polite rate of history. Raises BankError: the first of them."""
    poll = replace(config.poll, requests_per_second=config.baseline.history_requests_per_second)
    slots = asyncio.Semaphore(poll.max_concurrency)
    try:
        async with http_clients(config.accounts, poll) as ways, asyncio.TaskGroup() as tasks:
            for account in config.accounts:
                bank = EpayClient(
                    account=account,
                    poll=poll,
                    limits=config.limits,
                    http=ways[account.name],
                    slots=slots,
                    observer=_Nobody(),
                    clock=wall_clock,
                    monotonic=time.monotonic,
                    random=random.SystemRandom().random,
                    max_records=max_records,
                )
                tasks.create_task(read(account, bank))
    except ExceptionGroup as errors:  # several accounts may fail at once; one line is enough to go on
        raise errors.exceptions[0] from None


class _Nobody:
    """Listens to nothing: who looks back exposes no metrics of its own."""

    def observe(self, event: Event) -> None:
        """Let it pass."""
