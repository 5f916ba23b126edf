"""A poller with everything around it in the test's hands."""

from collections.abc import Sequence
from dataclasses import replace

from exporter.ledger import Ledger
from exporter.model import MINUTE, SECOND, Family, Policy, Remembered, Terminal, TerminalSnapshot, Total
from exporter.poller import AccountPoller, Publication
from exporter.state import MemoryStore, Store
from exporter.windows import begin
from tests.adapters.fakes import FakeBank, FakeClock, Recorder
from tests.builders import OUTCOMES, POLICY, SHOP, T0, WALLET


class World:
    """A poller with everything around it in the test's hands."""

    def __init__(
        self,
        terminals: Sequence[Terminal] = (WALLET, SHOP),
        store: Store | None = None,
        remembered: Remembered | None = None,
        policy: Policy = POLICY,
        account: str = "main",
        clock: FakeClock | None = None,
        before: "World | None" = None,
        dimensions: Sequence[str] = (),
    ) -> None:
        self.clock = clock or FakeClock()
        self.bank = FakeBank(numbers={terminal.name: terminal.number for terminal in terminals})
        self.store: Store = store or MemoryStore()
        self.recorder = Recorder()
        self.publication: Publication = before.publication if before else Publication(stale_after=3 * POLICY.interval)
        if remembered is None:
            remembered = Remembered({terminal.name: begin(T0) for terminal in terminals}, (), {})
        self.publication.restore(remembered)
        self.ledger = Ledger(account, terminals, OUTCOMES, policy, 100, remembered, dimensions)
        self.poller: AccountPoller = AccountPoller(
            account=account,
            terminals=terminals,
            ledger=self.ledger,
            bank=self.bank,
            store=self.store,
            policy=policy,
            sweep_interval=MINUTE,
            publication=self.publication,
            observer=self.recorder,
            clock=self.clock.fast,
            bank_clock=self.clock,
            monotonic=self.clock.monotonic,
            former=before.poller.handover() if before else None,
        )
        if before:
            self.bank.operations = before.bank.operations

    def reloaded(self, terminals: Sequence[Terminal] = (WALLET, SHOP), policy: Policy = POLICY) -> "World":
        """The same world with another poller in the place of this one, which must have ended, as after a reload."""
        remembered = self.store.recall([terminal.name for terminal in terminals], policy.retention)
        fresh = {t.name: begin(self.clock.now) for t in terminals if t.name not in remembered.checkpoints}
        remembered = replace(remembered, checkpoints={**remembered.checkpoints, **fresh})
        return World(terminals, self.store, remembered, policy, clock=self.clock, before=self)

    async def poll(self, after: int = 15 * SECOND) -> None:
        self.clock.advance(after)
        await self.poller.poll()

    def shown(self, name: str = "wallet") -> TerminalSnapshot:
        return next(t for t in self.publication.current().terminals if t.terminal.name == name)

    def counted(self) -> int:
        totals = self.publication.current().totals
        return sum(value for total, value in totals.items() if total.family is Family.OPERATIONS)

    def total(self, family: Family, *labels: str) -> int:
        return self.publication.current().totals.get(Total(family, labels), 0)

    def bank_time(self) -> int:
        """The true time, whatever the poller's clock says."""
        return self.clock.now - self.clock.wrong
