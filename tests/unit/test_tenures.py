"""Until when a share is shown: by its lease, and by a server that refuses everybody. No two replicas show it at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.app.tenures import Tenures
from exporter.model import Owner, Snapshot, Supervision, Terminal, TerminalSnapshot, Total, Totals
from exporter.model import Family as F
from exporter.state import Lease, MemoryStore

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


def test_totals_belong_to_the_share_of_their_terminal_or_account(clock: Clock) -> None:
    held = tenures(clock, "a", "b")
    assert held.share_of(Total(F.OPERATIONS, ("t-b", "success"))) == "b"
    assert held.share_of(Total(F.RECORDS, ("a", "new"))) == "a"
    assert held.share_of(Total(F.OPERATIONS, ("other",))) == ""


def _snapshot(*shares: str) -> Snapshot:
    totals = {Total(F.OPERATIONS, (f"t-{share}",)): 1 for share in shares}
    totals |= {Total(F.RECORDS, (share, "new")): 1 for share in shares}
    terminals: list[Any] = []
    for share in shares:
        terminal = Terminal(share, share, f"t-{share}", share)
        terminals.append(TERMINAL(terminal))
    names = tuple(f"t-{share}" for share in shares)
    return Snapshot(1, 0, 45, tuple(terminals), Totals(totals), supervision=Supervision(names, (), ()))


def TERMINAL(terminal: Terminal) -> TerminalSnapshot:  # noqa: N802
    raise NotImplementedError
