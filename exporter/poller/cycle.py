"""One account's polls: gather, decide, commit, publish."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from exporter.bank import Bank, BankError
from exporter.ledger import Ledger
from exporter.model import (
    MINUTE,
    SECOND,
    Checkpoint,
    Clock,
    Duration,
    Forecast,
    Instant,
    Observer,
    Policy,
    PollMade,
    Terminal,
    TerminalSnapshot,
    WindowTally,
)
from exporter.poller.bookkeeping import Bookkeeper
from exporter.poller.handover import Handover, State
from exporter.poller.publication import Publication
from exporter.poller.reading import Reader, Result
from exporter.poller.reconciliation import Reconciler
from exporter.poller.reporting import Reporter
from exporter.state.base import CommitFailed, Store

_SHORTEST_BUDGET: Final = 10.0
"""Seconds of catching up and filling that one poll may take before it publishes, and the next one goes on."""


class AccountPoller:
    """Polls one account for ever. `poll` and `sweep` are one turn each."""

    def __init__(
        self,
        account: str,
        terminals: Sequence[Terminal],
        ledger: Ledger,
        bank: Bank,
        store: Store,
        policy: Policy,
        sweep_interval: Duration,
        publication: Publication,
        observer: Observer,
        clock: Clock,
        bank_clock: Clock,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        former: Handover | None = None,
        forecast: Callable[[str, Instant], Forecast | None] = lambda *_: None,
    ) -> None:
        self._account = account
        self._terminals = {terminal.name: terminal for terminal in terminals}
        self._ledger = ledger
        self._policy = policy
        self._sweep_interval = sweep_interval
        self._publication = publication
        self._observer = observer
        self._clock = clock
        self._bank_clock = bank_clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._forecast = forecast
        self._reporter = Reporter(account, tuple(self._terminals))
        bookkeeper = Bookkeeper(ledger, store, self._reporter)
        self._reconciler = Reconciler(terminals, bank, ledger, bookkeeper, policy, self._reporter)
        self._reader = Reader(bank, ledger, bookkeeper, policy, self._reporter, bank_clock, monotonic)
        self._states = {name: State() for name in self._terminals}
        self._slow_sweep = self._slow_sweeps_said = False
        if former is not None:
            self._go_on_from(former)
        self._publish(clock())

    def handover(self) -> Handover:
        """What the poller that takes the place of this one is to know. Ask when this one has ended."""
        troubles = {name: trouble for name in self._terminals if (trouble := self._reporter.trouble(name)) is not None}
        return Handover(
            self._terminals,
            self._states,
            troubles,
            dict(self._reconciler.differences),
            self._ledger.acquaintance,
            dict(self._reader.swept_to),
            frozenset(self._reader.stuck),
            self._policy.reach,
        )

    def _go_on_from(self, former: Handover) -> None:
        """Stand where the former poller stood: what it has shown stays until the first poll of this one."""
        self._ledger.acquaint(former.acquaintance)
        for name in [name for name, terminal in self._terminals.items() if former.same(terminal)]:
            self._states[name] = replace(former.states[name])
            self._reader.swept_to[name] = min(self._reader.swept_to[name], former.swept_to[name])
            if name in former.stuck and former.reach >= self._policy.reach:
                self._reader.stuck.add(name)
            if name in former.troubles:
                self._reporter.resume(name, former.troubles[name])
            if name in former.differences:
                self._reconciler.differences[name] = former.differences[name]

    async def run(self) -> None:
        """Poll every `interval`, sweep every `sweep_interval` once the first poll has been made; until cancelled."""
        await self._guarded(self.poll)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every(self._policy.interval / SECOND, self.poll))
            tasks.create_task(self._every(self._sweep_interval / SECOND, self.sweep, at_once=True))
            tasks.create_task(self._every(MINUTE / SECOND, self.reconcile, at_once=True))

    async def _every(self, seconds: float, turn: Callable[[], Awaitable[None]], *, at_once: bool = False) -> None:
        due = self._monotonic() + (0.0 if at_once else seconds)
        while True:
            await self._sleep(max(due - self._monotonic(), 0.0))
            await self._guarded(turn)
            due = max(due + seconds, self._monotonic())

    async def _guarded(self, turn: Callable[[], Awaitable[None]]) -> None:
        try:
            await turn()
        except Exception:  # noqa: BLE001  a defect of ours must show as a failing poll, not end all polling in silence
            structlog.get_logger("epay.poller").exception("defect", account=self._account)
            self._fail(dict.fromkeys(self._terminals, BankError("defect", "a defect of the exporter: see the log")))
            self._publish(self._clock())

    def calm(self) -> tuple[str, ...]:
        """The terminals that are read without trouble and up to now, with whole windows."""
        return tuple(
            each.terminal.name
            for each in self._publication.of(self._account)
            if each.windows and not each.failing and not each.catching_up
        )

    async def poll(self) -> None:
        """Bring every terminal's watermark to now, fill the windows where they are not yet, publish."""
        now, started = self._bank_clock(), self._monotonic()
        polled_at = self._clock()
        deadline = started + max(self._policy.interval / SECOND, _SHORTEST_BUDGET)
        try:
            result = await self._reader.poll(now, deadline)
        except CommitFailed as error:
            result = Result(dict.fromkeys(self._terminals, BankError("state", str(error))))
        self._settle(result, now, polled_at)
        self._publish(now)
        self._observer.observe(PollMade(self._account, self._word(result), self._monotonic() - started))

    async def sweep(self) -> None:
        """Read the lookback again, and the pending operations that are older than it."""
        now, started = self._bank_clock(), self._monotonic()
        names = self._well()
        try:
            result = await self._reader.sweep(names, now)
        except CommitFailed as error:
            result = Result(dict.fromkeys(names, BankError("state", str(error))))
        if result.failures:
            self._reporter.sweep_failed(next(iter(result.failures.values())))
        for name in names:
            self._states[name].sweep_complete = name not in result.failures.keys() | result.incomplete
        self._publish(now)
        took = self._monotonic() - started
        # One that failed has waited for a state or a bank that is away, and one alone may have until it was back: no
        # setting would have made it shorter.
        before, self._slow_sweep = self._slow_sweep, took > self._sweep_interval / SECOND and not result.failures
        if before and self._slow_sweep and not self._slow_sweeps_said:
            self._slow_sweeps_said = True
            self._reporter.sweep_slow(took, self._sweep_interval / SECOND)

    async def reconcile(self) -> None:
        """Compare the hours that have closed since the last time, if any have."""
        now = self._bank_clock()
        try:
            news = await self._reconciler.reconcile(self._well(), now)
        except CommitFailed as error:
            self._reporter.reconciliation_failed(BankError("state", str(error)))
            return
        if news:
            self._publish(now)

    def _well(self) -> list[str]:
        return [name for name, state in self._states.items() if state.read and not state.failing]

    def _settle(self, result: Result, now: Instant, polled_at: Instant) -> None:
        good = [name for name in self._terminals if name not in result.failures]
        news = [name for name in good if name in result.incomplete and self._states[name].head_complete]
        if news:
            self._reporter.incomplete(news)
        for name in good:
            state = self._states[name]
            state.tried = state.read = True
            state.failing, state.last_success, state.read_to = False, polled_at, now
            state.head_complete = name not in result.incomplete
        self._reporter.recovered(good, polled_at)
        self._fail(result.failures)

    def _fail(self, failures: dict[str, BankError]) -> None:
        for name in failures:
            self._states[name].tried = self._states[name].failing = True
        self._reporter.failed(failures, self._clock())

    def _word(self, result: Result) -> str:
        """The poll in a word, for its counter."""
        if not result.failures:
            return "success"
        if len(result.failures) < len(self._terminals):
            return "partial"
        return next(iter(result.failures.values())).kind

    def _publish(self, now: Instant) -> None:
        self._publication.publish(
            self._account, tuple(self._snapshot(name, now) for name in self._terminals), self._ledger.totals, now
        )

    def _snapshot(self, name: str, now: Instant) -> TerminalSnapshot:
        """A terminal as of its last good poll."""
        state, checkpoint = self._states[name], self._ledger.checkpoint(name)
        at = state.read_to if state.read_to is not None else now
        pending = self._ledger.pending(name, at)
        filled = checkpoint.covered_from <= at - self._policy.reach
        catching_up = state.read and state.head_complete and checkpoint.watermark < at - self._policy.behind
        return TerminalSnapshot(
            terminal=self._terminals[name],
            checkpoint=checkpoint,
            read=state.read,
            tried=state.tried,
            failing=state.failing,
            last_success=state.last_success,
            catching_up=catching_up,
            window_complete=filled and not catching_up and state.head_complete and state.sweep_complete,
            windows=self._tally(name, at, checkpoint) if state.read else (),
            pending=len(pending),
            oldest_pending=min((entry.created for entry in pending), default=None),
            trouble=self._reporter.trouble(name),
            difference=self._reconciler.differences.get(name),
            forecast=self._forecast(name, at),
        )

    def _tally(self, name: str, at: Instant, checkpoint: Checkpoint) -> tuple[WindowTally, ...]:
        """The windows that have been read whole; the others are not shown until they have, or cannot be."""
        stuck = name in self._reader.stuck
        return tuple(
            tally for tally in self._ledger.windows(name, at) if stuck or checkpoint.covered_from <= at - tally.window
        )
