"""The history that baselines are made from: read from the bank once, at a polite rate, and then kept up from memory."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import structlog

from exporter.bank import BankError, Refused
from exporter.baseline import SLOT, WEEK
from exporter.ledger import Ledger
from exporter.model import (
    DAY,
    MINUTE,
    SECOND,
    Assignment,
    Checkpoint,
    Clock,
    Duration,
    HistoryRead,
    Instant,
    Observer,
    Outcome,
    Policy,
    SlotDay,
    Span,
)
from exporter.poller.almanac import CELL, Almanac, Tally, cells
from exporter.poller.backlog import Backlog
from exporter.poller.committing import finished
from exporter.poller.forecasting import Forecaster
from exporter.poller.past import PastReader
from exporter.state.base import CommitFailed, Store
from exporter.windows import batches

_TURN: Final = MINUTE / SECOND
_SHORT: Final = 1.0
_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 600.0


class Historian:
    """Keeps the almanacs of one account's terminals whole, beside its polls.

    `bank` has a budget of its own. `calm` names the terminals whose polls go well: no others are asked for, and while
    there are none nothing is. What has been read is kept at once, so that a restart goes on where the last run ended.
    `origins` says of each terminal what its history depends on: what was kept under another origin is read again.
    """

    def __init__(
        self,
        account: str,
        ledger: Ledger,
        past: PastReader,
        store: Store,
        policy: Policy,
        history: Duration,
        weeks: int,
        origins: Mapping[str, str],
        observer: Observer,
        clock: Clock,
        calm: Callable[[], Collection[str]],
        forecaster: Forecaster,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._ledger = ledger
        self._past = past
        self._store = store
        self._policy = policy
        self._history = history
        self._kept = max(history, (weeks + 1) * WEEK) + DAY
        self._origins = origins
        self._observer = observer
        self._clock = clock
        self._calm = calm
        self._forecaster = forecaster
        self._growing = history > 0
        self._sleep = sleep
        self._log = structlog.get_logger("epay.history").bind(account=account)
        self._backlog = Backlog()
        self._minute = self._today = self._oldest = 0
        self._pause = 0.0
        self._tenths = 0
        self.almanacs: Mapping[str, Almanac] = {}
        """By terminal, from the moment on that the store has been asked."""

    async def run(self) -> None:
        """Read what is missing, and go on with time; until cancelled."""
        pause = 0.0
        while True:
            try:
                await self._wait(pause)
                pause = _LONGEST_PAUSE
                await self._catch_up()
            except BankError as error:
                pause = self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
                self._log.warning("history: reading pauses", kind=error.kind, reason=str(error), seconds=pause)
            except CommitFailed as error:
                self._log.warning("history: not kept", reason=str(error))
            except Exception:  # noqa: BLE001  a defect of ours must cost the baseline, not the polls beside it
                self._log.exception("defect")

    async def _recall(self, now: Instant) -> None:
        """What an earlier run has read. Raises CommitFailed."""
        days = await asyncio.to_thread(self._store.history, tuple(self._origins))
        first = (now - self._kept) // DAY
        by_name: dict[str, list[SlotDay]] = {name: [] for name in self._origins}
        for day in days:
            if day.origin == self._origins[day.terminal]:
                by_name[day.terminal].append(day)
        almanacs = {}
        for name, its in by_name.items():
            almanacs[name] = Almanac(name, first, self._origins[name])
            almanacs[name].restore(its)
            await self._sleep(0)  # a thousand terminals take their time
        self.almanacs, self._backlog = almanacs, Backlog()
        self._oldest = min((day.day for day in days), default=first)

    async def _wait(self, seconds: float) -> None:
        """Let time pass, and keep up with it from memory meanwhile."""
        while seconds > 0:
            await self._sleep(min(seconds, _TURN))
            seconds -= _TURN
            await self._keep_up()

    async def _keep_up(self) -> None:
        """The slots that have closed, from what the polls hold in memory: they cost the bank nothing."""
        now = self._clock()
        if now // MINUTE == self._minute:
            return
        # A clock that was ahead for a while has left almanacs that begin too late to hold what is wanted.
        if not self.almanacs or next(iter(self.almanacs.values())).operations.start > now - self._kept + 2 * DAY:
            await self._recall(now)
        self._minute = now // MINUTE
        end = (now - self._policy.lookback) // SLOT * SLOT
        news: list[SlotDay] = []
        checkpoints = self._ledger.checkpoints
        for name, almanac in self.almanacs.items():
            held = self._held(checkpoints[name], Span(end - CELL, end))
            while held.start < held.end and not almanac.lacks(Span(held.start, held.start + SLOT)):
                held = Span(held.start + SLOT, held.end)
            if held.start < held.end:
                almanac.put(held, self._remembered(name, held))
                news += almanac.days(held)
                await self._sleep(0)  # a thousand terminals close a slot together
        for almanac in self.almanacs.values():
            almanac.forget((now - self._kept) // DAY)
        if news:
            await self._keep(news, now)
        await self._forecaster.measure(self.almanacs, now, self._sleep, growing=self._growing)

    def _held(self, mark: Checkpoint, wanted: Span) -> Span:
        """The slots of a span that the ledger has read to their end and not let go of yet."""
        since = max(wanted.start, mark.covered_from, mark.watermark - self._policy.retention + MINUTE)
        return Span(-(-since // SLOT) * SLOT, min(wanted.end, mark.watermark // SLOT * SLOT))

    def _remembered(self, name: str, span: Span) -> Tally:
        tally = Tally()
        for entry in self._ledger.entries(name, span.start):
            if span.start <= entry.created < span.end:
                success = entry.key.outcome is Outcome.SUCCESS
                tally.add(entry.created, entry.amount, entry.currency, success=success)
        return tally

    async def _keep(self, days: Sequence[SlotDay], now: Instant) -> None:
        """Store days; old ones go, one a day and no more, however far the clock has leapt: it may be wrong."""
        if now // DAY != self._today:
            self._today, self._oldest = now // DAY, min((now - self._kept) // DAY, self._oldest + 1)
        await finished(asyncio.to_thread(self._store.keep_history, days, self._oldest))

    async def _catch_up(self) -> None:
        """All that is missing, nearest need first. Raises BankError, CommitFailed."""
        await self._keep_up()
        while self._history and not self._calm():
            await self._wait(_SHORT)
        now = self._clock()
        wanted = cells(now, self._history, self._policy.lookback)
        await self._backlog.look(wanted, self.almanacs, now // DAY, self._sleep)
        self._tell(first=True)
        for cell in wanted:
            if not self._backlog.missing(cell):
                continue
            while not (calm := self._calm()):
                await self._wait(_SHORT)
            names = self._backlog.worth_asking(cell, calm)
            for assignment in batches(cell, names, self._policy.batch):
                await self._read(assignment)
                self._pause = 0.0
                self._tell()
                await self._keep_up()
        self._growing = False
        if self._backlog.news:
            self._log.info("history: read", spans_missing=self._backlog.left)

    def _tell(self, *, first: bool = False) -> None:
        """How far it has come: in a metric, and in the log by tenths."""
        backlog = self._backlog
        self._observer.observe(HistoryRead(self._account, backlog.share))
        tenths = int(10 * backlog.share)
        if first and backlog.left and backlog.news:
            self._log.info("history: reading", terminals=len(self.almanacs), spans=backlog.left, of=backlog.whole)
        elif tenths > self._tenths and not first:
            self._log.info("history: reading", read=f"{backlog.share:.0%}")
        self._tenths = tenths

    async def _read(self, assignment: Assignment) -> None:
        """One cell of some terminals, into their almanacs and the store."""
        span, names = assignment
        try:
            tallies = await self._past.read(assignment)
            reason = "the ids read differ from totalCount"
        except Refused as error:
            tallies, reason = None, str(error)
        if tallies is None:
            if self._backlog.left_out(span, names):
                self._log.warning("history: refused", start=span.start // SECOND, end=span.end // SECOND, reason=reason)
            return
        news: list[SlotDay] = []
        for name in names:
            self.almanacs[name].put(span, tallies[name])
            news += self.almanacs[name].days(span)
        await self._keep(news, self._clock())
        self._backlog.done(span, names)
