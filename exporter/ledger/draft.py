"""A decision in the making: what each record is, and what a page adds up to.

Here most of the work is done, so what is simply new is taken column by column, and only the others one by one. What is
the same for all records with the same words stands in a Group, where moments and amounts are collected; totals are
added up a group at a time.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, compress
from operator import le
from typing import Final

from exporter.ledger import counting
from exporter.ledger.drafted import Drafted
from exporter.ledger.groups import Group, Groups
from exporter.ledger.labels import Label
from exporter.ledger.memory import Memory, advance
from exporter.model import (
    Checkpoint,
    Decision,
    Details,
    Entries,
    Entry,
    Family,
    Instant,
    Notice,
    Operation,
    Operations,
    Outcome,
    Reading,
    Rejection,
    Standing,
    Total,
    Trace,
)

_trace = partial(tuple.__new__, Trace)
_COUNTED: Final = Standing.COUNTED  # at hand: an enum looks its members up
_FOLLOWED: Final = Standing.FOLLOWED


class Draft:
    """What readings, and the passing of time, change: `meet` the records of a reading, `close` it, and so on.

    `recalled`, `kept_since`, `unknown`, `again`: as Ledger.decide explains them.
    """

    def __init__(
        self,
        memory: Memory,
        now: Instant,
        recalled: Iterable[Entry],
        kept_since: Instant,
        *,
        unknown: Collection[bytes],
        again: bool,
    ) -> None:
        self._memory = memory
        self._now = now
        self._recalled = {entry.id: entry for entry in recalled}
        self._kept_since = kept_since
        self._unknown = frozenset(unknown)
        self._again = again
        self._entries = Drafted()
        self._increments: defaultdict[Total, int] = defaultdict(int)
        self._records: defaultdict[str, int] = defaultdict(int)
        self._checkpoints: dict[str, Checkpoint] = {}
        self._moved: list[Entry] = []
        self._strangers: set[bytes] = set()
        self._notices: dict[Notice, None] = {}
        self._traces: defaultdict[str, dict[tuple[int, bytes], Trace]] = defaultdict(dict)
        self._met: list[Operation] = []
        # The mapping, not our method: a circle of references would keep all that was read until garbage is collected.
        self._groups = Groups(memory, now, kept_since, self._checkpoints)

    def meet(self, operations: Operations) -> None:
        """Some records of a reading, one at least: ours and those of strangers."""
        ids, created, amounts = operations.ids, operations.created, operations.amounts
        likenesses = operations.likenesses
        found = self._groups.of(operations.words)
        groups: list[Group] = found  # type: ignore[assignment]  # where all are ours
        if not all(found) or not self._simply_new(ids, created, groups):
            self._meet_each(operations, found)
            return
        if any(operations.marks):  # hardly ever: what a sweep lists has mostly been read by the head
            self._met += operations
        if any(likenesses):
            compared = compress(zip(likenesses, ids, groups, created, strict=True), likenesses)
            for likeness, id_, group, moment in compared:
                self._trace(likeness, id_, group.key.terminal, moment, exempt=False, fresh=True)
        broken_down = self._memory.broken_down
        details = list(map(self._details, groups, operations.details)) if broken_down else [()] * len(ids)
        if max(created) <= min(group.followed_after for group in set(groups)):
            standings = [_COUNTED] * len(ids)
        else:
            standings = [
                _FOLLOWED if moment > group.followed_after else _COUNTED
                for moment, group in zip(created, groups, strict=True)
            ]
        series = [group.series for group in groups]
        self._entries.extend(Entries(ids, created, series, amounts, standings, details))
        deque(map(list.append, [group.fresh for group in groups], created), 0)  # runs through it, and keeps nothing
        deque(map(list.append, [group.worth for group in groups], amounts), 0)

    def _simply_new(self, ids: Sequence[bytes], created: Sequence[Instant], groups: Sequence[Group]) -> bool:
        """Whether these records are all new, and none of them late, exempt or met twice: hardly any others are."""
        return (
            (self._unknown.issuperset(ids) or len(self._memory.shelf.absent(ids)) == len(ids))
            and (not self._recalled or self._recalled.keys().isdisjoint(ids))
            and self._entries.holds_none(ids)
            and len(set(ids)) == len(ids)
            and (
                max(group.plain for group in set(groups)) <= min(created)
                or all(map(le, [group.plain for group in groups], created))
            )
        )

    def _meet_each(self, operations: Operations, groups: Sequence[Group | None]) -> None:
        memory, entries, recalled, unknown = self._memory, self._entries, self._recalled, self._unknown
        for operation, group in zip(operations, groups, strict=True):
            id_ = operation.id
            if group is None:
                self._meet_stranger(id_, "foreign")
                continue
            if operation.mark or memory.marks.ids or self._met:  # without one it takes one away
                self._met.append(operation)
            details = self._details(group, operation.details) if memory.broken_down else ()
            before = entries.get(id_)
            if before is None:
                held = None if id_ in unknown else memory.shelf.get(id_)
                before = held or recalled.get(id_)
            if before is not None:
                self._meet_again(before, operation, details, group)
            else:
                self._first_seen(operation, details, group)

    def _details(self, group: Group, texts: Details) -> Details:
        return self._memory.details[group.key.terminal].bounded(texts)

    def close(self, reading: Reading) -> None:
        """The reading's operations have been met: the rest of it, and what it adds up to."""
        self._add_up(self._groups.settled())
        if reading.unchanged:
            self._records["repeated"] += len(reading.unchanged)
        for rejection in reading.rejections:
            self._reject(rejection)
        if reading.complete:
            for name in reading.assignment.terminals:
                self._checkpoints[name] = advance(self._checkpoint(name), reading.assignment.span, self._now)

    def decision(self) -> Decision:
        """What all readings that have been closed change, and the time that has passed."""
        self._give_up_pending()
        self._count_repeats()
        for kind, count in self._records.items():
            self._increments[Total(Family.RECORDS, (self._memory.account, kind))] += count
        return Decision(
            now=self._now,
            entries=self._entries.entries(),
            increments=dict(self._increments),
            checkpoints=self._checkpoints,
            forgotten=self._forgotten(),
            moved=tuple(self._moved),
            strangers=tuple(self._strangers),
            notices=tuple(self._notices),
            traces=tuple(trace for traces in self._traces.values() for trace in traces.values()),
            met=tuple(self._met),
        )

    def _meet_again(self, before: Entry, operation: Operation, details: Details, group: Group) -> None:
        """A record whose id is known: repeated, or changed."""
        key, created, likeness = group.key, operation.created, operation.likeness
        if likeness and not self._memory.repeats[key.terminal].holds(operation):
            exempt = before.standing is Standing.EXEMPT
            self._trace(likeness, before.id, key.terminal, created, exempt=exempt, fresh=False)
        if before[1:5] != (created, key, operation.amount, operation.currency):
            entry = Entry(before.id, created, key, operation.amount, operation.currency, Standing.FOLLOWED, details)
            self._notice(group.label)
            self._changed(before, entry, group)
            return
        self._records["repeated"] += 1
        if before.details != details:  # they are no status: nothing is counted
            self._entries.put(before._replace(details=details))

    def _changed(self, before: Entry, entry: Entry, group: Group) -> None:
        self._records["changed"] += 1
        if (before.created, before.key.terminal) != (entry.created, entry.key.terminal):
            self._moved.append(before)
        if before.standing is Standing.COUNTED:
            self._entries.put(entry._replace(standing=Standing.COUNTED))
            if (before.key.outcome, before.key.status) != (entry.key.outcome, entry.key.status):
                labels = (entry.key.terminal, before.key.outcome, entry.key.outcome)
                self._increments[Total(Family.STATUS_CHANGES, labels)] += 1
        elif entry.created < group.exempt_before:
            self._entries.put(entry._replace(standing=Standing.EXEMPT))
        else:
            self._entries.put(self._counted(entry, group))

    def _first_seen(self, operation: Operation, details: Details, group: Group) -> None:
        """One that is not known: new, late, exempt, or from a time that nothing is remembered of."""
        id_, created, key = operation.id, operation.created, group.key
        late = group.book.checkpoint.covered_from <= created < group.late_before
        entry = Entry(id_, created, key, operation.amount, operation.currency, Standing.FOLLOWED, details)
        exempt, unsure = created < group.exempt_before, created < group.unsure_before
        if operation.likeness:
            fresh = exempt or not unsure
            self._trace(operation.likeness, id_, key.terminal, created, exempt=exempt, fresh=fresh)
        if not exempt and not unsure:
            group.seen.append(created)
            if late:
                group.late += 1
                self._records["late"] += 1
            self._entries.put(self._counted(entry, group))
            return
        self._notice(group.label)
        self._records["late" if late or self._again else "new"] += 1
        group.newest.append(created)
        self._entries.put(entry._replace(standing=Standing.EXEMPT if exempt else Standing.COUNTED))

    def _counted(self, entry: Entry, group: Group) -> Entry:
        """An operation with its place in the totals, if it is final or followed no longer."""
        if entry.created > group.followed_after:
            return entry
        group.final.append(entry.created)
        group.amounts.append(entry.amount)
        return entry._replace(standing=Standing.COUNTED)

    def _add_up(self, groups: Collection[Group]) -> None:
        """Count what the groups have collected: what totals have in common is put together first."""
        seen: defaultdict[str, list[Instant]] = defaultdict(list)
        final: defaultdict[str, list[Instant]] = defaultdict(list)
        amounts: defaultdict[tuple[str, Outcome, str], list[int]] = defaultdict(list)
        newest: defaultdict[str, list[Instant]] = defaultdict(list)
        for group in groups:
            key = group.key
            if group.seen:
                self._notice(group.label)
                seen[key.terminal] += group.seen
                if fresh := len(group.seen) - group.late:
                    self._records["late" if self._again else "new"] += fresh
            if group.final:
                self._add(counting.operations(key, group.currency, group.amounts))
                if group.label.unnamed_code:
                    self._increments[Total(Family.UNKNOWN_CODES, (key.terminal,))] += len(group.final)
                if group.label.overflowed:
                    self._increments[Total(Family.LABEL_OVERFLOW, (key.terminal,))] += len(group.final)
                amounts[key.terminal, key.outcome, group.currency] += group.amounts
                if key.outcome is not Outcome.PENDING:  # one that never became final has no time of becoming so
                    final[key.terminal] += group.final
            if group.seen or group.newest:
                newest[key.terminal].append(max(chain(group.seen, group.newest)))
        for name, moments in newest.items():
            checkpoint, latest = self._checkpoint(name), max(moments)
            if checkpoint.newest is None or latest > checkpoint.newest:
                self._checkpoints[name] = replace(checkpoint, newest=latest)
        for (name, outcome, currency), its in amounts.items():
            self._add(counting.amounts(name, outcome, currency, its))
        self._add_delays(seen, final)

    def _add_delays(self, seen: Mapping[str, list[Instant]], final: Mapping[str, list[Instant]]) -> None:
        """How late operations became visible and final. After an outage of ours that would measure the outage."""
        now, books = self._now, self._memory.shelf.books
        for name in dict.fromkeys((*seen, *final)):
            if now - books[name].checkpoint.watermark > self._memory.policy.behind:
                continue
            visible = counting.delays(seen.get(name, ()), now)
            if name in seen:
                self._add(counting.visibility(self._memory.account, visible))
            if name in final:
                same = final[name] == seen.get(name)  # nearly always
                self._add(counting.finalization(name, visible if same else counting.delays(final[name], now)))

    def _add(self, amounts: Iterable[tuple[Total, int]]) -> None:
        for total, amount in amounts:
            self._increments[total] += amount

    def _trace(self, likeness: int, id_: bytes, terminal: str, created: Instant, *, exempt: bool, fresh: bool) -> None:
        """Have an operation compared with those that it may repeat; what it was first seen as counts."""
        self._traces[terminal].setdefault((likeness, id_), _trace((terminal, likeness, id_, created, exempt, fresh)))

    def _reject(self, rejection: Rejection) -> None:
        if self._meet_stranger(rejection.id, "rejected"):
            self._increments[Total(Family.REJECTED, (self._memory.account, rejection.reason))] += 1

    def _meet_stranger(self, id_: bytes, kind: str) -> bool:
        """Count what is none of ours, once."""
        if self._again or id_ in self._memory.strangers or id_ in self._strangers:
            return False
        self._strangers.add(id_)
        self._records[kind] += 1
        return True

    def _checkpoint(self, name: str) -> Checkpoint:
        return self._checkpoints.get(name) or self._memory.shelf.books[name].checkpoint

    def _give_up_pending(self) -> None:
        """Count as pending what has been pending for so long that it is followed no longer."""
        memory = self._memory
        for entry in memory.shelf.followed_before(self._now - memory.policy.follow_pending + 1):
            if entry.id not in self._entries:
                key, amounts = entry.key, (entry.amount,)
                self._add(counting.operations(key, entry.currency, amounts))
                self._add(counting.amounts(key.terminal, key.outcome, entry.currency, amounts))
                self._entries.put(entry._replace(standing=Standing.COUNTED))

    def _count_repeats(self) -> None:
        for name, traces in self._traces.items():
            repeats = self._memory.repeats[name]
            horizon = self._memory.compared_since(self._checkpoint(name), self._now)
            due = repeats.due(repeats.concerned(traces.values()), horizon)
            if due:
                self._increments[Total(Family.DUPLICATES, (name,))] += due

    def _forgotten(self) -> tuple[bytes, ...]:
        """The ids that no sweep or window needs any more, of terminals that have been read: one look at each reading.

        A pending one stays as long as it is followed.
        """
        memory, now = self._memory, self._now
        forgotten: list[bytes] = []
        for name, checkpoint in self._checkpoints.items():
            sight = max(min(checkpoint.watermark, now), now - memory.policy.max_gap)
            forgotten += (
                entry.id
                for entry in memory.shelf.books[name].before(sight - memory.policy.retention)
                if entry.id not in self._entries and not memory.followed(entry.key.outcome, entry.created, now)
            )
        return tuple(forgotten)

    def _notice(self, label: Label) -> None:
        if label.unnamed_status:
            self._tell(Notice(label.key.terminal, "status", label.key.status))
        if label.unnamed_code:
            self._tell(Notice(label.key.terminal, "code", label.key.reason_code or label.key.code))

    def _tell(self, notice: Notice) -> None:
        if notice not in self._memory.told:
            self._notices[notice] = None
