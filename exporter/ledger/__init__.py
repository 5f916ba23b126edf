"""Which operations are new, repeated, late or changed, and what is added to the totals: each operation exactly once.

`Ledger.decide` looks, and returns what it found as a Decision; the poller commits it; `Ledger.apply` then brings the
memory to where the store is. A decision that could not be committed changes no count, and deciding the same readings
again gives the same decision.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.ledger import counting
from exporter.ledger.books import Book, Shelf
from exporter.ledger.breakdowns import DetailBook
from exporter.ledger.labels import Label, LabelBook
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
    Operation,
    Outcome,
    Policy,
    Reading,
    Remembered,
    SeriesKey,
    Span,
    Standing,
    Terminal,
    Total,
    Totals,
    Trace,
    WindowTally,
)
from exporter.outcomes import Outcomes

__all__ = ["APART", "Acquaintance", "Ledger", "advance"]


def advance(checkpoint: Checkpoint, span: Span, now: Instant) -> Checkpoint:
    """The checkpoint after a complete reading of a span: coverage grows by what touches it, and never shrinks."""
    end = min(span.end, now)
    if span.start > checkpoint.watermark or end < min(checkpoint.covered_from, now):
        return checkpoint
    return replace(
        checkpoint,
        covered_from=min(checkpoint.covered_from, span.start),
        watermark=max(checkpoint.watermark, end),
    )


@dataclass(slots=True)
class _Draft:
    """A decision in the making."""

    now: Instant
    recalled: Mapping[bytes, Entry] = field(default_factory=dict)
    kept_since: Instant = 0
    again: bool = False
    entries: dict[bytes, Entry] = field(default_factory=dict)
    increments: defaultdict[Total, int] = field(default_factory=lambda: defaultdict(int))
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    moved: list[Entry] = field(default_factory=list)
    strangers: set[bytes] = field(default_factory=set)
    notices: dict[Notice, None] = field(default_factory=dict)
    traces: defaultdict[str, dict[int, dict[bytes, Trace]]] = field(default_factory=lambda: defaultdict(dict))

    def trace(self, entry: Entry, likeness: int, *, fresh: bool) -> None:
        """Have an operation compared with those that it may repeat; what it was first seen as counts."""
        if likeness:
            exempt = entry.standing is Standing.EXEMPT
            trace = Trace(entry.key.terminal, likeness, entry.id, entry.created, exempt, fresh)
            self.traces[entry.key.terminal].setdefault(likeness, {}).setdefault(entry.id, trace)

    def add(self, amounts: Iterable[tuple[Total, int]]) -> None:
        for total, amount in amounts:
            self.increments[total] += amount


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
        self._strangers: dict[bytes, Instant] = {}
        self._told: set[Notice] = set()
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
        for entry in remembered.entries:
            if entry.key.terminal in self._labels:
                details = self._details[entry.key.terminal].bounded(entry.details)
                self._shelf.put(entry if details == entry.details == () else entry._replace(details=details))

    @property
    def acquaintance(self) -> Acquaintance:
        """For another ledger of the same account to go on with."""
        return Acquaintance(dict(self._strangers), frozenset(self._told))

    def acquaint(self, acquaintance: Acquaintance) -> None:
        """Count no stranger again, and tell nothing twice, that a ledger before this one has."""
        self._strangers.update(acquaintance.strangers)
        self._told.update(acquaintance.told)

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
        """How far each terminal has been read, by name."""
        return {name: book.checkpoint for name, book in self._shelf.books.items()}

    @property
    def compared(self) -> int:
        """How many operations are held to find out which others repeat them."""
        return sum(len(repeats) for repeats in self._repeats.values())

    def entries(self, name: str, since: Instant) -> Iterator[Entry]:
        """What is remembered of a terminal from an instant on, oldest first."""
        return self._shelf.books[name].since(since)

    def checkpoint(self, name: str) -> Checkpoint:
        """How far a terminal has been read."""
        return self._shelf.books[name].checkpoint

    def windows(self, name: str, at: Instant) -> tuple[WindowTally, ...]:
        """A terminal's sliding windows up to an instant; the same object as before where nothing in it has changed."""
        return self._shelf.books[name].windows.tallies(at)

    def pending(self, name: str, now: Instant) -> tuple[Entry, ...]:
        """The operations of a terminal that are pending and still followed."""
        return tuple(entry for entry in self._shelf.books[name].pending if self._followed(entry, now))

    def unknown(self, readings: Iterable[Reading]) -> tuple[bytes, ...]:
        """The ids of ours that memory does not hold: new ones, and old ones that only the store can tell apart."""
        return tuple(
            operation.id
            for reading in readings
            for operation in reading.operations
            if operation.number in self._names and operation.id not in self._shelf
        )

    def decide(
        self,
        readings: Iterable[Reading],
        now: Instant,
        recalled: Iterable[Entry] = (),
        kept_since: Instant = 0,
        *,
        again: bool = False,
    ) -> Decision:
        """What these readings, and the passing of time, change.

        `recalled` is what the store holds of the `unknown` ids, and `kept_since` how far back it holds any: about an
        unknown operation from before that nothing can be said, so it is not counted. `again`: these are hours that have
        been read to their end before, so what is new in them is late, and strangers have been counted.
        """
        draft = _Draft(now, {entry.id: entry for entry in recalled}, kept_since, again)
        for reading in readings:
            for operation in reading.operations:
                self._meet(operation, draft)
            for rejection in reading.rejections:
                if self._meet_stranger(rejection.id, "rejected", draft):
                    draft.increments[Total(Family.REJECTED, (self._account, rejection.reason))] += 1
            if reading.complete:
                for name in reading.assignment.terminals:
                    draft.checkpoints[name] = advance(self._checkpoint(name, draft), reading.assignment.span, now)
        self._give_up_pending(draft)
        self._count_repeats(draft)
        forgotten = self._forget(draft)
        return Decision(
            now=now,
            entries=tuple(draft.entries.values()),
            increments=dict(draft.increments),
            checkpoints=draft.checkpoints,
            forgotten=forgotten,
            moved=tuple(draft.moved),
            strangers=tuple(draft.strangers),
            notices=tuple(draft.notices),
            traces=tuple(
                trace for found in draft.traces.values() for traces in found.values() for trace in traces.values()
            ),
        )

    def apply(self, decision: Decision) -> None:
        """Make a committed decision part of what is remembered."""
        for entry in decision.entries:
            self._shelf.put(entry)
        for id_ in decision.forgotten:
            self._shelf.drop(id_)
        self._totals.add(decision.increments)
        for name, checkpoint in decision.checkpoints.items():
            self._shelf.books[name].checkpoint = checkpoint
        traces: defaultdict[str, list[Trace]] = defaultdict(list)
        for trace in decision.traces:
            traces[trace.terminal].append(trace)
        for name, repeats in self._repeats.items():
            repeats.remember(traces[name], self._compared_since(self._shelf.books[name].checkpoint, decision.now))
        self._told.update(decision.notices)
        for id_ in decision.strangers:
            self._strangers[id_] = decision.now
        horizon = decision.now - self._policy.retention
        while self._strangers and next(iter(self._strangers.values())) < horizon:
            del self._strangers[next(iter(self._strangers))]

    def _checkpoint(self, name: str, draft: _Draft) -> Checkpoint:
        return draft.checkpoints.get(name) or self._shelf.books[name].checkpoint

    def _meet(self, operation: Operation, draft: _Draft) -> None:
        """One record of ours or of a stranger."""
        name = self._names.get(operation.number)
        if name is None:
            self._meet_stranger(operation.id, "foreign", draft)
            return
        label = self._labels[name].label(operation.status, operation.code, operation.reason_code)
        before = self._known(operation.id, draft)
        amount, currency = operation.amount, operation.currency
        details = self._details[name].bounded(operation.details) if self._broken_down else ()
        if before is not None:
            if operation.likeness and not self._repeats[name].holds(operation):
                now_at = before._replace(created=operation.created, key=label.key)
                draft.trace(now_at, operation.likeness, fresh=False)
            if before[1:5] == (operation.created, label.key, amount, currency):
                self._records("repeated", draft)
                if before.details != details:  # they are no status: nothing is counted
                    draft.entries[before.id] = before._replace(details=details)
                return
        entry = Entry(operation.id, operation.created, label.key, amount, currency, Standing.FOLLOWED, details)
        self._notice(name, label, draft)
        if before is None:
            self._first_seen(entry, label, draft, operation.likeness)
        else:
            self._changed(before, entry, label, draft)

    def _known(self, id_: bytes, draft: _Draft) -> Entry | None:
        return draft.entries.get(id_) or self._shelf.get(id_) or draft.recalled.get(id_)

    def _first_seen(self, entry: Entry, label: Label, draft: _Draft, likeness: int) -> None:
        book = self._shelf.books[entry.key.terminal]
        checkpoint = self._checkpoint(entry.key.terminal, draft)
        newest = book.checkpoint.newest  # of earlier polls: within one poll nothing is late
        late = newest is not None and book.checkpoint.covered_from <= entry.created < min(
            newest, book.checkpoint.watermark
        )
        self._records("late" if late or draft.again else "new", draft)
        if checkpoint.newest is None or entry.created > checkpoint.newest:
            draft.checkpoints[entry.key.terminal] = replace(checkpoint, newest=entry.created)
        if _is_exempt(entry, checkpoint):
            draft.entries[entry.id] = exempt = entry._replace(standing=Standing.EXEMPT)
            draft.trace(exempt, likeness, fresh=True)
            return
        if entry.created < min(draft.kept_since, checkpoint.watermark):  # it may have been counted and let go
            draft.entries[entry.id] = entry._replace(standing=Standing.COUNTED)
            draft.trace(entry, likeness, fresh=False)
            return
        draft.trace(entry, likeness, fresh=True)
        if self._keeps_up(book, draft.now):
            draft.add(counting.visibility(self._account, draft.now - entry.created))
        draft.entries[entry.id] = self._count(entry, label, draft)

    def _changed(self, before: Entry, entry: Entry, label: Label, draft: _Draft) -> None:
        self._records("changed", draft)
        if (before.created, before.key.terminal) != (entry.created, entry.key.terminal):
            draft.moved.append(before)
        name = entry.key.terminal
        if before.standing is Standing.COUNTED:
            draft.entries[entry.id] = entry._replace(standing=Standing.COUNTED)
            if (before.key.outcome, before.key.status) != (entry.key.outcome, entry.key.status):
                labels = (name, before.key.outcome, entry.key.outcome)
                draft.increments[Total(Family.STATUS_CHANGES, labels)] += 1
        elif _is_exempt(entry, self._checkpoint(name, draft)):
            draft.entries[entry.id] = entry._replace(standing=Standing.EXEMPT)
        else:
            draft.entries[entry.id] = self._count(entry, label, draft)

    def _count(self, entry: Entry, label: Label | None, draft: _Draft) -> Entry:
        """Add an operation to the totals if it is final, or followed no longer."""
        if self._followed(entry, draft.now):
            return entry
        draft.add(counting.operation(entry))
        if self._keeps_up(self._shelf.books[entry.key.terminal], draft.now):
            draft.add(counting.finalization(entry, draft.now - entry.created))
        if label is not None and label.unnamed_code:
            draft.increments[Total(Family.UNKNOWN_CODES, (entry.key.terminal,))] += 1
        if label is not None and label.overflowed:
            draft.increments[Total(Family.LABEL_OVERFLOW, (entry.key.terminal,))] += 1
        return entry._replace(standing=Standing.COUNTED)

    def _give_up_pending(self, draft: _Draft) -> None:
        """Count as pending what has been pending for so long that it is followed no longer."""
        for entry in self._shelf.followed_before(draft.now - self._policy.follow_pending + 1):
            if entry.id not in draft.entries:
                draft.entries[entry.id] = self._count(entry, None, draft)

    def _count_repeats(self, draft: _Draft) -> None:
        for name, found in draft.traces.items():
            due = self._repeats[name].due(found, self._compared_since(self._checkpoint(name, draft), draft.now))
            if due:
                draft.increments[Total(Family.DUPLICATES, (name,))] += due

    def _compared_since(self, checkpoint: Checkpoint, now: Instant) -> Instant:
        """How far back operations are held to be compared: to the start of any sweep, and as far again."""
        sight = max(min(checkpoint.watermark, now), now - self._policy.max_gap)
        return sight - 2 * (self._policy.lookback + APART) - self._policy.overlap

    def _forget(self, draft: _Draft) -> tuple[bytes, ...]:
        """The ids that no sweep or window needs any more. A pending one stays as long as it is followed."""
        forgotten: list[bytes] = []
        for name, book in self._shelf.books.items():
            checkpoint = self._checkpoint(name, draft)
            sight = max(min(checkpoint.watermark, draft.now), draft.now - self._policy.max_gap)
            horizon = sight - self._policy.retention
            forgotten += (
                entry.id
                for entry in book.before(horizon)
                if entry.id not in draft.entries and not self._followed(entry, draft.now)
            )
        return tuple(forgotten)

    def _followed(self, entry: Entry, now: Instant) -> bool:
        return entry.key.outcome is Outcome.PENDING and entry.created > now - self._policy.follow_pending

    def _keeps_up(self, book: Book, now: Instant) -> bool:
        """Whether delays measure the bank: after an outage of ours they would measure the outage."""
        return now - book.checkpoint.watermark <= self._policy.behind

    def _meet_stranger(self, id_: bytes, kind: str, draft: _Draft) -> bool:
        if draft.again or id_ in self._strangers or id_ in draft.strangers:
            return False
        draft.strangers.add(id_)
        self._records(kind, draft)
        return True

    def _records(self, kind: str, draft: _Draft) -> None:
        draft.increments[Total(Family.RECORDS, (self._account, kind))] += 1

    def _notice(self, name: str, label: Label, draft: _Draft) -> None:
        if label.unnamed_status:
            self._tell(Notice(name, "status", label.key.status), draft)
        if label.unnamed_code:
            self._tell(Notice(name, "code", label.key.reason_code or label.key.code), draft)

    def _tell(self, notice: Notice, draft: _Draft) -> None:
        if notice not in self._told:
            draft.notices[notice] = None


def _is_exempt(entry: Entry, checkpoint: Checkpoint) -> bool:
    return entry.created < max(checkpoint.counting_since, checkpoint.gap_end or 0)


def _remembering(remembered: Remembered, name: str, lacking: Instant) -> Checkpoint:
    """A terminal's checkpoint with its coverage cut to what the store has given back; the fill reads the rest again.

    So it does up to `lacking`, where stored operations lack dimensions that have been configured since.
    """
    checkpoint = remembered.checkpoints[name]
    since = max(checkpoint.covered_from, remembered.since, lacking)
    return replace(checkpoint, covered_from=min(since, checkpoint.watermark))
