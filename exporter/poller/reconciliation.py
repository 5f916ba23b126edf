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
        self._not_before: Instant = 0
        self.differences: dict[str, Difference] = {}

    async def reconcile(self, names: Collection[str], now: Instant) -> bool:
        """One pass over these terminals if an hour has closed since the last one. Raises CommitFailed."""
        hour = (now - self._policy.lookback) // HOUR
        if hour == self._hour or now < self._not_before:
            return False
        try:
            differences = await self._pass(names, now)
        except BankError as error:
            self._not_before = now + _AGAIN
            self._reporter.reconciliation_failed(error)
            return False
        self._hour = hour
        self.differences.update(differences)
        self._reporter.reconciled({name: each for name, each in differences.items() if each != Difference()})
        await self._bookkeeper.expire(now - self._policy.kept)
        return True

    async def _pass(self, names: Collection[str], now: Instant) -> dict[str, Difference]:
        spans: defaultdict[Span, list[str]] = defaultdict(list)
        for name in names:
            for span in windows.closed_hours(now, self._ledger.checkpoints[name], self._policy):
                spans[span].append(name)
        found: defaultdict[str, list[Difference]] = defaultdict(list)
        for span, asked in spans.items():
            queue = deque(windows.batches(span, asked, self._policy.batch))
            while queue:
                gathered = await gather(self._bank, [queue.popleft()])
                if gathered.failures:
                    raise next(iter(gathered.failures.values()))
                queue.extendleft(cut(gathered, now))
                for reading in gathered.readings:
                    remembered = await self._bookkeeper.take_again(reading, now)
                    if reading.complete:  # what does not add up by itself proves nothing
                        for name, difference in self._compare(reading, remembered):
                            found[name].append(difference)
        return {name: _sum(found[name]) for name in names}

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
