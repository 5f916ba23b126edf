"""Which operations are new, repeated, late or changed, and what is added to the totals: each operation exactly once.

`Ledger.decide` looks, and returns what it found as a Decision; the poller commits it; `Ledger.apply` then brings the
memory to where the store is. A decision that could not be committed changes no count, and deciding the same readings
again gives the same decision.
"""

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from exporter.ledger.books import Shelf
from exporter.ledger.breakdowns import DetailBook
from exporter.ledger.draft import Draft
from exporter.ledger.labels import LabelBook
from exporter.ledger.marks import Marks
from exporter.ledger.memory import Memory, advance
from exporter.ledger.repeats import APART, Repeats
from exporter.model import (
    OF_ACCOUNTS,
    Checkpoint,
    Decision,
    Entry,
    Family,
    GrowingTotals,
    Instant,
    Notice,
    Operations,
    Outcome,
    Policy,
    Reading,
    Remembered,
    SeriesKey,
    Terminal,
    Totals,
    Trace,
    WindowTally,
)
from exporter.outcomes import Outcomes

__all__ = ["APART", "Acquaintance", "Ledger", "advance"]

AT_A_TIME: Final = 1000
"""Records that are looked at before others get their turn: some 2 ms of work where they are new, 26 where all of them
have changed. The web has a loop of its own, and does not wait for it."""

PUT_AT_A_TIME: Final = 10_000
"""Entries of a store that are taken in together: their columns are in memory twice for so long."""


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What a ledger has met that no store keeps: ids of strangers, and what the log has been told."""

    strangers: Mapping[bytes, Instant]
    told: frozenset[Notice]


class Ledger:
    """The operations of one account within sight, and its totals."""

    def __init__(
        self,
        account: str,
        terminals: Sequence[Terminal],
        outcomes: Outcomes,
        policy: Policy,
        max_codes: int,
        remembered: Remembered,
        dimensions: Sequence[str] = (),
        max_values: int = 50,
    ) -> None:
        self._account = account
        self._policy = policy
        self._names = {terminal.number: terminal.name for terminal in terminals}
        self._labels = {terminal.name: LabelBook(terminal.name, outcomes, max_codes) for terminal in terminals}
        self._broken_down = bool(dimensions)
        self._details = {terminal.name: DetailBook(dimensions, max_values) for terminal in terminals}
        self._repeats = {terminal.name: Repeats() for terminal in terminals}
        lacking = self._lacking(remembered)
        self._shelf = Shelf(
            ((t.name, _remembering(remembered, t.name, lacking.get(t.name, 0))) for t in terminals), policy.windows
        )
        self._marks = Marks(self._shelf.rows)
        self._strangers: dict[bytes, Instant] = {}
        self._told: set[Notice] = set()
        self._memory = Memory(
            account,
            policy,
            self._names,
            self._labels,
            self._details,
            self._repeats,
            self._shelf,
            self._marks,
            self._strangers,
            self._told,
            self._broken_down,
        )
        self._totals = GrowingTotals(
            {
                total: value
                for total, value in remembered.totals.items()
                if (total.labels[0] == account if total.family in OF_ACCOUNTS else total.labels[0] in self._labels)
            }
        )
        counted: defaultdict[str, list[SeriesKey]] = defaultdict(list)
        for total in self.totals:
            if total.family is Family.OPERATIONS:
                name, outcome, *further = total.labels
                counted[name].append(SeriesKey(name, Outcome(outcome), *further))
        for name, keys in counted.items():
            self._labels[name].restore(keys)
        ours = [self._bounded(entry) for entry in remembered.entries if entry.key.terminal in self._labels]
        for start in range(0, len(ours), PUT_AT_A_TIME):
            self._shelf.put(ours[start : start + PUT_AT_A_TIME])

    @property
    def acquaintance(self) -> Acquaintance:
        """For another ledger of the same account to go on with."""
        return Acquaintance(dict(self._strangers), frozenset(self._told))

    def acquaint(self, acquaintance: Acquaintance) -> None:
        """Count no stranger again, and tell nothing twice, that a ledger before this one has."""
        self._strangers.update(acquaintance.strangers)
        self._told.update(acquaintance.told)

    def _bounded(self, entry: Entry) -> Entry:
        """An entry of the store with the details that are configured now."""
        details = self._details[entry.key.terminal].bounded(entry.details)
        return entry if details == entry.details == () else entry._replace(details=details)

    def _lacking(self, remembered: Remembered) -> dict[str, Instant]:
        """By terminal, the end of what was stored without all of the dimensions that are configured now."""
        ends: dict[str, Instant] = {}
        for entry in remembered.entries if self._broken_down else ():
            details = self._details.get(entry.key.terminal)
            if details is not None and details.lacks(entry.details):
                ends[entry.key.terminal] = max(ends.get(entry.key.terminal, 0), entry.created + 1)
        return ends

    @property
    def totals(self) -> Totals:
        """What has been counted up to now; does not change under who holds it."""
        return self._totals.seen()

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """How far each terminal has been read, by name: of all of them, and put together at each call."""
        return {name: book.checkpoint for name, book in self._shelf.books.items()}

    @property
    def marks(self) -> Mapping[int, bytes]:
        """The ids of records that are still as they were counted, by their marks: always the newest."""
        return self._marks.ids

    @property
    def compared(self) -> int:
        """How many operations are held to find out which others repeat them."""
        return sum(len(repeats) for repeats in self._repeats.values())

    def entries(self, name: str, since: Instant) -> Iterator[Entry]:
        """What is remembered of a terminal from an instant on, oldest first."""
        return self._shelf.books[name].since(since)

    def before(self, instant: Instant) -> frozenset[bytes]:
        """The ids of what is remembered from before an instant: hardly any, where no store keeps what is older."""
        return frozenset(entry.id for book in self._shelf.books.values() for entry in book.before(instant))

    def checkpoint(self, name: str) -> Checkpoint:
        """How far a terminal has been read."""
        return self._shelf.books[name].checkpoint

    def windows(self, name: str, at: Instant) -> tuple[WindowTally, ...]:
        """A terminal's sliding windows up to an instant; the same object as before where nothing in it has changed."""
        return self._shelf.books[name].windows.tallies(at)

    def pending(self, name: str, now: Instant) -> tuple[Entry, ...]:
        """The operations of a terminal that are pending and still followed."""
        pending = self._shelf.books[name].pending
        return tuple(entry for entry in pending if self._memory.followed(entry.key.outcome, entry.created, now))

    def listed(self, readings: Iterable[Reading]) -> tuple[bytes, ...]:
        """The ids of ours that have been read."""
        found: list[bytes] = []
        for reading in readings:
            operations = Operations.of(reading.operations)
            ours = {words: words.number in self._names for words in set(operations.words)}
            if not all(ours.values()):
                operations = operations.chosen([ours[words] for words in operations.words])
            found += operations.ids
        return tuple(found)

    def unknown(self, ids: Collection[bytes]) -> list[bytes]:
        """Those of some ids that memory does not hold: new ones, and old ones that only the store can tell apart."""
        return self._shelf.absent(ids)

    def decide(
        self,
        readings: Iterable[Reading],
        now: Instant,
        recalled: Iterable[Entry] = (),
        kept_since: Instant = 0,
        *,
        unknown: Collection[bytes] = (),
        again: bool = False,
    ) -> Decision:
        """What these readings, and the passing of time, change.

        `recalled` is what the store holds of the `unknown` ids, and `kept_since` how far back it holds any: about an
        unknown operation from before that nothing can be said, so it is not counted. Those ids that `unknown` holds are
        not looked for in memory again. `again`: these are hours that have been read to their end before, so what is new
        in them is late, and strangers have been counted.
        """
        steps = self.deciding(readings, now, recalled, kept_since, unknown=unknown, again=again)
        while True:
            try:
                next(steps)
            except StopIteration as ended:
                decision: Decision = ended.value
                return decision

    def deciding(
        self,
        readings: Iterable[Reading],
        now: Instant,
        recalled: Iterable[Entry] = (),
        kept_since: Instant = 0,
        *,
        unknown: Collection[bytes] = (),
        again: bool = False,
    ) -> Generator[None, None, Decision]:
        """The same a few records at a time, for who has something else to do meanwhile. Nothing may be applied then."""
        draft = Draft(self._memory, now, recalled, kept_since, unknown=unknown, again=again)
        for reading in readings:
            operations = Operations.of(reading.operations)
            for start in range(0, len(operations), AT_A_TIME):
                draft.meet(operations[start : start + AT_A_TIME])
                yield
            draft.close(reading)
        return draft.decision()

    def apply(self, decision: Decision) -> None:
        """Make a committed decision part of what is remembered."""
        self._shelf.put(decision.entries)
        for id_ in decision.forgotten:
            self._shelf.drop(id_)
        self._totals.add(decision.increments)
        for name, checkpoint in decision.checkpoints.items():
            self._shelf.books[name].checkpoint = checkpoint
        traces: defaultdict[str, list[Trace]] = defaultdict(list)
        for trace in decision.traces:
            traces[trace.terminal].append(trace)
        for name in decision.checkpoints.keys() | traces.keys():  # what nothing was read of has not moved on
            since = self._memory.compared_since(self._shelf.books[name].checkpoint, decision.now)
            self._repeats[name].remember(traces[name], since)
        policy = self._policy
        # No longer than traces are held: an operation must be compared with others as long as a new one may repeat it.
        self._marks.remember(decision.met, decision.now, decision.now - policy.lookback - APART)
        self._told.update(decision.notices)
        for id_ in decision.strangers:
            self._strangers[id_] = decision.now
        horizon = decision.now - self._policy.retention
        while self._strangers and next(iter(self._strangers.values())) < horizon:
            del self._strangers[next(iter(self._strangers))]


def _remembering(remembered: Remembered, name: str, lacking: Instant) -> Checkpoint:
    """A terminal's checkpoint with its coverage cut to what the store has given back; the fill reads the rest again.

    So it does up to `lacking`, where stored operations lack dimensions that have been configured since.
    """
    checkpoint = remembered.checkpoints[name]
    since = max(checkpoint.covered_from, remembered.since, lacking)
    return replace(checkpoint, covered_from=min(since, checkpoint.watermark))
