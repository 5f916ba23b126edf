"""Whatever is committed, moved, changed and let go, in whatever order: a file remembers what memory does."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exporter.model import (
    HOUR,
    Checkpoint,
    Decision,
    Entry,
    Family,
    Outcome,
    Remembered,
    SeriesKey,
    Span,
    Standing,
    Total,
)
from exporter.state import CommitFailed, MemoryStore, SqliteStore
from tests.builders import T0, id_of

TERMINALS = ("wallet", "shop", "kiosk")
IDS = tuple(id_of(n) for n in range(25))
FIRST = T0 // HOUR
HOURS = 5

_keys = st.builds(
    SeriesKey,
    terminal=st.sampled_from(TERMINALS),
    outcome=st.sampled_from(Outcome),
    status=st.just("ok"),
    code=st.sampled_from(["", "00"]),
    reason_code=st.sampled_from(["0", "Ә"]),
    reason_class=st.just("none"),
)
_entries = st.builds(
    Entry,
    id=st.sampled_from(IDS),
    created=st.integers(FIRST * HOUR, (FIRST + HOURS) * HOUR - 1),
    key=_keys,
    amount=st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1)),
    currency=st.sampled_from(["KZT", "USD"]),
    standing=st.sampled_from(Standing),
    details=st.sampled_from([(), (("sender_issuer", "A"),), (("sender_issuer", "Халық"), ("receiver_issuer", ""))]),
)
_totals = st.builds(Total, st.sampled_from(Family), st.tuples(st.sampled_from(TERMINALS), st.sampled_from("abc")))
_checkpoints = st.builds(Checkpoint, *[st.integers(0, T0)] * 3, st.none() | st.just(T0), st.none() | st.just(T0))


def _reached(remembered: Remembered) -> set[Entry]:
    """What must be among the entries recalled; memory, which has them at hand anyway, gives more."""
    return {e for e in remembered.entries if e.created >= remembered.since or e.standing is Standing.FOLLOWED}


class TwoStores(RuleBasedStateMachine):
    """The same done to both."""

    @initialize()
    def open(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "state.db"
        self.memory, self.file = MemoryStore(), SqliteStore(self.path)

    def teardown(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
            self.directory.cleanup()

    @rule(
        entries=st.lists(_entries, max_size=12, unique_by=lambda entry: entry.id),
        increments=st.dictionaries(_totals, st.integers(0, 9), max_size=4),
        checkpoints=st.dictionaries(st.sampled_from(TERMINALS), _checkpoints),
        scraped=st.lists(_totals, max_size=2),
        leaves=st.booleans(),
    )
    def commit(
        self,
        entries: list[Entry],
        increments: dict[Total, int],
        checkpoints: dict[str, Checkpoint],
        scraped: list[Total],
        leaves: bool,
    ) -> None:
        decision = Decision(
            now=T0,
            entries=tuple(entries),
            increments=increments,
            checkpoints=checkpoints,
            moved=tuple(before for entry in entries for before in self._moved(entry, leaves=leaves)),
            scraped=tuple(total for total in scraped if total in self.memory.recall().totals),
        )
        self.memory.commit(decision)
        self.file.commit(decision)

    def _moved(self, entry: Entry, *, leaves: bool) -> list[Entry]:
        """What an entry takes the place of under another time, and where it leaves for it, another terminal."""
        return [
            before
            for before in self.memory.known([entry.id], TERMINALS)
            if (before.created != entry.created if before.key.terminal == entry.key.terminal else leaves)
        ]

    @rule(entries=st.lists(_entries, min_size=1, max_size=3, unique_by=lambda entry: entry.id))
    def fail_to_commit(self, entries: list[Entry]) -> None:
        with pytest.raises(CommitFailed):
            self.file.commit(
                Decision(now=T0, entries=tuple(entries), increments={Total(Family.GAP, ("wallet", "d")): 2**70})
            )

    @rule(hours=st.integers(0, HOURS))
    def expire(self, hours: int) -> None:
        self.memory.expire((FIRST + hours) * HOUR)
        self.file.expire((FIRST + hours) * HOUR)

    @rule(hours=st.integers(0, HOURS))
    def fail_to_expire(self, hours: int) -> None:
        refusing = "CREATE TEMP TRIGGER refusing BEFORE UPDATE ON kept BEGIN SELECT RAISE(ABORT, 'no'); END"
        self.file._db.execute(refusing)
        with pytest.raises(CommitFailed):
            self.file.expire((FIRST + hours) * HOUR)
        self.file._db.execute("DROP TRIGGER refusing")

    @rule()
    def restart(self) -> None:
        self.file.close()
        self.file = SqliteStore(self.path)

    @rule(retention=st.integers(0, HOURS * HOUR))
    def recall_with_a_retention(self, retention: int) -> None:
        ours, theirs = (store.recall(TERMINALS, retention) for store in (self.memory, self.file))
        assert (set(theirs.entries), theirs.since) == (_reached(ours), ours.since)

    @rule(ids=st.lists(st.sampled_from(IDS)), names=st.sets(st.sampled_from(TERMINALS)))
    def look_for_ids(self, ids: list[bytes], names: set[str]) -> None:
        found = self.file.known(ids, names)
        assert set(found) == set(self.memory.known(ids, names))
        assert len(found) == len(set(found))

    @rule(start=st.integers(0, HOURS * HOUR), length=st.integers(0, 2 * HOUR))
    def look_for_a_span(self, start: int, length: int) -> None:
        span = Span(FIRST * HOUR + start, FIRST * HOUR + start + length)
        assert set(self.file.entries(span)) == set(self.memory.entries(span))

    @invariant()
    def both_remember_the_same(self) -> None:
        if not hasattr(self, "file"):
            return
        ours, theirs = self.memory.recall(), self.file.recall()
        assert len(theirs.entries) == len(set(theirs.entries))
        assert set(theirs.entries) == _reached(ours)
        assert (theirs.totals, theirs.unscraped) == (ours.totals, ours.unscraped)
        assert (theirs.checkpoints, theirs.since) == (ours.checkpoints, ours.since)
        assert self.file.kept_since == self.memory.kept_since


TwoStores.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestTwoStores = TwoStores.TestCase
