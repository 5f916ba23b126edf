"""The slow pass that reads closed hours again and compares what the bank lists now with what was counted then."""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable

from exporter import windows
from exporter.bank import Bank, BankError
from exporter.ledger import Ledger
from exporter.model import (
    HOUR,
    MINUTE,
    Difference,
    Entry,
    Instant,
    Operation,
    Policy,
    Reading,
    Span,
    Terminal,
)
from exporter.poller.bookkeeping import Bookkeeper
from exporter.poller.gathering import cut, gather
from exporter.poller.reporting import Reporter

_AGAIN = 10 * MINUTE
"""When a pass that the bank did not answer is tried again."""


class Reconciler:
    """Compares one account's closed hours, an hour at a time, and has counted what was missed."""

    def __init__(
        self,
        terminals: Collection[Terminal],
        bank: Bank,
        ledger: Ledger,
        bookkeeper: Bookkeeper,
        policy: Policy,
        reporter: Reporter,
    ) -> None:
        self._numbers = {terminal.name: terminal.number for terminal in terminals}
        self._bank = bank
        self._ledger = ledger
        self._bookkeeper = bookkeeper
        self._policy = policy
        self._reporter = reporter
        self._hour: int | None = None
        self._done: set[str] = set()
        self._found: dict[tuple[str, Span], Difference | None] = {}
        self._not_before: Instant = 0
        self.differences: dict[str, Difference] = {}

    async def reconcile(self, names: Collection[str], now: Instant) -> bool:
        """Compare what has closed since the last time, for those of these terminals that it has not been for yet.

        What the bank does not answer is tried again after a while, and goes on where it broke off. Raises CommitFailed.
        """
        hour = (now - self._policy.lookback) // HOUR
        if hour != self._hour:
            self._hour, self._done, self._found, self._not_before = hour, set(), {}, 0
            # A clock that is ahead, before the bank has said so, must not let go of everything.
            read_to = max((mark.watermark for mark in self._ledger.checkpoints.values()), default=now)
            await self._bookkeeper.expire(min(now, read_to) - self._policy.kept)
        asked = [name for name in names if name not in self._done]
        if not asked or now < self._not_before:
            return False
        self._not_before = now + _AGAIN
        errors = await self._pass(asked, now)
        if errors:
            self._reporter.reconciliation_failed(next(iter(errors.values())))
        done = [name for name in asked if name not in errors]
        self._conclude(done)
        self._done.update(done)
        self._not_before = now + _AGAIN if errors else 0
        return bool(done)

    def _conclude(self, names: Collection[str]) -> None:
        """Sum up the hours of these terminals. Where the bank's count did not add up, nothing can be said."""
        news: dict[str, Difference] = {}
        of_terminals: defaultdict[str, list[Difference | None]] = defaultdict(list)
        for (name, _), difference in self._found.items():
            of_terminals[name].append(difference)
        for name in names:
            parts = of_terminals[name]
            self.differences.pop(name, None)
            if all(part is not None for part in parts):
                self.differences[name] = _sum(part for part in parts if part is not None)
                if self.differences[name] != Difference():
                    news[name] = self.differences[name]
        self._reporter.reconciled(news)

    async def _pass(self, names: Collection[str], now: Instant) -> dict[str, BankError]:
        kept_since = self._bookkeeper.kept_since
        spans: defaultdict[Span, list[str]] = defaultdict(list)
        for name in names:
            for span in windows.closed_hours(now, self._ledger.checkpoint(name), self._policy, kept_since):
                spans[span].append(name)
        errors: dict[str, BankError] = {}
        for span, asked in spans.items():
            queue = deque(windows.batches(span, [name for name in asked if name not in errors], self._policy.batch))
            while queue:
                gathered = await gather(self._bank, [queue.popleft()])
                errors.update(gathered.failures)
                queue.extendleft(cut(gathered, now))
                for reading in gathered.readings:
                    await self._check(reading, now)
        return errors

    async def _check(self, reading: Reading, now: Instant) -> None:
        """Compare one reading with what is remembered, unless it has been, and count what was missed."""
        span = reading.assignment.span
        remembered = await self._bookkeeper.remembered(span)
        await self._bookkeeper.take([reading], now, again=True)
        for name, difference in self._compare(reading, remembered):
            if reading.complete:
                self._found.setdefault((name, span), difference)
            else:  # what does not add up by itself proves nothing
                self._found[name, span] = None

    def _compare(self, reading: Reading, remembered: Iterable[Entry]) -> Iterable[tuple[str, Difference]]:
        listed: defaultdict[str, list[Operation]] = defaultdict(list)
        for operation in reading.operations:
            listed[operation.number].append(operation)
        ours: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in remembered:
            ours[entry.key.terminal].append(entry)
        for name in reading.assignment.terminals:
            yield name, compare(listed[self._numbers[name]], ours[name], reading.assignment.span)


def compare(listed: Iterable[Operation], remembered: Iterable[Entry], span: Span) -> Difference:
    """One terminal's operations in a span, by id: what the bank lists beyond what is remembered.

    What was missed shows even where as many have vanished from the bank's list. An operation at the span's edge that
    only one side has by its time is not a difference where the other side knows its id.
    """
    bank = {operation.id: operation for operation in listed}
    ours = {entry.id: entry for entry in remembered}
    missed = [o for id_, o in bank.items() if id_ not in ours and span.start <= o.created < span.end]
    vanished = [e for id_, e in ours.items() if id_ not in bank and span.start <= e.created < span.end]
    amounts: Counter[str] = Counter()
    for operation in (*missed, *(bank[id_] for id_ in bank.keys() & ours.keys())):
        amounts[operation.currency] += operation.amount
    for entry in (*vanished, *(ours[id_] for id_ in bank.keys() & ours.keys())):
        amounts[entry.currency] -= entry.amount
    return Difference(len(missed) or -len(vanished), {currency: n for currency, n in amounts.items() if n})


def _sum(differences: Iterable[Difference]) -> Difference:
    operations = 0
    amounts: Counter[str] = Counter()
    for difference in differences:
        operations += difference.operations
        amounts.update(difference.amounts)
    return Difference(operations, {currency: amount for currency, amount in amounts.items() if amount})
