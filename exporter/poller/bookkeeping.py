"""Decisions into the store and then into memory, one at a time."""

import asyncio
from collections.abc import Callable, Sequence

from exporter.ledger import Ledger
from exporter.model import SECOND, Checkpoint, Decision, Entry, Instant, Reading, Span, Total
from exporter.poller.reporting import Reporter
from exporter.state.base import Store


class Bookkeeper:
    """Keeps one account's ledger and the store in step. Raises CommitFailed, and then nothing has changed."""

    def __init__(self, ledger: Ledger, store: Store, reporter: Reporter) -> None:
        self._ledger = ledger
        self._store = store
        self._reporter = reporter
        self._one_at_a_time = asyncio.Lock()

    async def take(self, readings: Sequence[Reading], now: Instant) -> None:
        """Count what was read."""
        if readings:
            async with self._one_at_a_time:
                await self._commit(lambda: self._ledger.decide(readings, now))

    async def take_again(self, reading: Reading, now: Instant) -> tuple[Entry, ...]:
        """Count what had been missed of a time that memory has forgotten; returns what the store remembered of it."""
        (start, end), _ = reading.assignment
        wide = Span(start - SECOND, end + SECOND)  # the bank may list what lies on the bounds
        async with self._one_at_a_time:
            entries = await asyncio.to_thread(self._store.entries, wide)
            recalled = {entry.id: entry for entry in entries}
            await self._commit(lambda: self._ledger.decide([reading], now, recalled))
        return entries

    async def skip(self, checkpoints: dict[str, Checkpoint], gaps: dict[Total, int], now: Instant) -> None:
        """Put watermarks further on without a reading, and keep account of what is left out."""
        if checkpoints:
            async with self._one_at_a_time:
                await self._commit(lambda: Decision(now=now, checkpoints=checkpoints, increments=gaps))

    async def expire(self, before: Instant) -> None:
        """Let the store drop what nothing needs any more."""
        await asyncio.to_thread(self._store.expire, before)

    async def _commit(self, decide: Callable[[], Decision]) -> None:
        decision = decide()
        # a cancelled poll must not leave a commit behind that memory knows nothing of
        await asyncio.shield(self._commit_and_apply(decision))
        self._reporter.noticed(decision.notices)

    async def _commit_and_apply(self, decision: Decision) -> None:
        await asyncio.to_thread(self._store.commit, decision)
        self._ledger.apply(decision)
