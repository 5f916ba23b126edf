"""One account at work: everything that runs for it, built together, started together, stopped together."""

import asyncio
import random
import time
from dataclasses import dataclass, replace

import httpx

from exporter.app.clock import BankClock, Listeners, wall_clock
from exporter.bank import MAX_RECORDS
from exporter.client import EpayClient
from exporter.config import Account, Config, TerminalFilter
from exporter.instrumentation import Instruments
from exporter.ledger import Ledger
from exporter.model import Policy, Remembered
from exporter.poller import AccountPoller, Publication
from exporter.state import Store


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all accounts share. `slots` bounds the requests in flight over all of them."""

    store: Store
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
    limit = config.limits.max_codes_per_terminal
    return Ledger(account.name, account.terminals, config.outcomes, _its_policy(account, config), limit, remembered)


def _its_policy(account: Account, config: Config) -> Policy:
    if account.terminal_filter is TerminalFilter.CLIENT:  # each request lists all terminals anyway
        return replace(policy(config), batch=len(account.terminals))
    return policy(config)


class RunningAccount:
    """An account with its client, ledger and poller.

    `former` is the account as it ran until a reload, and has been stopped: what it
    knew that no store keeps goes on, so that nothing vanishes from the exposition and no login is made without need.
    """

    def __init__(
        self,
        account: Account,
        config: Config,
        ledger: Ledger,
        shared: Surroundings,
        former: "RunningAccount | None" = None,
    ) -> None:
        self.account = account
        self._task: asyncio.Task[None] | None = None
        same_bank = former is not None and former.account.operations_url == account.operations_url
        self.bank_clock: BankClock = former.bank_clock if former and same_bank else BankClock(account.name, wall_clock)
        self.bank: EpayClient = EpayClient(
            account=account,
            poll=config.poll,
            limits=config.limits,
            http=shared.http,
            slots=shared.slots,
            observer=Listeners(shared.instruments, self.bank_clock),
            clock=wall_clock,
            monotonic=time.monotonic,
            random=random.SystemRandom().random,
            max_records=MAX_RECORDS,
            session=former.bank.session if former and _same_login(former.account, account) else None,
            held=former.bank.held if former and same_bank else 0.0,
        )
        self.poller: AccountPoller = AccountPoller(
            account=account.name,
            terminals=account.terminals,
            ledger=ledger,
            bank=self.bank,
            store=shared.store,
            policy=_its_policy(account, config),
            sweep_interval=config.poll.sweep_interval,
            publication=shared.publication,
            observer=shared.instruments,
            clock=wall_clock,
            bank_clock=self.bank_clock,
            monotonic=time.monotonic,
            former=former.poller.handover() if former else None,
        )

    async def run(self) -> None:
        """All that runs for an account; what else is to run beside its poller gets its task here."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.poller.run())

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Run until stopped; again where it has been stopped before."""
        self._task = tasks.create_task(self.run(), name=f"account {self.account.name}")

    async def stop(self) -> None:
        """End what runs, wherever it waits. A commit under way is finished first, so that the store has the truth."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None


def _same_login(before: Account, after: Account) -> bool:
    """Whether a token of the one is one of the other."""
    return _login(before) == _login(after)


def _login(account: Account) -> tuple[object, ...]:
    secrets = (account.username, account.password, account.client_id, account.client_secret)
    return (account.token_url, account.token_body, account.scope, *secrets)
