"""Transfers that are sent twice: each counted once, whatever the order in which they become visible."""

from collections.abc import Iterable
from itertools import pairwise, permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import Ledger
from exporter.ledger.repeats import Repeats
from exporter.model import DAY, HOUR, MINUTE, SECOND, Decision, Family, Operation, Remembered, Trace
from exporter.state import MemoryStore
from tests.builders import SHOP, T0, checkpoint, id_of, ledger, operation, reading, take, total_of


def transfer(name: object, after: int = 0, likeness: int = 7, **changes: Any) -> Operation:
    """A transfer some time after counting began."""
    return operation(name, T0 + after, likeness=likeness, **changes)


def repeats(book: Ledger, name: str = "wallet") -> int:
    return total_of(book, Family.DUPLICATES, name)


def restarted(store: MemoryStore) -> Ledger:
    """What a new process knows: all that was stored, and none of the digests."""
    kept = store.recall()
    begin = {"wallet": checkpoint(), "shop": checkpoint()}
    return ledger(Remembered({**begin, **kept.checkpoints}, kept.entries, kept.totals))


def keep(store: MemoryStore, book: Ledger, decision: Decision) -> None:
    store.commit(decision)
    book.apply(decision)


def test_the_same_transfer_under_another_id_within_a_minute_is_a_duplicate() -> None:
    book = ledger()
    take(book, T0 + 2 * MINUTE, transfer("a"), transfer("b", MINUTE))

    assert repeats(book) == 1


@pytest.mark.parametrize(
    "other",
    [
        transfer("b", MINUTE + 1),
        transfer("b", likeness=8),
        transfer("b", number=SHOP.number),
        transfer("a"),
    ],
    ids=["later", "another sender, receiver or amount", "another terminal", "the same id"],
)
def test_what_differs_is_no_duplicate(other: Operation) -> None:
    book = ledger()
    take(book, T0 + 2 * MINUTE, transfer("a"))
    take(book, T0 + 2 * MINUTE, other, transfer("a"))

    assert repeats(book) == repeats(book, "shop") == 0


def test_what_says_neither_sender_nor_receiver_takes_no_part() -> None:
    book = ledger()
    take(book, T0 + MINUTE, transfer("a", likeness=0), transfer("b", likeness=0))

    assert repeats(book) == 0


@pytest.mark.parametrize("status", ["failed", "new", "odd"])
def test_every_outcome_counts_at_first_sight_and_only_then(status: str) -> None:
    book = ledger()
    take(book, T0 + MINUTE, transfer("a", status=status), transfer("b", SECOND))
    take(book, T0 + MINUTE, transfer("a", status="refund"), transfer("b", SECOND, status="refund"))

    assert repeats(book) == 1


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_of_a_chain_all_but_one_are_duplicates_in_whatever_order_they_show(order: Iterable[int]) -> None:
    book = ledger()
    for poll, n in enumerate(order):
        take(book, T0 + (4 + poll) * MINUTE, transfer(n, n * 50 * SECOND))

    assert repeats(book) == 3


def test_what_was_created_before_counting_is_not_counted_and_its_repetition_is() -> None:
    book = ledger()
    take(book, T0 + SECOND, transfer("x", -30 * SECOND), transfer("y", -20 * SECOND))
    assert repeats(book) == 0

    take(book, T0 + MINUTE, transfer("z", SECOND))
    assert repeats(book) == 1


def test_a_decision_that_is_not_applied_counts_no_duplicate_and_can_be_made_again() -> None:
    book = ledger()
    take(book, T0 + MINUTE, transfer("a"))
    first = book.decide([reading([transfer("b", 1)])], T0 + MINUTE)
    second = book.decide([reading([transfer("b", 1)])], T0 + MINUTE)

    assert first == second
    assert repeats(book) == 0


def test_a_pair_that_straddles_a_restart_is_found_in_any_order_of_its_reading() -> None:
    for order in ("ab", "ba"):
        store, book = MemoryStore(), ledger()
        both = {"a": transfer("a"), "b": transfer("b", SECOND)}
        keep(store, book, book.decide([reading([both["a"]])], T0 + SECOND))
        book = restarted(store)
        keep(store, book, book.decide([reading([both[name] for name in order])], T0 + MINUTE))

        assert repeats(book) == 1
        assert repeats(restarted(store)) == 1


def test_what_is_met_again_after_a_restart_is_not_counted_again() -> None:
    store, book = MemoryStore(), ledger()
    pair = [transfer("a"), transfer("b", SECOND)]
    keep(store, book, book.decide([reading(pair)], T0 + MINUTE))
    for name in "ab":
        book = restarted(store)
        keep(store, book, book.decide([reading(pair[name == "a" :])], T0 + MINUTE))
        keep(store, book, book.decide([reading(pair)], T0 + MINUTE))

    assert repeats(book) == 1


def test_a_new_one_that_is_met_before_the_old_one_after_a_restart_is_counted_when_both_are_known() -> None:
    store, book = MemoryStore(), ledger()
    keep(store, book, book.decide([reading([transfer("a")])], T0 + MINUTE))
    book = restarted(store)
    keep(store, book, book.decide([reading([transfer("b", SECOND)])], T0 + MINUTE))
    keep(store, book, book.decide([reading([transfer("b", SECOND)])], T0 + MINUTE))
    assert repeats(book) == 0

    for _ in range(2):
        keep(store, book, book.decide([reading([transfer("a")])], T0 + MINUTE))
    assert repeats(book) == 1


def test_what_an_hour_that_is_read_again_holds_is_compared_with_its_neighbours_once() -> None:
    store, book = MemoryStore(), ledger()
    keep(store, book, book.decide([reading([transfer("a")])], T0 + MINUTE))
    keep(store, book, book.decide([reading()], T0 + 3 * HOUR))
    assert book.compared == 0

    for _ in range(3):
        listed = [reading([transfer("late", SECOND), transfer("a")])]
        recalled = store.known(book.unknown(book.listed(listed)), ["wallet"])
        keep(store, book, book.decide(listed, T0 + 3 * HOUR, recalled, again=True))

    assert repeats(book) == 1
    assert book.compared == 0


def test_digests_are_let_go_when_nothing_can_turn_up_beside_them() -> None:
    book = ledger()
    for minute in range(0, 600, 5):
        now = T0 + minute * MINUTE
        take(book, now, transfer(minute, minute * MINUTE, likeness=minute + 1))

    assert 6 <= book.compared <= 9
    take(book, T0 + DAY)
    assert book.compared == 0


def test_digests_are_in_no_entry_and_no_total() -> None:
    store, book = MemoryStore(), ledger()
    keep(store, book, book.decide([reading([transfer("a", likeness=12345654321), transfer("b", 1)])], T0 + MINUTE))

    assert "12345654321" not in repr(store.recall())


_MOMENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(-90, 400)), min_size=1, max_size=14)


def _truth(transfers: Iterable[tuple[int, int]]) -> int:
    """By the definition: each in a cluster but the first; those of before counting began are not counted."""
    count = 0
    for likeness in range(3):
        moments = sorted(moment for which, moment in transfers if which == likeness)
        count += sum(1 for a, b in pairwise(moments) if b - a <= 60 and b >= 0)
    return count


@given(moments=_MOMENTS, data=st.data())
def test_any_order_repetition_and_failed_commit_give_the_same_number(
    moments: list[tuple[int, int]], data: st.DataObject
) -> None:
    transfers = [transfer(n, after * SECOND, which + 1) for n, (which, after) in enumerate(moments)]
    book, now = ledger(), T0 + 10 * MINUTE
    for _ in range(data.draw(st.integers(1, 5), label="polls")):
        seen = data.draw(st.lists(st.sampled_from(transfers), max_size=10), label="seen")
        decision = book.decide([reading(seen[::2]), reading(seen[1::2])], now)
        if data.draw(st.booleans(), label="committed"):
            before = repeats(book)
            book.apply(decision)
            assert repeats(book) >= before
    take(book, now, *data.draw(st.permutations(transfers), label="last"))

    assert repeats(book) == _truth(moments)


@given(moments=_MOMENTS, cut=st.integers(-30, 300), order=st.randoms(use_true_random=False))
def test_a_restart_gives_the_same_number_where_the_bank_still_lists_the_minute_before(
    moments: list[tuple[int, int]], cut: int, order: Random
) -> None:
    transfers = [transfer(n, after * SECOND, which + 1) for n, (which, after) in enumerate(moments)]
    store, book = MemoryStore(), ledger()
    keep(store, book, book.decide([reading(t for t in transfers if t.created < T0 + cut * SECOND)], T0 + HOUR))
    book = restarted(store)
    listed = [t for t in transfers if t.created >= T0 + (cut - 60) * SECOND]
    order.shuffle(listed)
    keep(store, book, book.decide([reading(listed)], T0 + HOUR))

    assert repeats(book) == _truth(moments)


def test_a_horizon_never_goes_back_and_leaves_what_lies_behind_it() -> None:
    held, start = Repeats(), T0 - T0 % MINUTE
    traces = [
        Trace("wallet", 7, bytes(15) + bytes([n]), start + n * MINUTE, exempt=False, fresh=True) for n in range(3)
    ]
    held.remember(traces, start + MINUTE)
    held.remember([], 0)
    assert len(held) == 2

    again = traces[0]._replace(fresh=False)
    assert held.due({7: {again.id: again}}, 0) == 0


def test_one_whose_time_has_changed_stands_where_it_is_now() -> None:
    held, start = Repeats(), T0
    first = Trace("wallet", 7, id_of("a"), start, exempt=False, fresh=True)
    moved = first._replace(created=start + HOUR)
    held.remember([first], start - MINUTE)
    held.remember([moved], start - MINUTE)

    assert len(held) == 1
    beside = first._replace(id=id_of("b"), created=start + HOUR + SECOND)
    assert held.due(held.concerned([beside]), start - MINUTE) == 1
    beside = beside._replace(created=start + SECOND)
    assert held.due(held.concerned([beside]), start - MINUTE) == 0


def test_what_lies_behind_the_horizon_is_compared_with_nothing_although_its_place_is_not_free_yet() -> None:
    held = Repeats()
    traces = [Trace("wallet", 7, id_of(n), T0 + n * MINUTE, exempt=False, fresh=True) for n in range(10)]
    held.remember(traces, T0)
    held.remember([], T0 + 2 * MINUTE)
    held.remember([], T0 + 4 * MINUTE)

    assert len(held) == 6
    beside = traces[0]._replace(id=id_of("b"), created=T0 + 3 * MINUTE + 1)
    assert held.due(held.concerned([beside]), 0) == 1, "with that of the minute after it"
    assert held.due({7: {each.id: each for each in (beside, traces[3])}}, 0) == 2


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 60)), max_size=200))
def test_as_many_are_held_as_are_young_enough_whatever_their_likenesses(found: list[tuple[int, int]]) -> None:
    held = Repeats()
    traces = [
        Trace("wallet", likeness, id_of(n), T0 + minute * MINUTE, exempt=False, fresh=True)
        for n, (likeness, minute) in enumerate(found)
    ]
    for horizon in range(0, 70, 10):
        held.remember(traces[horizon : horizon + 10], T0 + horizon * MINUTE)
    young = [trace for n, trace in enumerate(traces[:70]) if trace.created >= T0 + 60 * MINUTE]

    assert len(held) == len(young)
    assert held.concerned(traces).keys() >= {trace.likeness for trace in young}
