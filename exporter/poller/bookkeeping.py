"""Decisions into the store and then into memory, one at a time."""

import asyncio
from collections.abc import Collection, Generator, Sequence

from exporter.ledger import Ledger
from exporter.model import SECOND, Checkpoint, Decision, Entry, Instant, Reading, Span, Total
from exporter.poller.committing import finished
from exporter.poller.reporting import Reporter
from exporter.state.base import CommitUnsettled, Store


class Bookkeeper:
    """Keeps one account's ledger and the store in step. Raises CommitFailed, and then nothing has changed."""

    def __init__(self, ledger: Ledger, store: Store, reporter: Reporter) -> None:
        self._ledger = ledger
        self._store = store
        self._reporter = reporter
        self._one_at_a_time = asyncio.Lock()
        self._unsettled: tuple[Decision, CommitUnsettled] | None = None

    async def take(self, readings: Sequence[Reading], now: Instant, *, again: bool = False) -> None:
        """Count what was read. What memory does not hold is looked up in the store before it counts as new."""
        if readings:
            async with self._one_at_a_time:
                await self._settle()
                unknown, recalled = await self._looked_up(self._ledger.listed(readings))
                kept_since = self._store.kept_since
                steps = self._ledger.deciding(readings, now, recalled, kept_since, unknown=unknown, again=again)
                await self._commit(await _decided(steps))

    async def _looked_up(self, ids: tuple[bytes, ...]) -> tuple[Collection[bytes], tuple[Entry, ...]]:
        """Those of some ids that memory does not hold, and what the store does of those."""
        if not ids:  # most sweeps find nothing that is not as it was counted
            return (), ()
        suspected = await asyncio.to_thread(self._store.suspected, ids)
        if outliving := self._ledger.before(self._store.kept_since):  # what the store has let go of, memory may hold
            suspected = outliving.intersection(ids).union(suspected)
        if not suspected:  # nothing else is held that the store does not hold, and most of what is read is new
            return ids, ()
        unknown = self._ledger.unknown(suspected)
        names = tuple(self._ledger.checkpoints)
        recalled = await asyncio.to_thread(self._store.known, unknown, names) if unknown else ()
        return frozenset(ids).difference(suspected).union(unknown), recalled

    async def remembered(self, span: Span) -> tuple[Entry, ...]:
        """What the store holds of a span, and of a second on either side: the bank may list what lies on the bounds."""
        return await asyncio.to_thread(self._store.entries, Span(span.start - SECOND, span.end + SECOND))

    @property
    def kept_since(self) -> Instant:
        """How far back the store holds ids."""
        return self._store.kept_since

    async def skip(self, checkpoints: dict[str, Checkpoint], gaps: dict[Total, int], now: Instant) -> None:
        """Put watermarks further on without a reading, and keep account of what is left out."""
        if checkpoints:
            async with self._one_at_a_time:
                await self._settle()
                await self._commit(Decision(now=now, checkpoints=checkpoints, increments=gaps))

    async def expire(self, before: Instant) -> None:
        """Let the store drop what nothing needs any more."""
        await asyncio.to_thread(self._store.expire, before)

    async def _settle(self) -> None:
        """Ask what became of a commit whose answer was lost: decided again, it would be counted twice."""
        if self._unsettled is not None:
            decision, unsettled = self._unsettled
            if await asyncio.to_thread(unsettled.was_stored):
                self._ledger.apply(decision)
            self._unsettled = None

    async def _commit(self, decision: Decision) -> None:
        # A cancelled poll must not leave a commit behind that memory knows nothing of, nor one that is still under way:
        # who goes on in its place after a reload asks the store where to begin.
        await finished(self._commit_and_apply(decision))
        self._reporter.noticed(decision.notices)

    async def _commit_and_apply(self, decision: Decision) -> None:
        try:
            await asyncio.to_thread(self._store.commit, decision)
        except CommitUnsettled as unsettled:
            self._unsettled = decision, unsettled
            raise
        self._ledger.apply(decision)


async def _decided(steps: Generator[None, None, Decision]) -> Decision:
    """The decision that these steps lead to. Other accounts, and leases, get their turn between them."""
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            decision: Decision = ended.value
            return decision
        await asyncio.sleep(0)
