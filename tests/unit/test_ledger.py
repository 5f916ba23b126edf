"""Each operation is counted once, when it is first seen final, and never taken back."""

from dataclasses import replace

import pytest

from exporter.ledger import advance
from exporter.model import DAY, HOUR, MINUTE, SECOND, Family, Rejection, Remembered, Span
from tests.builders import (
    POLICY,
    SHOP,
    T0,
    checkpoint,
    counted,
    id_of,
    ledger,
    operation,
    reading,
    take,
    total_of,
)

SUCCESS = ("wallet", "success", "ok", "00", "0", "none")
FAILURE = ("wallet", "failure", "failed", "05", "484", "funds")


def test_an_operation_met_in_every_poll_is_counted_once() -> None:
    book = ledger()
    for poll in range(5):
        take(book, T0 + poll * MINUTE, operation("a"))

    assert counted(book) == {SUCCESS: 1}
    assert counted(book, Family.AMOUNT) == {(*SUCCESS, "KZT"): 20_000}
    assert total_of(book, Family.RECORDS, "main", "new") == 1
    assert total_of(book, Family.RECORDS, "main", "repeated") == 4


def test_an_operation_twice_in_one_reading_is_counted_once() -> None:
    book = ledger()
    take(book, T0 + MINUTE, operation("a"), operation("a"))

    assert counted(book) == {SUCCESS: 1}


def test_a_decision_that_is_not_applied_changes_nothing_and_can_be_made_again() -> None:
    book = ledger()
    first = book.decide([reading([operation("a")])], T0 + MINUTE)
    second = book.decide([reading([operation("a")])], T0 + MINUTE)

    assert first == second
    assert counted(book) == {}


def test_a_pending_operation_is_counted_with_its_end() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("a", status="new"))
    assert counted(book) == {}
    assert [entry.id for entry in book.pending("wallet", T0 + SECOND)] == [id_of("a")]

    take(book, T0 + MINUTE, operation("a", status="failed"))
    assert counted(book) == {FAILURE: 1}
    assert book.pending("wallet", T0 + MINUTE) == ()
    assert total_of(book, Family.RECORDS, "main", "changed") == 1
    assert counted(book, Family.STATUS_CHANGES) == {}


def test_a_pending_operation_is_counted_as_pending_when_it_is_followed_no_longer() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("a", status="new"))
    take(book, T0 + DAY - SECOND)
    assert counted(book) == {}

    take(book, T0 + DAY + SECOND)
    assert counted(book) == {("wallet", "pending", "new", "", "", "none"): 1}
    assert book.pending("wallet", T0 + DAY + SECOND) == ()


def test_a_final_operation_that_changes_is_a_status_change_and_nothing_is_taken_back() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("a"))
    take(book, T0 + MINUTE, operation("a", status="refund"))
    take(book, T0 + 2 * MINUTE, operation("a", status="refund"))

    assert counted(book) == {SUCCESS: 1}
    assert counted(book, Family.STATUS_CHANGES) == {("wallet", "success", "failure"): 1}


def test_what_is_older_than_counting_fills_windows_only() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("old", T0 - 1), operation("first", T0))

    assert counted(book) == {SUCCESS: 1}
    assert {entry.id for entry in book.entries("wallet", T0 - HOUR)} == {id_of("old"), id_of("first")}


def test_a_pending_operation_older_than_counting_is_followed_but_never_counted() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("old", T0 - MINUTE, status="new"))
    assert len(book.pending("wallet", T0 + SECOND)) == 1

    take(book, T0 + MINUTE, operation("old", T0 - MINUTE))
    assert counted(book) == {}
    assert counted(book, Family.STATUS_CHANGES) == {}


def test_an_operation_that_moves_into_the_counted_time_is_counted_and_back_again_not_twice() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("a", T0 - MINUTE, status="new"))
    take(book, T0 + MINUTE, operation("a", T0 + SECOND))
    take(book, T0 + 2 * MINUTE, operation("a", T0 - MINUTE))
    take(book, T0 + 3 * MINUTE, operation("a", T0 + SECOND))

    assert counted(book) == {SUCCESS: 1}


def test_an_operation_that_turns_up_at_another_terminal_is_counted_once() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("a"))
    take(book, T0 + MINUTE, operation("a", number=SHOP.number))

    assert counted(book) == {SUCCESS: 1}


def test_a_late_arrival_is_counted_and_called_late() -> None:
    book = ledger()
    take(book, T0 + MINUTE, operation("a", T0 + 50 * SECOND))
    take(book, T0 + 2 * MINUTE, operation("b", T0 + 40 * SECOND), operation("c", T0 + 70 * SECOND))

    assert counted(book) == {SUCCESS: 3}
    assert total_of(book, Family.RECORDS, "main", "late") == 1
    assert total_of(book, Family.RECORDS, "main", "new") == 2


def test_history_read_at_the_first_start_is_not_late() -> None:
    book = ledger(Remembered({"wallet": checkpoint(covered_from=T0), "shop": checkpoint(covered_from=T0)}, (), {}))
    take(book, T0 + SECOND, operation("a", T0), span=Span(T0 - SECOND, T0 + DAY))
    take(book, T0 + SECOND, operation("b", T0 - HOUR), span=Span(T0 - HOUR, T0))

    assert total_of(book, Family.RECORDS, "main", "late") == 0


def test_records_of_strangers_and_unreadable_ones_are_counted_once_each() -> None:
    book = ledger()
    for poll in range(3):
        take(
            book,
            T0 + poll * MINUTE,
            operation("x", number="11111111"),
            rejections=[Rejection(id_of("bad"), "amount")],
        )

    assert total_of(book, Family.RECORDS, "main", "foreign") == 1
    assert total_of(book, Family.RECORDS, "main", "rejected") == 1
    assert counted(book, Family.REJECTED) == {("main", "amount"): 1}
    assert counted(book) == {}


def test_an_unreadable_record_that_becomes_readable_is_counted() -> None:
    book = ledger()
    take(book, T0, rejections=[Rejection(id_of("a"), "amount")])
    take(book, T0 + MINUTE, operation("a"))

    assert counted(book) == {SUCCESS: 1}


def test_an_incomplete_reading_counts_but_does_not_move_the_watermark() -> None:
    book = ledger()
    take(book, T0 + MINUTE, operation("a"), complete=False)

    assert counted(book) == {SUCCESS: 1}
    assert book.checkpoints["wallet"].watermark == T0


def test_what_memory_has_let_go_is_told_from_new_by_what_the_store_recalls() -> None:
    book = ledger()
    first = book.decide([reading([operation("a"), operation("p", status="new")])], T0 + SECOND)
    book.apply(first)
    late = T0 + 3 * HOUR
    take(book, late, span=Span(T0, T0 + DAY))
    assert {entry.id for entry in book.entries("wallet", T0 - HOUR)} == {id_of("p")}

    again = reading([operation("a"), operation("p"), operation("missed", T0 + 1)])
    assert book.unknown(book.listed([again])) == [id_of("a"), id_of("missed")]
    book.apply(book.decide([again], late, first.entries))
    assert counted(book) == {SUCCESS: 3}


def test_nothing_is_said_about_an_unknown_operation_from_before_what_the_store_keeps() -> None:
    book = ledger()
    take(book, T0 + 3 * HOUR, span=Span(T0, T0 + DAY))
    old, young = operation("old", T0 + HOUR - 1), operation("young", T0 + HOUR)
    book.apply(book.decide([reading([old, young])], T0 + 3 * HOUR, kept_since=T0 + HOUR))

    assert counted(book) == {SUCCESS: 1}


def test_what_was_never_read_is_counted_however_little_the_store_keeps() -> None:
    book = ledger()
    book.apply(book.decide([reading([operation("a", T0 + MINUTE)])], T0 + 2 * MINUTE, kept_since=T0 + HOUR))

    assert counted(book) == {SUCCESS: 1}


def test_what_lies_in_a_gap_is_not_counted() -> None:
    gap_end = T0 + HOUR
    marks = {name: replace(checkpoint(watermark=gap_end), gap_end=gap_end) for name in ("wallet", "shop")}
    book = ledger(Remembered(marks, (), {}))
    take(book, T0 + 2 * HOUR, operation("in", gap_end - 1), operation("after", gap_end))

    assert counted(book) == {SUCCESS: 1}


def test_ids_stay_while_reading_lags_behind() -> None:
    book = ledger()
    take(book, T0 + SECOND, operation("a"))
    take(book, T0 + 3 * HOUR, complete=False)

    assert [entry.id for entry in book.entries("wallet", T0)] == [id_of("a")]


def test_only_of_a_terminal_that_has_been_read_ids_are_let_go() -> None:
    book = ledger()
    take(book, T0 + MINUTE, operation("a"), operation("b", number=SHOP.number))
    now = T0 + MINUTE + POLICY.retention + SECOND

    first = book.decide([reading(span=Span(T0, now), terminals=["wallet"])], now)
    book.apply(first)
    second = book.decide([reading(span=Span(T0, now), terminals=["shop"])], now)

    assert (first.forgotten, second.forgotten) == ((id_of("a"),), (id_of("b"),))


def test_codes_beyond_the_limit_are_called_other() -> None:
    book = ledger(max_codes=2)
    codes = ["00", "51", "61", "62", "51"]
    take(book, T0 + MINUTE, *(operation(n, T0 + n, "failed", code=code) for n, code in enumerate(codes)))

    shown = {labels[3] for labels in counted(book)}
    assert shown == {"00", "51", "other"}
    assert sum(counted(book).values()) == len(codes)
    assert total_of(book, Family.LABEL_OVERFLOW, "wallet") == 2


@pytest.mark.parametrize(
    "code", ["4003123412341234", "a" * 33, "dosbols@halykbank.kz", "line\nbreak", "Сергей Фролов", "+77011234567"]
)
def test_what_is_not_fit_to_be_a_label_never_becomes_one(code: str) -> None:
    book = ledger()
    take(
        book,
        T0 + MINUTE,
        operation("a", status="failed", reason_code=code),
        operation("b", T0 + 1, status="failed", code=code),
        operation("c", T0 + 2, status=code),
    )

    assert not any(code in label for total in book.totals for label in total.labels)
    assert sum(counted(book).values()) == 3


def test_a_restart_keeps_the_labels_that_were_admitted() -> None:
    book = ledger(max_codes=1)
    take(book, T0 + MINUTE, operation("a", status="failed", code="51"))
    again = ledger(Remembered(book.checkpoints, tuple(book.entries("wallet", T0)), book.totals), max_codes=1)
    take(again, T0 + MINUTE, operation("b", T0 + 1, "failed", code="61"), operation("c", T0 + 2, "failed", code="51"))

    assert {labels[3]: value for labels, value in counted(again).items()} == {"51": 2, "other": 1}


def test_unnamed_statuses_and_codes_are_said_once() -> None:
    book = ledger()
    odd = [operation("a", status="odd"), operation("b", status="failed", code="", reason_code="9")]
    first = book.decide([reading(odd)], T0)
    assert [(n.kind, n.value) for n in first.notices] == [("status", "odd"), ("code", "9")]
    book.apply(first)

    assert book.decide([reading([operation("c", T0 + 1, status="odd")])], T0 + MINUTE).notices == ()
    assert total_of(book, Family.UNKNOWN_CODES, "wallet") == 1


def test_delays_are_not_measured_after_an_outage_of_ours() -> None:
    book = ledger()
    take(book, T0 + 30 * SECOND, operation("a", T0 + 20 * SECOND))
    take(book, T0 + 10 * MINUTE, operation("b", T0 + MINUTE))

    assert counted(book, Family.VISIBILITY_SUM) == {("main",): 10 * SECOND}
    assert counted(book, Family.FINALIZATION_SUM) == {("wallet",): 10 * SECOND}


def test_a_record_of_the_future_is_counted_and_shown_but_makes_nothing_late() -> None:
    book = ledger()
    take(book, T0 + MINUTE, operation("future", T0 + 2 * HOUR))
    take(book, T0 + 2 * MINUTE, operation("a", T0 + 90 * SECOND))

    assert counted(book) == {SUCCESS: 2}
    assert book.checkpoints["wallet"].newest == T0 + 2 * HOUR
    assert book.checkpoints["wallet"].watermark == T0 + 2 * MINUTE
    assert total_of(book, Family.RECORDS, "main", "late") == 0


@pytest.mark.parametrize(
    ("span", "now", "covered_from", "watermark"),
    [
        (Span(T0 - MINUTE, T0 + DAY), T0 + MINUTE, T0 - HOUR, T0 + MINUTE),  # the head goes on
        (Span(T0 - 2 * HOUR, T0 - HOUR), T0, T0 - 2 * HOUR, T0),  # the fill goes back
        (Span(T0 + 1, T0 + MINUTE), T0 + HOUR, T0 - HOUR, T0),  # a hole would be left
        (Span(T0 - 3 * HOUR, T0 - 2 * HOUR), T0, T0 - HOUR, T0),  # a hole below
        (Span(T0 - MINUTE, T0 - SECOND), T0, T0 - HOUR, T0),  # nothing new
    ],
)
def test_coverage_grows_only_by_what_touches_it(span: Span, now: int, covered_from: int, watermark: int) -> None:
    after = advance(checkpoint(), span, now)

    assert (after.covered_from, after.watermark) == (covered_from, watermark)


def test_retention_reaches_further_back_than_any_span_that_is_read_again() -> None:
    assert POLICY.retention > max(POLICY.lookback, *POLICY.windows) + POLICY.overlap


def test_what_lies_before_the_stretch_that_has_been_read_is_new_and_not_late() -> None:
    mark = checkpoint(T0 - 2 * HOUR, newest=T0 - SECOND)
    book = ledger(Remembered({"wallet": mark, "shop": mark}, (), {}))
    take(book, T0 + SECOND, operation("older", T0 - 90 * MINUTE), operation("late", T0 - MINUTE))

    assert total_of(book, Family.RECORDS, "main", "new") == 1
    assert total_of(book, Family.RECORDS, "main", "late") == 1
    assert sum(counted(book).values()) == 2


def test_what_is_pending_when_first_seen_and_too_old_to_be_followed_is_counted_so_at_once() -> None:
    book = ledger()
    take(book, T0 + 25 * HOUR, operation("a", T0 + SECOND, "new"))

    assert counted(book) == {("wallet", "pending", "new", "", "", "none"): 1}
    assert counted(book, Family.FINALIZATION_BUCKET) == {}
