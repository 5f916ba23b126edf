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
from exporter.poller.progress import Progress
from exporter.state.base import CommitFailed, Store
from exporter.windows import batches

_TURN: Final = MINUTE / SECOND
_SOON: Final = 5.0
_SHORT: Final = 1.0
_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 600.0


class Historian:
    """Keeps the almanacs of one account's terminals whole, beside its polls.

    `past` is read with a budget of its own. `calm` names the terminals whose polls go well: no others are asked for,
    and while there are none nothing is. Those that were passed over have their turn as soon as they are calm. What has
    been read is kept at once, so that a restart goes on where the last run ended.
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
        self._ledger = ledger
        self._past = past
        self._store = store
        self._policy = policy
        self._history = history
        self._kept = max(history, (weeks + 1) * WEEK) + DAY
        self._origins = origins
        self._clock = clock
        self._calm = calm
        self._forecaster = forecaster
        self._growing = history > 0
        self._sleep = sleep
        self._log = structlog.get_logger("epay.history").bind(account=account)
        self._backlog = Backlog()
        self._minute = self._today = self._oldest = 0
        self._progress = Progress(account, observer)
        self._pause = 0.0
        self._passed_over = False
        self.almanacs: Mapping[str, Almanac] = {}
        """By terminal, from the moment on that the store has been asked."""

    async def run(self) -> None:
        """Read what is missing, and go on with time; until cancelled."""
        pause = 0.0
        while True:
            try:
                await self._wait(pause)
                pause = _LONGEST_PAUSE
                self._passed_over = await self._catch_up()
            except BankError as error:
                pause = self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
                self._passed_over = False
                self._progress.paused(error.kind, str(error), pause, self._clock())
            except CommitFailed as error:
                self._progress.not_kept(str(error), self._clock())
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
        """Let time pass, and keep up with it from memory meanwhile; less where one that was passed over comes back."""
        turn = _SOON if self._passed_over else _TURN
        while seconds > 0 and not (self._passed_over and self._backlog.comes_back(self._calm())):
            await self._sleep(min(seconds, turn))
            seconds -= turn
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

    async def _catch_up(self) -> bool:
        """All that is missing, nearest need first; whether terminals were passed over. Raises BankError, CommitFailed.

        Ends early where one of those comes back: what is nearest is needed of it first.
        """
        self._passed_over = False
        await self._keep_up()
        wanted = await self._look()
        if self._backlog.news and not self._calm():
            await self._until_calm()
            wanted = await self._look()
        read: set[str] = set()
        for cell in wanted:
            if not self._backlog.missing(cell):
                continue
            calm = await self._until_calm()
            if self._backlog.comes_back(calm):
                return True
            names = self._backlog.worth_asking(cell, calm)
            if names:
                self._progress.begun(self._backlog, len(self.almanacs))
            for assignment in batches(cell, names, self._policy.batch):
                await self._read(assignment)
                self._pause = 0.0
                self._progress.advanced(self._backlog, self._clock())
                await self._keep_up()
            read.update(names)
        self._growing = False
        self._forecaster.outdate(read)
        self._progress.ended(self._backlog)
        return True

    async def _look(self) -> Sequence[Span]:
        """What is wanted, in the order of need, once it is known what of it is missing."""
        now = self._clock()
        wanted = cells(now, self._history, self._policy.lookback)
        await self._backlog.look(wanted, self.almanacs, now // DAY, self._sleep)
        self._progress.looked(self._backlog)
        self._growing = self._growing or self._backlog.news
        return wanted

    async def _until_calm(self) -> Collection[str]:
        """The terminals whose polls go well; it waits for the first."""
        since = self._clock()
        while not (calm := self._calm()):
            if self._clock() - since >= MINUTE:
                self._progress.waiting(self._backlog, self._clock())
            await self._wait(_SHORT)
        return calm

    async def _read(self, assignment: Assignment) -> None:
        """One cell of some terminals, into their almanacs and the store."""
        span, names = assignment.span, assignment.terminals
        try:
            tallies = await self._past.read(assignment)
        except Refused as error:
            self._backlog.refused(span, names)
            self._progress.left_out(span, str(error), self._clock())
            return
        if tallies is None:
            self._backlog.unsound(span, names)
            self._progress.left_out(span, "the ids read differ from totalCount", self._clock())
            return
        news: list[SlotDay] = []
        for name in names:
            self.almanacs[name].put(span, tallies[name])
            news += self.almanacs[name].days(span)
        await self._keep(news, self._clock())
        self._backlog.done(span, names)
