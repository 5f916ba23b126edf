"""What one account is read of, and when: the head, the fill, the sweep; and who is asked apart from the others."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from exporter import windows
from exporter.bank import Bank, BankError, Refused, Unauthorized
from exporter.ledger import APART, Ledger
from exporter.model import SECOND, Assignment, Checkpoint, Clock, Duration, Family, Instant, Policy, Span, Total
from exporter.poller.bookkeeping import Bookkeeper
from exporter.poller.gathering import Gathered, Quarantine, cut, gather
from exporter.poller.gathering import stride as stride_after
from exporter.poller.reporting import Reporter

_PATIENCE: Final = 3
"""Polls in a row that do not add up before the head gives up reading all of it again."""

_RARELY: Final = 10
"""Sweeps between two tries to make it add up all the same."""

_AT_ONCE: Final = 20_000
"""Records that one step of a fill is to bring: they are in memory until all of them are counted, a kilobyte each."""

_FULL: Final = 2_000
"""Records for which an assignment is worth its last page, which is seldom full: a step brings as many for each."""

_FASTER: Final = 100
"""How many times longer than the last one a step may be at most: there may be more than the last hour lets expect."""


@dataclass(slots=True)
class Result:
    """What a turn of reading came to, by terminal: errors, and readings that do not add up to the bank's count."""

    failures: dict[str, BankError] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)


class Reader:
    """Reads one account into its ledger. What is read is committed piece by piece; a CommitFailed ends the turn."""

    def __init__(
        self,
        bank: Bank,
        ledger: Ledger,
        bookkeeper: Bookkeeper,
        policy: Policy,
        reporter: Reporter,
        bank_clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._bank = bank
        self._ledger = ledger
        self._bookkeeper = bookkeeper
        self._policy = policy
        self._reporter = reporter
        self._bank_clock = bank_clock
        self._monotonic = monotonic
        self._quarantine = Quarantine(policy.interval / SECOND, monotonic)
        # After a start nothing is held that new operations could repeat: what lies a minute further back is read again.
        self.swept_to = {name: mark.watermark - APART for name, mark in ledger.checkpoints.items()}
        """How far each terminal's lookback has been swept; the next sweep goes back from there."""
        self._anew = set(self.swept_to)
        self._gaps: dict[str, tuple[Checkpoint, Span]] = {}
        self._gap_told: set[str] = set()
        self._adds_up_not: dict[str, int] = {}
        self._head_read_to: dict[str, Instant] = {}
        self._turn = 0
        self._stride: Duration = min(policy.windows)  # nothing is known yet of how much there is
        self.stuck: set[str] = set()
        """Terminals whose windows cannot be filled piece by piece, since the bank's counts do not add up. The sweeps go
        on trying."""

    async def poll(self, now: Instant, deadline: float) -> Result:
        """Bring every terminal's watermark to now, and its windows back to their beginning, as far as time allows."""
        result = Result()
        for name in self._ledger.checkpoints:
            if (error := self._quarantine.resting(name)) is not None:
                result.failures[name] = error
        self._gaps = self._gaps_before(now)
        await self._head(now, deadline, result)
        await self._fill(now, deadline, result)
        for name in self._asked(result):
            self._head_read_to[name] = now
            moved = self._ledger.checkpoint(name).watermark >= now
            self._adds_up_not[name] = 0 if moved else self._adds_up_not.get(name, 0) + (name in result.incomplete)
            if moved:
                self._gap_told.discard(name)
        return result

    async def sweep(self, names: Iterable[str], now: Instant) -> Result:
        """The lookback again, and the pending operations that are older than it."""
        swept = {name: self.swept_to[name] for name in names}
        pending = [entry for name in swept for entry in self._ledger.pending(name, now)]
        marks = self._ledger.checkpoints
        hopeless = {name: marks[name] for name in swept if self._gave_up(name)}
        assignments = (
            *(windows.head(now, hopeless, self._policy) if self._turn % _RARELY == 0 else ()),
            *windows.fill(now, {name: marks[name] for name in swept if name in self.stuck}, self._policy),
            *windows.sweep(now, swept, self._policy),
            *windows.follow(now, pending, self._policy, self._turn),
        )
        self._turn += 1
        result = Result()
        await self._walk((each._replace(sweep=True) for each in assignments), now, result)
        for name in swept.keys() - result.failures.keys():
            if name not in result.incomplete or self._gave_up(name):
                self.swept_to[name] = now
        return result

    def _gaps_before(self, now: Instant) -> dict[str, tuple[Checkpoint, Span]]:
        """What lies further back than max_gap, by terminal. It is given up once the bank answers, and not before."""
        gaps = {}
        for name, checkpoint in self._ledger.checkpoints.items():
            resumed, gap = windows.resume(checkpoint, now, self._policy)
            if gap is not None:
                gaps[name] = (resumed, gap)
        return gaps

    async def _give_up_gaps(self, names: Iterable[str], now: Instant) -> None:
        """Go on behind the gaps of these terminals, and say so once for each outage."""
        given_up = {name: self._gaps.pop(name) for name in names if name in self._gaps}
        skipped = {Total(Family.GAP, (name,)): gap.end - gap.start for name, (_, gap) in given_up.items()}
        await self._bookkeeper.skip({name: resumed for name, (resumed, _) in given_up.items()}, skipped, now)
        told: defaultdict[Span, list[str]] = defaultdict(list)
        for name, (_, gap) in given_up.items():
            if name not in self._gap_told:
                told[gap].append(name)
        self._gap_told.update(given_up)
        for gap, together in told.items():
            self._reporter.gap(together, gap)

    async def _head(self, now: Instant, deadline: float, result: Result) -> None:
        stride: Duration | None = None
        while True:
            asked = self._asked(result)
            further = APART if self._anew & asked.keys() else 0
            heads = [
                windows.head(now, self._heads(group), self._policy, stride, further) for group in self._apart(asked)
            ]
            gathered = await self._take([each for group in heads for each in group], now, result)
            self._anew.difference_update(name for each in gathered.readings for name in each.assignment.terminals)
            marks = {name: checkpoint.watermark for name, checkpoint in self._asked(result).items()}
            moved = any(mark > asked[name].watermark for name, mark in marks.items())
            if gathered.too_large:
                stride = stride_after(gathered, now)
            elif stride is None or not moved or all(mark >= now for mark in marks.values()):
                return
            if self._monotonic() > deadline:
                return

    def _heads(self, asked: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
        """Where heads go on: at the watermark, or where the last one ended if the bank's counts just do not add up.

        Otherwise a bank that miscounts would be asked for ever more, back to a watermark that does not move; the sweeps
        go on trying that.
        """
        return {
            name: replace(mark, watermark=self._head_read_to[name]) if self._gave_up(name) else mark
            for name, mark in asked.items()
        }

    def _gave_up(self, name: str) -> bool:
        return self._adds_up_not.get(name, 0) >= _PATIENCE

    async def _fill(self, now: Instant, deadline: float, result: Result) -> None:
        while self._monotonic() <= deadline:
            hopeful = {name: mark for name, mark in self._asked(result).items() if name not in self.stuck}
            before = {name: mark.covered_from for name, mark in hopeful.items()}
            assignments = windows.fill(now, hopeful, self._policy, self._stride)
            if not assignments:
                return
            gathered = await self._take(assignments, now, result)
            self._stride = _next_stride(gathered, now, self._stride)
            if gathered.too_large:
                continue
            if not all(reading.complete for reading in gathered.readings):
                await self._fill_as_far_as_possible(result.incomplete - self.stuck, now)
                return
            if all(self._ledger.checkpoint(name).covered_from >= mark for name, mark in before.items()):
                return

    async def _fill_as_far_as_possible(self, names: set[str], now: Instant) -> None:
        """Read the whole reach once where the bank's counts do not add up: shown as incomplete beats not shown."""
        self.stuck |= names
        await self._walk(windows.back_to(now - self._policy.reach, sorted(names), now, self._policy), now, Result())

    async def _walk(self, assignments: Iterable[Assignment], now: Instant, result: Result) -> None:
        """Read one assignment after the other, in pieces where need be."""
        queue = deque(assignments)
        while queue:
            gathered = await self._take([queue.popleft()], now, result)
            queue.extendleft(cut(gathered, now))

    async def _take(self, assignments: Iterable[Assignment], now: Instant, result: Result) -> Gathered:
        """Read assignments side by side and count them; who was refused is asked apart from the others from now on."""
        gathered = await gather(self._bank, assignments)
        now = min(now, self._bank_clock())  # the answer may have taught us that our clock is ahead
        await self._give_up_gaps((name for each in gathered.readings for name in each.assignment.terminals), now)
        await self._bookkeeper.take(gathered.readings, now)
        for reading in gathered.readings:
            for name in reading.assignment.terminals:
                self._quarantine.release(name)
            if not reading.complete:
                result.incomplete.update(reading.assignment.terminals)
        for name, error in gathered.failures.items():
            refused = isinstance(error, (Refused, Unauthorized))
            if refused and (gathered.readings or self._quarantine.holds(name)):
                # while others are accepted it is the terminal that is shut out, whatever the bank calls it
                error = error if isinstance(error, Refused) else Refused(str(error))
                self._quarantine.put(name, error)
            result.failures[name] = error
        return gathered

    def _asked(self, result: Result) -> dict[str, Checkpoint]:
        """The terminals that nothing has gone wrong with in this turn, and where to go on with them."""
        return {
            name: self._gaps[name][0] if name in self._gaps else mark
            for name, mark in self._ledger.checkpoints.items()
            if name not in result.failures
        }

    def _apart(self, asked: Mapping[str, Checkpoint]) -> tuple[dict[str, Checkpoint], dict[str, Checkpoint]]:
        """Those that the bank accepts together, and those that it has refused before."""
        held = {name: mark for name, mark in asked.items() if self._quarantine.holds(name)}
        return {name: mark for name, mark in asked.items() if name not in held}, held


def _next_stride(gathered: Gathered, now: Instant, stride: Duration) -> Duration:
    """How far the next step of a fill is to go, by what this one has brought; a little more where it was nothing."""
    if gathered.too_large:
        return stride_after(gathered, now)
    if not gathered.readings:
        return stride
    records = sum(len(each.operations) + len(each.rejections) + len(each.unchanged) for each in gathered.readings)
    longest = max(each.assignment.span.end - each.assignment.span.start for each in gathered.readings)
    wanted = max(_AT_ONCE, _FULL * len(gathered.readings))
    return max(longest, SECOND) * wanted // max(records, wanted // _FASTER)
