"""Until when a share is shown: by its lease, and by a server that refuses everybody; never by two replicas at once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.app.tenures import Tenures
from exporter.model import Family, Supervision, Total
from exporter.state import Lease, MemoryStore
from tests import tools

LEASE, MARGIN = 15.0, 5.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tenures(clock: Clock, *shares: str) -> Tenures:
    held = Tenures(LEASE, MARGIN, clock)
    for share in shares or ("main",):
        held.begin(Lease(share, 1), frozenset({f"t-{share}"}), MemoryStore(), clock())
    return held


def test_a_share_is_shown_until_the_moment_its_lease_ends(clock: Clock) -> None:
    held = tenures(clock)
    clock.now += LEASE - 0.001
    assert held.holds("main")
    clock.now += 0.001
    assert not held.holds("main")
    assert held.over() == ["main"]
    assert held.remaining("main") == 0


def test_a_renewal_counts_from_before_it_was_asked(clock: Clock) -> None:
    held = tenures(clock)
    clock.now += 10
    held.renewed(["main"], {"main"}, 102.0)
    assert held.remaining("main") == LEASE - 8


def test_what_was_not_renewed_is_over_at_once(clock: Clock) -> None:
    held = tenures(clock, "a", "b")
    clock.now += 1
    held.renewed(["a", "b"], {"a"}, clock())
    assert (held.over(), held.holds("a")) == (["b"], True)


def test_each_refusal_of_the_server_prolongs_the_showing_and_not_the_lease(clock: Clock) -> None:
    held = tenures(clock)
    for _ in range(20):
        clock.now += 5
        held.refused(clock() - 0.5)
    assert held.holds("main")
    assert held.remaining("main") == 0
    clock.now += LEASE - 0.5
    assert not held.holds("main")


def test_a_refusal_that_comes_when_the_lease_is_nearly_over_prolongs_nothing(clock: Clock) -> None:
    held = tenures(clock)
    clock.now += LEASE - MARGIN + 0.001
    held.refused(clock())
    clock.now = 100 + LEASE
    held.refused(clock())
    assert not held.holds("main")


def test_a_refusal_never_shortens(clock: Clock) -> None:
    held = tenures(clock)
    held.refused(clock() - 10)
    clock.now += LEASE - 0.001
    assert held.holds("main")


def test_what_is_being_given_up_is_neither_shown_nor_renewed(clock: Clock) -> None:
    held = tenures(clock, "a", "b")
    held["a"].going = True
    assert list(held.staying()) == ["b"]
    assert not held.holds("a")
    assert held.remaining("a") == 0
    clock.now += LEASE
    assert held.over() == ["b"]
    assert held.end("a") is not None
    assert held.end("a") is None


def test_whose_a_total_is_can_be_asked_while_shares_come_and_go(clock: Clock) -> None:
    held = tenures(clock)

    class Slow(frozenset[str]):
        def __iter__(self) -> Iterator[str]:  # the loop takes a share meanwhile, and this thread goes on
            held.begin(Lease("taken", 1), frozenset(), MemoryStore(), clock())
            return super().__iter__()

    held.begin(Lease("slow", 1), Slow({"t-slow"}), MemoryStore(), clock())
    total = Total(Family.OPERATIONS, ("t-slow",))
    assert held.by_share([total]) == {"slow": [total]}
    assert held.get("taken") is not None


def test_totals_belong_to_the_share_of_their_terminal_or_account(clock: Clock) -> None:
    held = tenures(clock, "a", "b")
    of_b, of_a = Total(Family.OPERATIONS, ("t-b", "success")), Total(Family.RECORDS, ("a", "new"))
    assert held.by_share([of_b, of_a, Total(Family.OPERATIONS, ("other",))]) == {"b": [of_b], "a": [of_a]}


def test_terminals_are_gone_through_once_however_many_totals_are_asked_for(clock: Clock) -> None:
    class Watched(frozenset[str]):
        times = 0

        def __iter__(self) -> Iterator[str]:
            self.times += 1
            return super().__iter__()

        def __contains__(self, name: object) -> bool:
            self.times += 1
            return super().__contains__(name)

    held, watched = tenures(clock), Watched({"t-1", "t-2"})
    held.begin(Lease("watched", 1), watched, MemoryStore(), clock())
    totals = [Total(Family.OPERATIONS, (name, str(number))) for name in ("t-1", "t-main") for number in range(100)]
    assert {share: len(its) for share, its in held.by_share(totals).items()} == {"watched": 100, "main": 100}
    assert watched.times == 1


def test_of_a_snapshot_that_is_shown_only_what_is_held_at_that_moment_is_left(clock: Clock) -> None:
    held = tenures(clock, "a", "b")
    totals = [Total(Family.OPERATIONS, (f"t-{name}",)) for name in ("a", "b")]
    totals += [Total(Family.RECORDS, (name, "new")) for name in ("a", "b")]
    snapshot = replace(
        tools.snapshot(
            *(tools.terminal_snapshot(f"t-{name}", account=name) for name in ("a", "b")),
            totals=dict.fromkeys(totals, 1),
        ),
        supervision=Supervision({"t-a": (), "t-b": ()}),
    )
    assert held.shown(snapshot) is snapshot

    held["a"].going = True
    left = held.shown(snapshot)
    assert [each.terminal.name for each in left.terminals] == ["t-b"]
    assert dict(left.totals) == {total: 1 for total in totals if total.labels[0] in {"b", "t-b"}}
    assert left.supervision == Supervision({"t-b": ()})


class World:
    """One share, its holder, whoever may take it, and a server that is stopped, waits for its clients, and starts."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.held = tenures(self.clock)
        self.until = self.clock.now + LEASE  # by the database
        self.accepts = True
        self.runs = True
        self.up_since = 0.0
        self.connected_at: float | None = None
        self.asked: float | None = None
        self.taken = False

    def step(self, seconds: float, what: str) -> None:
        self.clock.now += seconds
        getattr(self, f"_{what}")()

    def _holder_renews(self) -> None:
        if self.runs and not self.taken:  # also on a connection that it had before
            asked, self.until = self.clock.now, self.clock.now + LEASE
            self.held.renewed(["main"], {"main"}, asked)
        elif self.runs:
            self.held.renewed(["main"], set(), self.clock.now)

    def _holder_asks(self) -> None:
        self.asked = self.clock.now

    def _holder_is_refused(self) -> None:
        if self.asked is not None and not self.accepts:
            self.held.refused(self.asked)
        self.asked = None

    def _taker_connects(self) -> None:
        self.connected_at = self.clock.now if self.accepts else None

    def _taker_finds(self) -> None:
        if self.connected_at is not None and self.runs:
            run_out = self.until <= self.clock.now
            up = self.up_since <= self.clock.now - LEASE - MARGIN
            if run_out and up and self.clock.now - self.connected_at <= MARGIN:
                self.taken = True

    def _server_waits_for_its_clients(self) -> None:
        self.accepts = False

    def _server_stops(self) -> None:
        self.accepts = self.runs = False
        self.connected_at = None

    def _server_starts(self) -> None:
        if not self.runs:
            self.accepts = self.runs = True
            self.up_since = self.clock.now

    def _nothing(self) -> None:
        return


ACTS = sorted(name[1:] for name in vars(World) if name.startswith("_") and not name.startswith("__"))
STEPS = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 2.0, 4.0, 7.0, 20.0]), st.sampled_from(ACTS)), max_size=60)


AFTER_A_RESTART = [
    (5.0, "server_stops"),
    (3.0, "holder_asks"),
    (0.0, "holder_is_refused"),
    (1.0, "server_starts"),
    (7.0, "taker_connects"),
    (0.0, "taker_finds"),
]
BY_AN_OLD_CONNECTION = [
    (5.0, "taker_connects"),
    (1.0, "server_waits_for_its_clients"),
    (3.0, "holder_asks"),
    (0.0, "holder_is_refused"),
    (7.0, "taker_finds"),
]
BY_A_SHORT_REMAINDER = [
    (10.5, "taker_connects"),
    (0.2, "server_waits_for_its_clients"),
    (0.5, "holder_asks"),
    (1.0, "holder_is_refused"),
    (3.0, "taker_finds"),
]


@given(STEPS)
@example(AFTER_A_RESTART)
@example(BY_AN_OLD_CONNECTION)
@example(BY_A_SHORT_REMAINDER)
@settings(max_examples=1000, deadline=None)
def test_whoever_takes_a_share_is_the_only_one_to_show_it(steps: list[tuple[float, str]]) -> None:
    world = World()
    for seconds, what in steps:
        world.step(seconds, what)
        assert not (world.taken and world.held.holds("main"))
