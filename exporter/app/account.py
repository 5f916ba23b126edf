"""One account at work: everything that runs for it, built together, started together, stopped together."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Final

import httpx

from exporter.app.clock import BankClock, Listeners, wall_clock
from exporter.bank import MAX_RECORDS
from exporter.client import EpayClient, own_client
from exporter.config import Account, Config, Poll, TerminalFilter
from exporter.instrumentation import Instruments
from exporter.ledger import Ledger
from exporter.model import Policy, Remembered, Span, Terminal
from exporter.outcomes import Outcomes
from exporter.payload import Decoder
from exporter.poller import AccountPoller, Forecaster, Historian, PastReader, Publication
from exporter.state import Store

_HISTORY_AT_ONCE: Final = 5_000
"""Records of history that one reading may hold: decoding and counting more would hold up scrapes."""

_DIGEST_KEY: Final = os.urandom(32)
"""Of the digests that repeated transfers are found by: made anew in each process, and kept nowhere."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all accounts share. `slots` bounds the requests in flight over all of them.

    `http` is the way to the bank of all but those with a `ca_file` or a proxy of their own.
    """

    publication: Publication
    instruments: Instruments
    http: httpx.AsyncClient
    slots: asyncio.Semaphore


def policy(config: Config) -> Policy:
    """The durations that decide what is read."""
    poll = config.poll
    return Policy(poll.interval, poll.lookback, poll.max_gap, poll.follow_pending, config.windows)


def ledger_of(account: Account, config: Config, remembered: Remembered) -> Ledger:
    """An account's ledger as the store remembers it. Pure, and long where much is remembered: fit for a thread."""
    return Ledger(
        account.name,
        account.terminals,
        config.outcomes,
        _its_policy(account, config),
        config.limits.max_codes_per_terminal,
        remembered,
        config.breakdowns,
        config.limits.max_breakdown_values,
    )


def _its_policy(account: Account, config: Config) -> Policy:
    if account.terminal_filter is TerminalFilter.CLIENT:  # each request lists all terminals anyway
        return replace(policy(config), batch=len(account.terminals))
    return policy(config)


class RunningAccount:
    """An account with its client, ledger and poller.

    `former` is the account as it ran until a reload, and has been stopped: what it knew that no store keeps goes on, so
    that nothing vanishes from the exposition and no login is made without need.
    """

    def __init__(
        self,
        account: Account,
        config: Config,
        ledger: Ledger,
        store: Store,
        shared: Surroundings,
        former: "RunningAccount | None" = None,
    ) -> None:
        self.account = account
        self.store = store
        self._task: asyncio.Task[None] | None = None
        self._own_http = own_client(account, config.poll.timeout)
        same_bank = former is not None and former.account.operations_url == account.operations_url
        self.bank_clock: BankClock = former.bank_clock if former and same_bank else BankClock(account.name, wall_clock)
        client = partial(
            EpayClient,
            account=account,
            limits=config.limits,
            http=shared.http if self._own_http is None else self._own_http,
            slots=shared.slots,
            observer=Listeners(shared.instruments, self.bank_clock),
            clock=wall_clock,
            monotonic=time.monotonic,
            random=random.SystemRandom().random,
        )

        decoder = Decoder(_DIGEST_KEY, config.breakdowns, ledger.marks)

        def rate(requests_per_second: float) -> Poll:
            return replace(config.poll, requests_per_second=requests_per_second / account.parts)

        self.bank: EpayClient = client(
            poll=rate(config.poll.requests_per_second),
            max_records=MAX_RECORDS,
            decode=decoder.decode,
            compare=decoder.compare,
            session=former.bank.session if former and _same_login(former.account, account) else None,
            held=former.bank.held if former and same_bank else 0.0,
        )
        baseline = config.baseline
        origins = {terminal.name: history_origin(account, terminal, config.outcomes) for terminal in account.terminals}
        self.measured_by = (baseline.windows, baseline.weeks, origins)
        self.forecaster: Forecaster = (
            former.forecaster
            if former and former.measured_by == self.measured_by
            else Forecaster(baseline.windows, baseline.weeks, partial(_excluded, shared.publication))
        )
        self.poller: AccountPoller = AccountPoller(
            account=account.name,
            terminals=account.terminals,
            ledger=ledger,
            bank=self.bank,
            store=store,
            policy=_its_policy(account, config),
            sweep_interval=config.poll.sweep_interval,
            publication=shared.publication,
            observer=shared.instruments,
            clock=wall_clock,
            bank_clock=self.bank_clock,
            monotonic=time.monotonic,
            former=former.poller.handover() if former else None,
            forecast=self.forecaster.forecast,
        )
        politely = rate(baseline.history_requests_per_second)
        past = client(
            poll=politely, max_records=_HISTORY_AT_ONCE, tokens=self.bank.tokens, held=self.bank.held
        )  # without a decoder of its own: nothing of people is needed
        self._historian = Historian(
            account=account.name,
            ledger=ledger,
            past=PastReader(past, account.terminals, config.outcomes),
            store=store,
            policy=_its_policy(account, config),
            history=baseline.history,
            weeks=baseline.weeks,
            origins=origins,
            observer=shared.instruments,
            clock=self.bank_clock,
            calm=self.poller.calm,
            forecaster=self.forecaster,
        )

    async def run(self) -> None:
        """All that runs for an account: its polls, and beside them the reading of its history."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.poller.run())
            tasks.create_task(self._historian.run())

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Run until stopped; again where it has been stopped before."""
        self._task = tasks.create_task(self.run(), name=f"account {self.account.name}")

    async def stop(self) -> None:
        """End what runs, wherever it waits. A commit under way is finished first, so that the store has the truth."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def close(self) -> None:
        """Close the connections that are its own. It cannot be started afterwards."""
        if self._own_http is not None:
            await self._own_http.aclose()


def _excluded(publication: Publication, name: str) -> Iterator[Span]:
    """Holidays and maintenances of a terminal: they say nothing about what is usual."""
    for entry in publication.current().supervision.calendar:
        if entry.concerns(name):
            yield Span(entry.start, entry.end)


def history_origin(account: Account, terminal: Terminal, outcomes: Outcomes) -> str:
    """What a terminal's history depends on, in short: another bank's, or one read by other tables, is another one."""
    tables = (sorted(outcomes.statuses.items()), sorted(outcomes.reason_classes.items()))
    meaning = (account.operations_url, terminal.id, terminal.number, tables)
    return blake2b(repr(meaning).encode(), digest_size=8).hexdigest()


def _same_login(before: Account, after: Account) -> bool:
    """Whether a token of the one is one of the other."""
    return _login(before) == _login(after)


def _login(account: Account) -> tuple[object, ...]:
    secrets = (account.username, account.password, account.client_id, account.client_secret)
    return (account.token_url, account.token_body, account.scope, *secrets)
