"""All accounts that are being read, and how they become those of another configuration while the process runs."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import httpx

from exporter.alerting.thresholds import Thresholds
from exporter.app.account import RunningAccount, Surroundings, ledger_of, policy
from exporter.app.clock import wall_clock
from exporter.client import set_timeout
from exporter.config import Account, Alerts, Config
from exporter.instrumentation import Instruments
from exporter.ledger import Ledger
from exporter.model import Decision, Remembered, Snapshot, Supervision, Threshold
from exporter.poller import Publication
from exporter.sharding import EVERYTHING, Shard
from exporter.state import Store
from exporter.windows import begin


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the accounts, by name. Those that are kept do not notice."""

    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class _Recalled(NamedTuple):
    """An account and what its store remembers of it."""

    account: Account
    store: Store
    remembered: Remembered
    ledger: Ledger


def change(before: Config | None, after: Config) -> Change:
    """Compare two configurations. What is not of a single account is of all of them; alerts and calendar of none."""
    old = {account.name: account for account in before.accounts} if before else {}
    new = {account.name: account for account in after.accounts}
    alike = before is not None and _of_all_accounts(before) == _of_all_accounts(after)
    kept = [name for name in new if alike and old.get(name) == new[name]]
    return Change(
        kept=tuple(kept),
        changed=tuple(name for name in new if name in old and name not in kept),
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
    )


def _of_all_accounts(config: Config) -> tuple[object, ...]:
    return (config.poll, config.windows, config.outcomes, config.limits, config.breakdowns, config.baseline)


class Fleet:
    """Owns the running accounts. One `apply` at a time is its caller's business."""

    def __init__(
        self,
        store_of: Callable[[Account], Store],
        publication: Publication,
        instruments: Instruments,
        http: httpx.AsyncClient,
        shard: Shard = EVERYTHING,
    ) -> None:
        self._shard = shard
        self._store_of = store_of
        self._shared = Surroundings(publication, instruments, http, asyncio.Semaphore(1))
        self._config: Config | None = None
        self._accounts: dict[str, RunningAccount] = {}
        self._thresholds = Thresholds(Alerts())
        self._supervised: dict[str, Mapping[str, tuple[Threshold, ...]]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Read all accounts, those of later configurations too, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for each in self._accounts.values():
                each.start(tasks)
            await asyncio.Event().wait()

    async def apply(self, config: Config) -> Change:
        """Become what a configuration says. Raises StateUnusable or CommitFailed, and then all goes on as it was.

        Accounts that change are stopped, the store says how far they have come, and others are built in their place;
        the snapshot shows what they had read all the while. The swap itself waits for nothing, so that a scrape sees
        all of the new configuration or nothing of it.
        """
        config = replace(config, accounts=self._shard.of(config.accounts))
        what = change(self._config, config)
        stopped = [self._accounts[name] for name in (*what.changed, *what.removed)]
        await asyncio.gather(*(each.stop() for each in stopped))
        try:
            anew = [account for account in config.accounts if account.name not in what.kept]
            built = self._build(config, await asyncio.to_thread(self._recalled, config, anew)) if anew else {}
        except Exception:
            self._start(stopped)
            raise
        self._accounts = {
            account.name: built.get(account.name) or self._accounts[account.name] for account in config.accounts
        }
        self._config = config
        self._shared.instruments.follow(self._accounts)
        self._shared.publication.arrange(
            tuple(self._accounts), 3 * config.poll.interval, self._supervision(config, what.kept)
        )
        self._start(built.values())
        await asyncio.gather(*(each.close() for each in stopped))
        return what

    def _supervision(self, config: Config, kept: Collection[str]) -> Supervision:
        """What is said to alert rules. With many shares, only those that come are worked out, not all each time."""
        before = self._supervised
        if config.alerts != self._thresholds.alerts:
            self._thresholds, before = Thresholds(config.alerts), {}
        self._supervised = {
            account.name: before[account.name]
            if account.name in kept and account.name in before
            else self._thresholds.of(account.terminals)
            for account in config.accounts
        }
        joined: dict[str, tuple[Threshold, ...]] = {}
        for its in self._supervised.values():
            joined.update(its)
        return Supervision(joined, config.calendar)

    def current(self) -> Snapshot:
        """What may be shown now: all that was read."""
        return self._shared.publication.current()

    def commit(self, decision: Decision) -> None:
        """Keep what is of no account: which totals scrapers have been shown. Raises CommitFailed."""
        for store in {id(each.store): each.store for each in self._accounts.values()}.values():
            store.commit(decision)

    async def close(self) -> None:
        """Close what accounts hold of their own, once nothing runs any more."""
        await asyncio.gather(*(each.close() for each in self._accounts.values()))

    def _recalled(self, config: Config, accounts: Sequence[Account]) -> list[_Recalled]:
        """What the stores remember, and the ledgers made of it: in a thread, so that scrapes go on meanwhile."""
        of_stores: dict[int, tuple[Store, list[Account]]] = {}
        for account in accounts:
            store = self._store_of(account)
            of_stores.setdefault(id(store), (store, []))[1].append(account)
        recalled = []
        for store, its in of_stores.values():
            remembered = recall(store, config, its)
            recalled += [_Recalled(each, store, remembered, ledger_of(each, config, remembered)) for each in its]
        return recalled

    def _build(self, config: Config, recalled: Sequence[_Recalled]) -> dict[str, RunningAccount]:
        if self._config is None or config.poll != self._config.poll:  # all accounts are among these then
            self._shared = replace(self._shared, slots=asyncio.Semaphore(config.poll.max_concurrency))
            set_timeout(self._shared.http, config.poll.timeout)
        for remembered in {id(each.remembered): each.remembered for each in recalled}.values():
            self._shared.publication.restore(remembered)
        return {
            each.account.name: RunningAccount(
                each.account, config, each.ledger, each.store, self._shared, self._accounts.get(each.account.name)
            )
            for each in recalled
        }

    def _start(self, accounts: Iterable[RunningAccount]) -> None:
        if self._tasks is not None:
            for each in accounts:
                each.start(self._tasks)


def recall(store: Store, config: Config, accounts: Iterable[Account]) -> Remembered:
    """What the store knows of these accounts' terminals.

    Those that it does not know begin now, and that is kept before anything is read. Raises StateUnusable, CommitFailed.
    """
    names = [terminal.name for account in accounts for terminal in account.terminals]
    remembered = store.recall(names, policy(config).retention)
    now = wall_clock()
    fresh = {name: begin(now) for name in names if name not in remembered.checkpoints}
    if not fresh:
        return remembered
    store.commit(Decision(now=now, checkpoints=fresh))
    return replace(remembered, checkpoints={**remembered.checkpoints, **fresh})
