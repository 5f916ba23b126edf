"""Reading one lane's history from where the partial file ends, and what did not add up once more."""

from collections.abc import Awaitable, Callable
from typing import Final

from exporter.backfill.lanes import Lane
from exporter.backfill.patience import PatientBank
from exporter.backfill.progress import Progress
from exporter.backfill.sieve import Sieve
from exporter.backfill.spool import Spool
from exporter.bank import MAX_RECORDS, Bank, BankError, Refused, SpanTooLarge
from exporter.model import DAY, HOUR, SECOND, Assignment, Clock, Duration, Instant, Span
from exporter.windows import shorter

_FEW_RECORDS: Final = MAX_RECORDS // 8
_FIRST_STRIDE: Final[Duration] = HOUR
_LONGEST_STRIDE: Final[Duration] = DAY


class LaneReader:
    """Reads a lane in spans: an hour at first, shorter where it holds too much, longer where it holds little."""

    def __init__(
        self,
        lane: Lane,
        bank: Bank,
        sieve: Sieve,
        spool: Spool,
        progress: Progress,
        follow_pending: Duration,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._lane = lane
        self._sieve = sieve
        self._spool = spool
        self._progress = progress
        self._follow_pending = follow_pending
        self._clock = clock
        self._bank = PatientBank(bank, lambda error: progress.waits(lane.name, error), sleep, monotonic)

    async def read(self) -> None:
        """All of the history; each span is kept as soon as it is read. Raises BankError and SpoolUnusable."""
        await self._onward()
        await self._again()

    async def _onward(self) -> None:
        end, stride = self._spool.grid.end, _FIRST_STRIDE
        while (start := self._spool.frontier(self._lane.name)) < end:
            self._progress.read(self._lane.name, start)
            span = Span(start, min(start + stride, end))
            try:
                held = await self._take(span, onward=True)
            except SpanTooLarge as large:
                stride = shorter(span, span.end, large.total_count, MAX_RECORDS)
            else:
                if held < _FEW_RECORDS:
                    stride = min(2 * stride, _LONGEST_STRIDE)
        self._progress.read(self._lane.name, end)

    async def _again(self) -> None:
        """What did not add up, and the hours whose pending operations may have become final since they were read."""
        spans = [*self._spool.incomplete(self._lane.name), *self._pending_hours()]
        while spans:
            span = spans.pop()
            try:
                await self._take(span, onward=False)
            except SpanTooLarge:
                spans += self._spool.halve(self._lane.name, span)

    def _pending_hours(self) -> list[Span]:
        """What is pending for longer than the live counters follow it is left as it is, as they do."""
        since = self._clock() - self._follow_pending
        start, end, _ = self._spool.grid
        hours: dict[Instant, None] = {}
        for created in self._spool.pending(self._lane.terminals, since):
            hours[created - created % HOUR] = None
        return [Span(max(hour, start), min(hour + HOUR, end)) for hour in hours]

    async def _take(self, span: Span, *, onward: bool) -> int:
        """Read a span and keep what it brings: the number of its records."""
        try:
            reading = await self._bank.read(Assignment(span, self._lane.terminals))
        except Refused as refused:
            guilty = await self._guilty(span)
            if not guilty:
                raise
            named = ", ".join(guilty)
            text = f"the bank refuses {'terminal' if len(guilty) == 1 else 'terminals'} {named} alone: {refused}"
            raise Refused(text, refused.code) from None
        rows, strangers = self._sieve.sift(reading)
        self._spool.take(self._lane.name, span, rows, strangers, complete=reading.complete, onward=onward)
        self._progress.found(len(rows))
        return reading.total_count

    async def _guilty(self, span: Span) -> list[str]:
        """The terminals that the bank refuses, where it takes others of the same lane."""
        guilty = []
        for name in self._lane.terminals:
            try:
                await self._bank.read(Assignment(Span(span.start, span.start + SECOND), (name,)))
            except Refused:
                guilty.append(name)
            except BankError:
                return []
        return guilty if len(guilty) < len(self._lane.terminals) else []
