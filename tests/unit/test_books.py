"""What is remembered, whatever comes, changes, goes and whichever way the clock is put: the same as a plain recount."""

import itertools
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exporter.ledger import timeline
from exporter.ledger.books import Shelf
from exporter.model import HOUR, MINUTE, SECOND, Details, Entry, Outcome, SeriesKey, Standing
from tests.builders import POLICY, T0, checkpoint, id_of
from tests.recount import recount

TERMINALS = ("wallet", "shop")
WINDOWS = (7, 5 * SECOND, MINUTE)

_KEYS = [
    SeriesKey(name, outcome, status, code, "", reason)
    for name, (outcome, status), (code, reason) in itertools.product(
        TERMINALS, [(Outcome.SUCCESS, "ok"), (Outcome.PENDING, "new")], [("00", "none"), ("05", "funds")]
    )
]
_DETAILS: list[Details] = [(), (("issuer", "A"), ("card", "VISA")), (("issuer", "B"), ("card", "VISA"))]
_MOMENTS = st.one_of(st.integers(T0 - 20, T0 + 20), st.integers(T0 - 2 * MINUTE, T0 + 2 * MINUTE))
_ENTRIES = st.builds(
    Entry,
    st.integers(0, 30).map(id_of),
    _MOMENTS,
    st.sampled_from(_KEYS),
    st.one_of(st.integers(0, 3), st.integers(0, 10**15)),
    st.sampled_from(["KZT", "USD"]),
    st.sampled_from(Standing),
    st.sampled_from(_DETAILS),
)


def shelf(windows: tuple[int, ...] = WINDOWS) -> Shelf:
    return Shelf(((name, checkpoint()) for name in TERMINALS), windows)


def entry(name: object, created: int, amount: int = 100, outcome: Outcome = Outcome.SUCCESS) -> Entry:
    key = SeriesKey("wallet", outcome, "ok", "00", "0", "none")
    return Entry(id_of(name), created, key, amount, "KZT", Standing.COUNTED)


class Memory(RuleBasedStateMachine):
    """A shelf beside a plain dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = shelf()
        self.held: dict[bytes, Entry] = {}
        self.at = T0
        self.longest = timeline._LONGEST

    @initialize(longest=st.sampled_from([2, 3, 8]))
    def cut_early(self, longest: int) -> None:
        timeline._LONGEST = longest  # type: ignore[misc]

    def teardown(self) -> None:
        timeline._LONGEST = self.longest  # type: ignore[misc]

    @rule(entries=st.lists(_ENTRIES, max_size=8))
    def put(self, entries: list[Entry]) -> None:
        self.shelf.put(entries)
        self.held.update((each.id, each) for each in entries)

    @rule(data=st.data(), further=_ENTRIES)
    def replace(self, data: st.DataObject, further: Entry) -> None:
        if self.held:
            before = data.draw(st.sampled_from(sorted(self.held.values(), key=attrgetter("id"))))
            self.put([before._replace(key=further.key, amount=further.amount, details=further.details)])

    @rule(name=st.integers(0, 30))
    def drop(self, name: int) -> None:
        self.shelf.drop(id_of(name))
        self.held.pop(id_of(name), None)

    @rule(moment=_MOMENTS)
    def leap(self, moment: int) -> None:
        self.at = moment

    @rule(step=st.one_of(st.integers(-3, 3), st.integers(-5 * SECOND, 15 * SECOND)))
    def move(self, step: int) -> None:
        self.at += step

    @rule()
    def the_windows_are_those_of_a_recount(self) -> None:
        for name, mine in self._books().items():
            shown = self.shelf.books[name].windows.tallies(self.at)
            assert shown == tuple(recount(mine, self.at, window) for window in WINDOWS)
            again = self.shelf.books[name].windows.tallies(self.at)
            assert all(one is other for one, other in zip(shown, again, strict=True))

    @invariant()
    def ids_lead_to_what_is_held(self) -> None:
        assert len(self.shelf) == len(self.held)
        for name in range(31):
            assert self.shelf.get(id_of(name)) == self.held.get(id_of(name))
            assert (id_of(name) in self.shelf) == (id_of(name) in self.held)
        names = [id_of(name) for name in range(31)]
        assert self.shelf.absent(names) == [name for name in names if name not in self.held]

    @invariant()
    def time_and_outcome_lead_to_what_is_held(self) -> None:
        for name, mine in self._books().items():
            book = self.shelf.books[name]
            assert {*book.since(self.at)} == {each for each in mine if each.created >= self.at}
            assert {*book.before(self.at)} == {each for each in mine if each.created < self.at}
            assert {*book.pending} == {each for each in mine if each.key.outcome is Outcome.PENDING}
        assert {*self.shelf.followed_before(self.at)} == {
            each
            for each in self.held.values()
            if each.created < self.at and each.key.outcome is Outcome.PENDING and each.standing is Standing.FOLLOWED
        }

    def _books(self) -> dict[str, list[Entry]]:
        return {name: [each for each in self.held.values() if each.key.terminal == name] for name in TERMINALS}


TestMemory = Memory.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_entries_come_in_the_order_of_their_time() -> None:
    held = shelf()
    for n in (5, 1, 4, 1, 3):
        held.put([entry((n, len(held)), T0 + n)])

    assert [each.created - T0 for each in held.books["wallet"].since(T0)] == [1, 1, 3, 4, 5]


def test_a_window_that_did_not_change_is_the_same_object() -> None:
    held = shelf((5 * SECOND, MINUTE))
    held.put([entry("a", T0)])
    windows = held.books["wallet"].windows
    short, long = windows.tallies(T0 + SECOND)

    assert windows.tallies(T0 + 2 * SECOND) == (short, long)
    assert windows.tallies(T0 + 2 * SECOND)[0] is short
    later, longer = windows.tallies(T0 + 6 * SECOND)
    assert later != short
    assert longer is long


def test_one_that_enters_as_its_like_leaves_changes_nothing() -> None:
    held = shelf((5 * SECOND,))
    held.put([entry("a", T0)])
    held.put([entry("b", T0 + 5 * SECOND)])
    windows = held.books["wallet"].windows
    (before,) = windows.tallies(T0 + SECOND)

    assert windows.tallies(T0 + 5 * SECOND + 1)[0] is before


def test_the_same_amount_again_remains_the_largest_when_the_first_has_left() -> None:
    held = shelf((5 * SECOND,))
    for n in range(3):
        held.put([entry(n, T0 + n * SECOND, amount=900)])
    held.put([entry("small", T0 + 3 * SECOND, amount=1)])
    windows = held.books["wallet"].windows

    largest = [windows.tallies(T0 + n * SECOND)[0].largest for n in (4, 6, 7, 8, 9)]

    assert [found.get((Outcome.SUCCESS, "KZT")) for found in largest] == [900, 900, 900, 1, None]


def test_thousands_of_one_instant_go_one_by_one() -> None:
    held, names = shelf((MINUTE,)), range(2 * timeline._LONGEST)
    for name in names:
        held.put([entry(name, T0)])
    windows = held.books["wallet"].windows
    for gone, name in enumerate(names):
        if gone % 100 == 0:
            assert sum(windows.tallies(T0 + 1)[0].operations.values()) == len(names) - gone
        held.drop(id_of(name))

    assert not held.books["wallet"].windows.tallies(T0 + 1)[0].operations


def test_the_last_of_one_instant_is_found_behind_all_the_others() -> None:
    held, names = shelf(), range(2 * timeline._LONGEST)
    for name in names:
        held.put([entry(name, T0)])
    held.drop(id_of(names[-1]))

    assert {each.id for each in held.books["wallet"].since(T0)} == {id_of(name) for name in names[:-1]}


@pytest.mark.parametrize("step", [SECOND, -SECOND, 40 * MINUTE, -40 * MINUTE, 2 * HOUR, 0])
def test_thousands_of_entries_are_moved_over_exactly(step: int) -> None:
    held = shelf(POLICY.windows)
    entries = [entry(n, T0 - n * n % HOUR, n % 777, list(Outcome)[n % 4]) for n in range(1, 4000)]
    held.put(entries)
    windows = held.books["wallet"].windows

    for at in (T0, T0 + step, T0 + 2 * step):
        assert windows.tallies(at) == tuple(recount(entries, at, window) for window in POLICY.windows)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=200))
def test_ids_are_found_however_many_have_come_and_gone(steps: list[tuple[int, bool]]) -> None:
    held, names = shelf(), set[int]()
    for name, comes in steps:
        if comes:
            held.put([entry(name, T0)])
            names.add(name)
        else:
            held.drop(id_of(name))
            names.discard(name)

    assert {name for name in range(41) if id_of(name) in held} == names
    assert {each.id for each in held.books["wallet"].since(T0)} == {id_of(name) for name in names}
