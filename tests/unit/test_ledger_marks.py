"""What is still as it was counted is known by its mark, and counting comes to the same as if it were read each time."""

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import Ledger
from exporter.ledger.books import Shelf
from exporter.ledger.marks import Marks
from exporter.model import (
    HOUR,
    MINUTE,
    SECOND,
    Decision,
    Entry,
    Family,
    Operation,
    Outcome,
    Page,
    Reading,
    Remembered,
    SeriesKey,
    Standing,
    Total,
)
from exporter.payload import Decoder
from tests.builders import POLICY, T0, checkpoint, counted, id_of, ledger, operation, reading, total_of

KEY = b"of this process"
DIMENSIONS = ("sender_issuer",)


def seen(name: object, mark: int, created: int = T0, **changes: Any) -> Operation:
    return operation(name, created, mark=mark, **changes)


def take(book: Ledger, now: int, *operations: Operation) -> None:
    book.apply(book.decide([reading(operations)], now))


def test_what_was_committed_is_known_by_its_mark_and_what_was_not_is_not() -> None:
    book = ledger()
    decision = book.decide([reading([seen("a", 7)])], T0 + SECOND)
    assert book.marks == {}

    book.apply(decision)
    assert book.marks == {7: id_of("a")}


def test_unchanged_records_are_counted_as_repeated_each_time() -> None:
    book = ledger()
    take(book, T0 + SECOND, seen("a", 7), seen("b", 8))
    before = counted(book)

    again = replace(reading(), unchanged=(id_of("a"), id_of("b")))
    decision = book.decide([again, replace(again, unchanged=(id_of("a"),))], T0 + MINUTE)
    book.apply(decision)

    assert decision.entries == ()
    assert total_of(book, Family.RECORDS, "main", "repeated") == 3
    assert counted(book) == before


def test_a_changed_record_takes_its_new_mark_and_one_without_a_mark_has_none() -> None:
    book = ledger()
    take(book, T0 + SECOND, seen("a", 7), seen("b", 8))
    take(book, T0 + MINUTE, seen("a", 9, status="refund"), seen("b", 0, status="failed"))

    assert book.marks == {9: id_of("a")}


def test_the_last_of_several_in_one_reading_counts() -> None:
    book = ledger()
    take(book, T0 + SECOND, seen("a", 7), seen("a", 8, status="failed"), seen("b", 5), seen("b", 0))

    assert book.marks == {8: id_of("a")}


def test_marks_are_held_for_the_lookback_and_no_longer() -> None:
    book = ledger()
    take(book, T0 + SECOND, seen("a", 7))
    take(book, T0 + POLICY.lookback, seen("b", 8, T0 + POLICY.lookback - SECOND), seen("old", 9, T0 - HOUR))
    assert book.marks == {7: id_of("a"), 8: id_of("b")}

    take(book, T0 + POLICY.lookback + 2 * MINUTE)
    assert book.marks == {8: id_of("b")}


def held(*names: str) -> tuple[Shelf, Marks]:
    """A shelf of operations of which nothing has been marked yet, and their marks."""
    shelf = Shelf([("wallet", checkpoint())], ())
    key = SeriesKey("wallet", Outcome.SUCCESS, "ok", "00", "0", "none")
    shelf.put([Entry(id_of(name), T0, key, 100, "KZT", Standing.COUNTED) for name in names])
    return shelf, Marks(shelf.rows)


def test_a_record_of_the_future_is_not_held_for_ever() -> None:
    _, marks = held("a")
    marks.remember([seen("a", 7, T0 + 1000 * HOUR)], T0, T0 - MINUTE)
    assert marks.ids == {7: id_of("a")}

    marks.remember([], T0 + HOUR, T0 + HOUR - MINUTE)
    assert marks.ids == {}


def test_marks_that_a_clock_has_leapt_past_are_not_taken_up_again() -> None:
    _, marks = held("a")
    marks.remember([seen("a", 7)], T0, T0 - MINUTE)
    marks.remember([], T0 + HOUR, T0 + HOUR - MINUTE)
    marks.remember([seen("a", 7)], T0, T0 - MINUTE)

    assert marks.ids == {}


def test_an_id_has_one_mark_that_of_how_its_record_was_last() -> None:
    _, marks = held("a", "b")
    marks.remember([seen("a", 7), seen("b", 8), seen("a", 9)], T0, T0 - MINUTE)

    assert marks.ids == {9: id_of("a"), 8: id_of("b")}

    marks.remember([seen("b", 7), seen("a", 0)], T0, T0 - MINUTE)

    assert marks.ids == {7: id_of("b")}


@pytest.mark.parametrize("each_time", ["another mark", "another status", "no mark between"])
def test_records_that_are_written_differently_each_time_do_not_fill_the_memory(each_time: str) -> None:
    book = ledger()

    def meet(time: int) -> int:
        status = "failed" if each_time == "another status" and time % 2 else "ok"
        now = T0 + MINUTE + time
        if each_time == "no mark between":
            take(book, now, *(seen(name, 0) for name in range(200)))
        take(book, now, *(seen(name, 2**40 * time + name, status=status) for name in range(200)))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    first = max(meet(time) for time in range(1, 21))
    grown = max(meet(time) for time in range(21, 121)) - first
    tracemalloc.stop()

    assert grown < 100 * 200, "a byte for each time that a record was met would be too much"
    take(book, T0 + POLICY.lookback + 3 * MINUTE)
    assert book.marks == {}


def test_what_is_let_go_has_no_mark() -> None:
    shelf, marks = held("a", "b")
    marks.remember([seen("a", 7), seen("b", 8)], T0, T0 - MINUTE)
    shelf.drop(id_of("a"))

    assert marks.ids == {8: id_of("b")}

    marks.remember([seen("a", 7)], T0, T0 - MINUTE)

    assert marks.ids == {8: id_of("b")}


def test_older_ones_do_not_wait_for_younger_ones_that_came_before_them() -> None:
    _, marks = held("a", "b")
    marks.remember([seen("a", 7, T0 + HOUR)], T0 + HOUR, T0 - MINUTE)
    marks.remember([seen("b", 8)], T0 + HOUR, T0 - MINUTE)
    marks.remember([], T0 + HOUR, T0 + MINUTE)

    assert marks.ids == {7: id_of("a")}


def test_of_new_operations_only_those_with_a_mark_are_known_again() -> None:
    book = ledger()
    take(book, T0 + MINUTE, seen("a", 7), seen("b", 0))

    assert book.marks == {7: id_of("a")}


def test_strangers_have_no_marks() -> None:
    book = ledger()
    take(book, T0 + SECOND, seen("a", 7, number="another"))

    assert book.marks == {}


_STATES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["ok", "new", "failed", "odd"]),
        "reasonCode": st.sampled_from([0, -1, -2, 484, "484"]),
        "amount": st.sampled_from([200, 200.5, "-1", [1]]),
        "terminal": st.sampled_from(["98151553", "another"]),
        "senderIssuer": st.sampled_from(["a", "b"]),
        "senderCardId": st.sampled_from(["card-1", "card-2"]),
        "dateTime": st.sampled_from(["2026-09-21T14:13:22.000001Z", "2026-09-21T14:14:10+00:00"]),
        "description": st.sampled_from(["x", "y"]),
    },
)
_PAGES = st.lists(st.lists(st.tuples(st.integers(0, 5), _STATES), max_size=8), max_size=3)


def _body(page: list[tuple[int, dict[str, Any]]]) -> bytes:
    records = [
        {
            "id": f"00000000-0000-4000-8000-{number:012}",
            "dateTime": f"2026-09-21T14:13:{21 + number}.000000+00:00",
            "amount": 200,
            "currency": "KZT",
            "terminal": "98151552",
            "senderCardId": f"card-{number % 2}",
            "receiverCardId": "card-9",
            "code": "00",
            "reasonCode": 0,
            "status": "ok",
        }
        | state
        for number, state in page
    ]
    return json.dumps({"totalCount": len(records), "records": records}).encode()


def _reading(read: Callable[[bytes], Page], page: list[tuple[int, dict[str, Any]]]) -> Reading:
    found = read(_body(page))
    return replace(reading(found.operations, rejections=found.rejections), unchanged=found.unchanged)


def _outcome(decision: Decision) -> object:
    """All of a decision that is committed; traces and marks are memory's own business."""
    return replace(decision, entries=tuple(sorted(decision.entries)), traces=(), met=())


def test_the_last_of_two_in_one_page_counts_even_where_it_is_as_it_was_counted_before() -> None:
    book = ledger()
    compare = Decoder(KEY, met=book.marks).compare
    pages: tuple[list[tuple[int, dict[str, Any]]], ...] = (
        [(0, {}), (1, {})],
        [(0, {"status": "failed"}), (0, {}), (1, {})],
    )
    for page in pages:
        book.apply(book.decide([_reading(compare, page)], T0 + MINUTE))

    assert {entry.key.status for entry in book.entries("wallet", 0)} == {"ok"}


@given(polls=st.lists(_PAGES, max_size=6), data=st.data())
def test_pages_with_marks_come_to_the_same_as_pages_read_each_time(
    polls: list[list[list[tuple[int, dict[str, Any]]]]], data: st.DataObject
) -> None:
    def fresh() -> Ledger:
        mark = checkpoint()
        return ledger(Remembered({"wallet": mark, "shop": mark}, (), {}), dimensions=DIMENSIONS)

    plain, marked = fresh(), fresh()
    read, compare = Decoder(KEY, DIMENSIONS).decode, Decoder(KEY, DIMENSIONS, marked.marks).compare
    now = T0 + MINUTE
    for pages in polls:
        for page in pages:
            now += data.draw(st.sampled_from([SECOND, MINUTE, 10 * MINUTE]), label="later")
            ours = plain.decide([_reading(read, page)], now)
            other = marked.decide([_reading(compare, page)], now)
            assert _outcome(ours) == _outcome(other)
            if data.draw(st.booleans(), label="committed"):
                plain.apply(ours)
                marked.apply(other)
            assert plain.totals == marked.totals


@given(polls=st.lists(_PAGES, min_size=1, max_size=4))
def test_one_reading_of_several_pages_comes_to_the_same_counts_however_it_is_cut(
    polls: list[list[list[tuple[int, dict[str, Any]]]]],
) -> None:
    cut, whole = ledger(dimensions=DIMENSIONS), ledger(dimensions=DIMENSIONS)
    read = Decoder(KEY, DIMENSIONS).decode
    for number, pages in enumerate(polls, start=1):
        now = T0 + number * MINUTE
        cut.apply(cut.decide([_reading(read, page) for page in pages], now))
        whole.apply(whole.decide([_reading(read, [each for page in pages for each in page])], now))

    def exact(book: Ledger) -> dict[Total, int]:
        """All but what says in which order records came: new or late, rejected or foreign first."""
        return {t: n for t, n in book.totals.items() if t.family not in (Family.RECORDS, Family.REJECTED)}

    assert exact(cut) == exact(whole)


def test_deciding_lets_others_have_their_turn_after_every_thousand_records() -> None:
    book = ledger()
    steps = book.deciding([reading([operation(number) for number in range(2500)]), reading()], T0 + SECOND)

    assert len(list(steps)) == 3


@pytest.mark.parametrize("field", ["status", "code", "reasonCode"])
@pytest.mark.parametrize(("before", "after"), [("", 0), (0, ""), ("", "0"), (None, "")])
def test_nothing_and_the_number_zero_are_told_apart(field: str, before: object, after: object) -> None:
    book = ledger()
    compare = Decoder(KEY, met=book.marks).compare
    book.apply(book.decide([_reading(compare, [(0, {field: before})])], T0 + MINUTE))

    assert not compare(_body([(0, {field: after})])).unchanged
    assert len(compare(_body([(0, {field: before})])).unchanged) == 1
