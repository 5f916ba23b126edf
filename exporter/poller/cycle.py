"""One account's polls: gather, decide, commit, publish."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from exporter import windows
from exporter.bank import Bank, BankError, Refused, Unauthorized
from exporter.ledger import Ledger
from exporter.model import (
    MINUTE,
    SECOND,
    Checkpoint,
    Clock,
    Duration,
    Family,
    Instant,
    Observer,
    Policy,
    PollMade,
    Terminal,
    TerminalSnapshot,
    Total,
    WindowTally,
)
from exporter.poller.bookkeeping import Bookkeeper
from exporter.poller.gathering import Gathered, Quarantine, cut, gather
from exporter.poller.gathering import stride as stride_after
from exporter.poller.publication import Publication
from exporter.poller.reconciliation import Reconciler
from exporter.poller.reporting import Reporter
from exporter.state.base import CommitFailed, Store

_SHORTEST_BUDGET: Final = 10.0
"""Seconds of catching up and filling that one poll may take before it publishes, and the next one goes on."""


@dataclass(slots=True)
class _State:
    """What the last polls of a terminal came to."""

    tried: bool = False
    read: bool = False
    failing: bool = False
    last_success: Instant | None = None  # by our clock: how fresh the data is
    read_to: Instant | None = None  # by the bank's: where the windows end
    fill_stuck: bool = False
    head_complete: bool = True
    sweep_complete: bool = True


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
    ) -> None:
        self._account = account
        self._terminals = {terminal.name: terminal for terminal in terminals}
        self._ledger = ledger
        self._bank = bank
        self._policy = policy
        self._sweep_interval = sweep_interval
        self._publication = publication
        self._observer = observer
        self._clock = clock
        self._bank_clock = bank_clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._reporter = Reporter(account, tuple(self._terminals))
        self._bookkeeper = Bookkeeper(ledger, store, self._reporter)
        self._reconciler = Reconciler(terminals, bank, ledger, self._bookkeeper, policy, self._reporter)
        self._quarantine = Quarantine(policy.interval / SECOND, monotonic)
        self._states = {name: _State() for name in self._terminals}
        self._turn = 0
        self._slow_sweep_said = False
        publication.restore(ledger.totals)
        self._publish(clock())

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

    async def poll(self) -> None:
        """Bring every terminal's watermark to now, fill the windows where they are not yet, publish."""
        now, started = self._bank_clock(), self._monotonic()
        polled_at = self._clock()
        deadline = started + max(self._policy.interval / SECOND, _SHORTEST_BUDGET)
        failures: dict[str, BankError] = {
            name: error for name in self._terminals if (error := self._quarantine.resting(name)) is not None
        }
        try:
            await self._skip_gaps(now)
            await self._head(now, deadline, failures)
            await self._fill(now, deadline, failures)
        except CommitFailed as error:
            failures = dict.fromkeys(self._terminals, BankError("state", str(error)))
        self._settle(failures, now, polled_at)
        self._publish(now)
        self._observer.observe(PollMade(self._account, self._result(failures), self._monotonic() - started))

    async def sweep(self) -> None:
        """Read the lookback again, and the pending operations that are older than it."""
        now, started = self._bank_clock(), self._monotonic()
        names = self._well()
        pending = [entry for name in names for entry in self._ledger.pending(name, now)]
        queue = deque(windows.sweep(now, names, self._policy))
        queue.extend(windows.follow(now, pending, self._policy, self._turn))
        self._turn += 1
        unread: set[str] = set()
        error: BankError | None = None
        try:
            while queue:
                gathered = await gather(self._bank, [queue.popleft()])
                await self._bookkeeper.take(gathered.readings, now)
                unread |= _incomplete(gathered)
                error = next(iter(gathered.failures.values()), error)
                queue.extendleft(cut(gathered, now))
        except CommitFailed as failed:
            error, unread = BankError("state", str(failed)), set(names)
        if error is not None:
            self._reporter.sweep_failed(error)
        for name in names:
            self._states[name].sweep_complete = name not in unread
        self._publish(now)
        took = self._monotonic() - started
        if took > self._sweep_interval / SECOND and not self._slow_sweep_said:
            self._slow_sweep_said = True
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

    async def _skip_gaps(self, now: Instant) -> None:
        """Give up what lies further back than max_gap, and say so."""
        moved: dict[str, Checkpoint] = {}
        skipped: dict[Total, int] = {}
        for name, checkpoint in self._ledger.checkpoints.items():
            resumed, gap = windows.resume(checkpoint, now, self._policy)
            if gap is not None:
                moved[name] = resumed
                skipped[Total(Family.GAP, (name,))] = gap.end - gap.start
                self._reporter.gap((name,), gap)
        await self._bookkeeper.skip(moved, skipped, now)

    async def _head(self, now: Instant, deadline: float, failures: dict[str, BankError]) -> None:
        stride: Duration | None = None
        while True:
            asked = {name: c for name, c in self._ledger.checkpoints.items() if name not in failures}
            apart = {name: asked.pop(name) for name in tuple(asked) if self._quarantine.holds(name)}
            behind = {name: c.watermark for name, c in (asked | apart).items()}
            gathered = await gather(
                self._bank,
                (
                    *windows.head(now, asked, self._policy, stride),
                    *windows.head(now, apart, self._policy, stride),
                ),
            )
            await self._bookkeeper.take(gathered.readings, now)
            self._judge(gathered, failures)
            moved = any(self._ledger.checkpoints[name].watermark > mark for name, mark in behind.items())
            if gathered.too_large:
                stride = stride_after(gathered, now)
            elif stride is None or not moved or all(mark >= now for mark in self._watermarks(failures)):
                return
            if self._monotonic() > deadline:
                return

    async def _fill(self, now: Instant, deadline: float, failures: dict[str, BankError]) -> None:
        stride: Duration | None = None
        while self._monotonic() <= deadline:
            asked = {name: c for name, c in self._ledger.checkpoints.items() if name not in failures}
            assignments = windows.fill(now, asked, self._policy, stride)
            if not assignments:
                return
            gathered = await gather(self._bank, assignments)
            await self._bookkeeper.take(gathered.readings, now)
            self._judge(gathered, failures)
            if gathered.too_large:
                stride = stride_after(gathered, now)
            elif stuck := [name for name in _incomplete(gathered) if name not in failures]:
                await self._fill_as_far_as_possible(stuck, now)
                return

    async def _fill_as_far_as_possible(self, names: Sequence[str], now: Instant) -> None:
        """Read the whole reach once where the bank's counts do not add up: shown as incomplete beats not shown."""
        fresh = [name for name in names if not self._states[name].fill_stuck]
        for name in fresh:
            self._states[name].fill_stuck = True
        queue = deque(windows.back_to(now - self._policy.reach, fresh, now, self._policy) if fresh else ())
        while queue:
            gathered = await gather(self._bank, [queue.popleft()])
            await self._bookkeeper.take(gathered.readings, now)
            queue.extendleft(cut(gathered, now))

    def _judge(self, gathered: Gathered, failures: dict[str, BankError]) -> None:
        """Who was read, who was not, and who is to be asked apart from the others from now on."""
        failures.update(gathered.failures)
        for reading in gathered.readings:
            for name in reading.assignment.terminals:
                self._quarantine.release(name)
        refused = {
            name: error for name, error in gathered.failures.items() if isinstance(error, (Refused, Unauthorized))
        }
        for name, error in refused.items():
            if gathered.readings or self._quarantine.holds(name):
                self._quarantine.put(name, error)
        incomplete = _incomplete(gathered) - gathered.failures.keys()
        news = sorted(name for name in incomplete if self._states[name].head_complete)
        if news:
            self._reporter.incomplete(news)
        for reading in gathered.readings:
            for name in reading.assignment.terminals:
                self._states[name].head_complete = name not in incomplete

    def _watermarks(self, failures: dict[str, BankError]) -> Iterable[Instant]:
        return (c.watermark for name, c in self._ledger.checkpoints.items() if name not in failures)

    def _settle(self, failures: dict[str, BankError], now: Instant, polled_at: Instant) -> None:
        good = [name for name in self._terminals if name not in failures]
        for name in good:
            state = self._states[name]
            state.tried = state.read = True
            state.failing, state.last_success, state.read_to = False, polled_at, now
        self._reporter.recovered(good, polled_at)
        self._fail(failures)

    def _fail(self, failures: dict[str, BankError]) -> None:
        for name in failures:
            self._states[name].tried = self._states[name].failing = True
        self._reporter.failed(failures, self._clock())

    def _result(self, failures: dict[str, BankError]) -> str:
        if not failures:
            return "success"
        if len(failures) < len(self._terminals):
            return "partial"
        return next(iter(failures.values())).kind

    def _publish(self, now: Instant) -> None:
        self._publication.publish(
            self._account, tuple(self._snapshot(name, now) for name in self._terminals), self._ledger.totals, now
        )

    def _snapshot(self, name: str, now: Instant) -> TerminalSnapshot:
        """A terminal as of its last good poll."""
        state, checkpoint = self._states[name], self._ledger.checkpoints[name]
        at = state.read_to if state.read_to is not None else now
        pending = self._ledger.pending(name, at)
        filled = checkpoint.covered_from <= at - self._policy.reach
        catching_up = state.read and checkpoint.watermark < at - self._policy.behind
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
        )

    def _tally(self, name: str, at: Instant, checkpoint: Checkpoint) -> tuple[WindowTally, ...]:
        """The windows that have been read whole; the others are not shown until they have, or cannot be."""
        stuck = self._states[name].fill_stuck
        filled = [window for window in self._policy.windows if stuck or checkpoint.covered_from <= at - window]
        if not filled:
            return ()
        return windows.tally(self._ledger.entries(name, at - filled[-1]), at, filled)


def _incomplete(gathered: Gathered) -> set[str]:
    """Terminals of readings that did not add up, and of those that failed."""
    partial = {name for reading in gathered.readings if not reading.complete for name in reading.assignment.terminals}
    return partial | gathered.failures.keys()
