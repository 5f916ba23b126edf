"""This replica's shares: which it holds, reads and exposes, among others on the same state.

Two tasks. One tells the database every second that this replica lives, and sees what the others say; it must never wait
for anything else, or leases run out. The other takes, hands over and lets go of shares, one at a time.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from exporter.app.clock import lasting_clock, wall_clock
from exporter.app.fleet import Change, Fleet, change
from exporter.app.tenures import Tenures
from exporter.config import Account, Config
from exporter.instrumentation import Instruments
from exporter.model import Decision, Snapshot
from exporter.poller import Publication, keep_shown
from exporter.sharing import Plan, cut_of, plan, shares
from exporter.state import CommitFailed, HeldElsewhere, LeaseLost, Leases, StateUnusable, Store

_BEAT: Final = 1.0
"""Seconds between two looks at the database, unless a short lease wants more of them."""
_GRACE: Final = 2.0
"""Seconds that the database is given at the end to hear of it; three are promised for all."""


def replica_name() -> str:
    """A name that no other replica has, nor this one had before: the host's, and a random part."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


class Sharing:
    """Reads and exposes the shares that this replica holds, and no others."""

    def __init__(
        self,
        leases: Leases,
        publication: Publication,
        instruments: Instruments,
        fleet: Callable[[Callable[[Account], Store]], Fleet],
        now: Callable[[], float] = lasting_clock,
    ) -> None:
        self._leases = leases
        self._publication = publication
        self._instruments = instruments
        self._fleet = fleet(self._store_of)
        self._now = now
        self._config: Config | None = None
        self._known: dict[str, Account] = {}
        self._cuts: dict[str, str] = {}
        self._tenures = Tenures(leases.seconds, leases.margin, now)
        self._plan = Plan()
        self._news = asyncio.Event()
        self._changing = asyncio.Lock()
        self._renewed = -leases.seconds
        self._mute = False
        self._log = structlog.get_logger("epay.sharing")

    # What is seen from outside

    def current(self) -> Snapshot:
        """What this replica may show now: of shares whose lease is good at this moment, whatever happened before."""
        return self._tenures.shown(self._publication.current())

    def commit(self, decision: Decision) -> None:
        """Keep which totals scrapers have been shown, each with its share. Raises CommitFailed.

        Of a share that is lost it is not kept: whoever holds it shows them as 0 once more, and has shown nothing else.
        """
        for share, totals in self._tenures.by_share(decision.scraped).items():
            if tenure := self._tenures.get(share):
                with contextlib.suppress(LeaseLost):
                    tenure.store.commit(replace(decision, scraped=tuple(totals)))

    # Configurations

    async def apply(self, config: Config) -> Change:
        """Read by another configuration. Raises StateUnusable or CommitFailed, and then all goes on as it was."""
        async with self._changing:
            known = {account.name: account for account in shares(config.accounts)}
            what = change(self._config, config)
            before = self._config, self._known, self._cuts
            self._config, self._known = config, known
            self._cuts = {share: cut_of(account) for share, account in known.items()}
            try:
                contested = await self._claim(share for share in self._tenures if share in known)
                await self._show(share for share in self._tenures if share in known and share not in contested)
            except (CommitFailed, StateUnusable):
                self._config, self._known, self._cuts = before
                raise
            for share in self._tenures:
                if share in contested or share not in known:
                    await self._give_back(share, "handed_over" if share in contested else "removed")
            for share in self._tenures:
                tenure, kept = self._tenures[share], _names(known[share])
                if kept != tenure.terminals:
                    tenure.terminals = kept
                    with contextlib.suppress(CommitFailed):  # what is claimed too much ends with the lease
                        await asyncio.to_thread(self._leases.let_go, tenure.lease, kept)
            tenures = self._tenures
            self._instruments.know_shares(
                {share: (partial(tenures.holds, share), partial(tenures.remaining, share)) for share in known}
            )
            self._news.set()
            return what

    async def _claim(self, held: Iterable[str]) -> set[str]:
        """Hold the terminals that these shares have got; the shares of which another replica holds one.

        Such a terminal comes from a share that others read as their configuration has it, which may be the one before.
        Its new share is given back: whoever has all of it to take will take it, and until then is the old one read on.
        """
        contested = set()
        for share in held:
            try:
                await asyncio.to_thread(self._store_of, self._known[share])
            except HeldElsewhere:
                contested.add(share)
        return contested

    def _store_of(self, account: Account) -> Store:
        """Where a share's account keeps its state; its terminals are held with it from now on. Raises CommitFailed."""
        tenure = self._tenures.get(account.name)
        if tenure is None:
            raise LeaseLost(f"share {account.name}: not held")
        names = _names(account)
        if not names <= tenure.terminals:
            self._leases.claim(tenure.lease, names)
            tenure.terminals |= names
            tenure.store = self._leases.store(tenure.lease, tenure.terminals)
        return tenure.store

    async def _show(self, held: Iterable[str]) -> None:
        """Have exactly these shares read and exposed."""
        names = set(held)
        if self._config is not None:
            accounts = tuple(account for name, account in self._known.items() if name in names)
            await self._fleet.apply(replace(self._config, accounts=accounts))

    # Tasks

    async def run(self) -> None:
        """Hold this replica's part of the shares, until cancelled; then hand them over at once."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hang_up_in_the_end())
                tasks.create_task(self._fleet.run())
                tasks.create_task(self._beat())
                tasks.create_task(self._follow())
        finally:
            await self._leave()

    async def _hang_up_in_the_end(self) -> None:
        """From the moment at which all is to end, what waits for the database waits only so long.

        Threads that wait for it would keep the process alive, and commits under way what is cancelled.
        """
        try:
            await asyncio.Event().wait()
        finally:
            asyncio.get_running_loop().call_later(_GRACE, self._leases.hang_up)

    async def _beat(self) -> None:
        beat = min(_BEAT, self._leases.seconds / 5)
        while True:
            try:
                await self._look()
            except CommitFailed as error:
                self._say(str(error))
                await self._ask_whether_refused()
            except Exception:  # noqa: BLE001  a defect of ours must not end the leases in silence
                self._log.exception("defect")
            if self._tenures.over():
                self._news.set()
            await asyncio.sleep(beat)

    async def _look(self) -> None:
        if self._now() - self._renewed >= self._leases.seconds / 3:
            await self._renew()
        situation = await asyncio.to_thread(self._leases.look, tuple(self._known), self._cuts)
        self._say("")
        self._instruments.see_replicas(len(situation.knows))
        self._plan = plan(self._leases.replica, situation)
        if self._plan.take or self._plan.release:
            self._news.set()

    async def _renew(self) -> None:
        asked = self._now()
        if held := self._tenures.staying():
            renewed = await asyncio.to_thread(self._leases.renew, [tenure.lease for tenure in held.values()])
            self._tenures.renewed(held, renewed, asked)
        self._renewed = asked

    async def _ask_whether_refused(self) -> None:
        """Where no replica can be given a share, what is known is shown on."""
        asked = self._now()
        if await asyncio.to_thread(self._leases.refused):
            self._tenures.refused(asked)

    def _say(self, trouble: str) -> None:
        """Once when the database is lost, once when it is there again."""
        if trouble and not self._mute:
            self._log.error("leases cannot be renewed", reason=trouble)
        elif not trouble and self._mute:
            self._log.info("leases are renewed again")
        self._mute = bool(trouble)

    async def _follow(self) -> None:
        """Do what the last look came to."""
        while True:
            await self._news.wait()
            self._news.clear()
            async with self._changing:
                todo, self._plan = self._plan, Plan()
                for share in self._tenures.over():
                    await self._lose(share)
                for share in todo.release:
                    if self._tenures.holds(share):
                        await self._give_back(share, "handed_over")
                for share in todo.take:
                    if share in self._known and self._tenures.get(share) is None:
                        await self._take(self._known[share])

    async def _take(self, account: Account) -> None:
        share, names, asked = account.name, _names(account), self._now()
        try:
            lease = await asyncio.to_thread(self._leases.take, share, names)
            if lease is None:
                return
            store = self._leases.store(lease, names)
            self._tenures.begin(lease, names, store, asked)
            await self._show(self._tenures)
        except (CommitFailed, StateUnusable) as error:
            self._log.warning("share not taken", share=share, reason=str(error))
            if tenure := self._tenures.end(share):
                with contextlib.suppress(CommitFailed):
                    await asyncio.to_thread(self._leases.release, [tenure.lease])
            return
        self._instruments.share_moved("taken")
        self._log.info("share taken", share=share, terminals=len(names), epoch=lease.epoch)

    async def _lose(self, share: str) -> None:
        self._tenures[share].going = True
        await self._withdraw(share)
        self._instruments.share_moved("lost")
        self._log.warning("share lost", share=share, reason="the lease ran out before it could be renewed")

    async def _give_back(self, share: str, reason: str) -> None:
        lease = self._tenures[share].lease
        self._tenures[share].going = True
        await self._withdraw(share, last_words=True)
        with contextlib.suppress(CommitFailed):  # it ends by itself
            await asyncio.to_thread(self._leases.release, [lease])
        self._instruments.share_moved(reason)
        self._log.info("share handed over", share=share, reason=reason)

    async def _withdraw(self, share: str, *, last_words: bool = False) -> None:
        """Stop reading and showing a share; with `last_words`, keep what scrapers have been shown of it."""
        with contextlib.suppress(CommitFailed, StateUnusable):
            await self._show([name for name in self._tenures if name != share and name in self._known])
        if last_words:
            await keep_shown(self._publication, self, wall_clock)
        self._tenures.end(share)

    async def _leave(self) -> None:
        held = [self._tenures[share].lease for share in self._tenures]
        for share in self._tenures:
            self._tenures[share].going = True
        await keep_shown(self._publication, self, wall_clock)
        released = False
        with contextlib.suppress(CommitFailed):  # they end by themselves
            await asyncio.to_thread(self._leases.release, held, leaving=True)
            released = True
        for share in self._tenures:
            self._tenures.end(share)
        if held and released:
            self._log.info("share handed over", share=", ".join(lease.share for lease in held), reason="stopping")

    async def close(self) -> None:
        """Close what the accounts hold of their own."""
        await self._fleet.close()


def _names(account: Account) -> frozenset[str]:
    return frozenset(terminal.name for terminal in account.terminals)
