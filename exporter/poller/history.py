"""The history that baselines are made from: read from the bank once, at a polite rate, and then kept up from memory."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import structlog

from exporter.bank import Bank, BankError, Refused
from exporter.baseline import SLOT
from exporter.ledger import Ledger
from exporter.model import (
    DAY,
    MINUTE,
    SECOND,
    Assignment,
    Clock,
    Duration,
    HistoryRead,
    Observer,
    Outcome,
    Policy,
    SlotDay,
    Span,
    Terminal,
)
from exporter.outcomes import Outcomes
from exporter.poller.almanac import CELL, Almanac, Tally, cells
from exporter.poller.forecasting import Forecaster
from exporter.poller.past import PastReader
from exporter.state.base import CommitFailed, Store
from exporter.windows import batches

KEPT: Final[Duration] = 36 * DAY
"""How much history is kept at least: five weeks, and the window before them."""

_TURN: Final = MINUTE / SECOND
_SHORT: Final = 1.0
_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 600.0
_TRIES: Final = 3
"""Readings of a cell that do not add up to the bank's count, after which it is left out."""


class Historian:
    """Keeps the almanacs of one account's terminals whole, without ever standing in the way of its polls.

    `bank` has a budget of its own. `calm` names the terminals whose polls go well: no others are asked for, and while
    there are none nothing is. What has been read is kept at once, so that a restart goes on where the last run ended.
    """

    def __init__(
        self,
        account: str,
        terminals: Sequence[Terminal],
        ledger: Ledger,
        bank: Bank,
        store: Store,
        policy: Policy,
        outcomes: Outcomes,
        history: Duration,
        observer: Observer,
        clock: Clock,
        calm: Callable[[], Collection[str]],
        forecaster: Forecaster,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._names = tuple(terminal.name for terminal in terminals)
        self._ledger = ledger
        self._past = PastReader(bank, terminals, outcomes)
        self._store = store
        self._policy = policy
        self._history = history
        self._kept = max(history + DAY, KEPT)
        self._observer = observer
        self._clock = clock
        self._calm = calm
        self._forecaster = forecaster
        self._growing = history > 0
        self._sleep = sleep
        self._log = structlog.get_logger("epay.history").bind(account=account)
        self._given_up: dict[tuple[Span, str], int] = {}
        self._minute = 0
        self._pause = 0.0
        self._tenths = 0
        self.almanacs: Mapping[str, Almanac] = {}
        """By terminal, from the moment on that the store has been asked."""

    async def run(self) -> None:
        """Read what is missing, and go on with time; until cancelled."""
        await self._recall()
        while True:
            try:
                await self._catch_up()
            except BankError as error:
                self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
                self._log.warning("history: reading pauses", kind=error.kind, reason=str(error), seconds=self._pause)
                await self._wait(self._pause)
            except CommitFailed as error:
                self._log.warning("history: not kept", reason=str(error))
                await self._wait(_LONGEST_PAUSE)
            except Exception:  # noqa: BLE001  a defect of ours must cost the baseline, not the polls beside it
                self._log.exception("defect")
                await self._wait(_LONGEST_PAUSE)
            else:
                await self._wait(_LONGEST_PAUSE)

    async def _recall(self) -> None:
        """What an earlier run has read."""
        first = (self._clock() - self._kept) // DAY
        almanacs = {name: Almanac(name, first) for name in self._names}
        try:
            days = await asyncio.to_thread(self._store.history, tuple(almanacs))
        except CommitFailed as error:
            self._log.warning("history: not recalled", reason=str(error))
            days = ()
        by_name: dict[str, list[SlotDay]] = {}
        for day in days:
            by_name.setdefault(day.terminal, []).append(day)
        for name, its in by_name.items():
            almanacs[name].restore(its)
            await self._sleep(0)  # a thousand terminals take their time
        self.almanacs = almanacs

    async def _wait(self, seconds: float) -> None:
        """Let time pass, and keep up with it from memory meanwhile."""
        while seconds > 0:
            await self._keep_up()
            await self._sleep(min(seconds, _TURN))
            seconds -= _TURN

    async def _keep_up(self) -> None:
        """The slots that have closed, from what the polls hold in memory: they cost the bank nothing."""
        now = self._clock()
        if now // MINUTE == self._minute:
            return
        self._minute = now // MINUTE
        closed = Span((now - self._policy.lookback) // SLOT * SLOT - CELL, (now - self._policy.lookback) // SLOT * SLOT)
        news: list[SlotDay] = []
        for name, almanac in self.almanacs.items():
            mark = self._ledger.checkpoints[name]
            start = max(closed.start, -(-mark.covered_from // SLOT) * SLOT)
            end = min(closed.end, mark.watermark // SLOT * SLOT)
            while start < end and not almanac.lacks(Span(start, start + SLOT)):
                start += SLOT
            if start < end:
                tally = Tally()
                for entry in self._ledger.entries(name, start):
                    if start <= entry.created < end:
                        success = entry.key.outcome is Outcome.SUCCESS
                        tally.add(entry.created, entry.amount, entry.currency, success=success)
                almanac.put(Span(start, end), tally)
                news += almanac.days(Span(start, end))
                await self._sleep(0)  # a thousand terminals close a slot together
        first = (now - self._kept) // DAY
        for almanac in self.almanacs.values():
            almanac.forget(first)
        if news:
            try:
                await asyncio.shield(asyncio.to_thread(self._store.keep_history, news, first))
            except CommitFailed as error:
                self._log.warning("history: not kept", reason=str(error))
        await self._forecaster.measure(self.almanacs, now, self._sleep, growing=self._growing)

    async def _catch_up(self) -> None:
        """All that is missing, nearest need first. Raises BankError, CommitFailed."""
        await self._keep_up()
        while self._history and not self._calm():
            await self._wait(_SHORT)
        wanted = cells(self._clock(), self._history, self._policy.lookback)
        left = sum(almanac.lacks(cell) for cell in wanted for almanac in self.almanacs.values())
        whole = max(1, len(wanted) * len(self.almanacs))
        self._observer.observe(HistoryRead(self._account, 1 - left / whole))
        if not left:
            self._growing = False
            return
        self._tenths = int(10 - 10 * left / whole)
        self._log.info("history: reading", terminals=len(self.almanacs), spans=left, of=whole)
        for cell in wanted:
            while not (calm := self._calm()):
                await self._wait(_SHORT)
            names = [name for name in calm if self.almanacs[name].lacks(cell) and not self._hopeless(cell, name)]
            for assignment in batches(cell, names, self._policy.batch):
                await self._read(assignment)
                self._pause = 0.0
                left -= len(assignment.terminals)
                self._tell(1 - left / whole)
                await self._keep_up()
        self._growing = False
        missing = sum(almanac.lacks(cell) for cell in wanted for almanac in self.almanacs.values())
        self._observer.observe(HistoryRead(self._account, 1 - missing / whole))
        self._log.info("history: read", spans_missing=missing)

    def _tell(self, share: float) -> None:
        """How far it has come: in a metric, and in the log by tenths."""
        self._observer.observe(HistoryRead(self._account, share))
        if int(10 * share) > self._tenths:
            self._tenths = int(10 * share)
            self._log.info("history: reading", read=f"{share:.0%}")

    def _hopeless(self, cell: Span, name: str) -> bool:
        return self._given_up.get((cell, name), 0) >= _TRIES

    async def _read(self, assignment: Assignment) -> None:
        """One cell of some terminals, into their almanacs and the store."""
        span, names = assignment
        try:
            tallies = await self._past.read(assignment)
        except Refused as error:
            tallies = None
            self._log.warning("history: refused", start=span.start // SECOND, end=span.end // SECOND, reason=str(error))
        if tallies is None:
            for name in names:
                self._given_up[span, name] = self._given_up.get((span, name), 0) + 1
            return
        news: list[SlotDay] = []
        for name in names:
            self.almanacs[name].put(span, tallies[name])
            news += self.almanacs[name].days(span)
        first = (self._clock() - self._kept) // DAY
        await asyncio.shield(asyncio.to_thread(self._store.keep_history, news, first))
