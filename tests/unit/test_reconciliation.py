"""What differs between the bank's closed hours and what was counted of them."""

from exporter.model import HOUR, Difference, Entry, Outcome, SeriesKey, Span, Standing
from exporter.poller.reconciliation import compare
from tests.builders import T0, id_of, operation

KEY = SeriesKey("wallet", Outcome.SUCCESS, "ok", "00", "0", "none")
SPAN = Span(T0, T0 + HOUR)


def _entry(name: object, created: int = T0, amount: int = 20_000) -> Entry:
    return Entry(id_of(name), created, KEY, amount, "KZT", Standing.COUNTED)


def test_hours_that_agree_have_no_difference() -> None:
    assert compare([operation("a"), operation("b")], [_entry("a"), _entry("b")], SPAN) == Difference()


def test_what_was_missed_is_positive() -> None:
    assert compare([operation("a"), operation("b")], [_entry("a")], SPAN) == Difference(1, {"KZT": 20_000})


def test_what_has_vanished_is_negative() -> None:
    assert compare([operation("a")], [_entry("a"), _entry("b")], SPAN) == Difference(-1, {"KZT": -20_000})


def test_what_was_missed_is_not_hidden_by_what_has_vanished() -> None:
    assert compare([operation("a")], [_entry("b")], SPAN).operations == 1


def test_an_amount_that_has_changed_is_a_difference_without_operations() -> None:
    assert compare([operation("a", amount=50_000)], [_entry("a")], SPAN) == Difference(0, {"KZT": 30_000})


def test_what_lies_outside_the_span_is_left_alone() -> None:
    listed, remembered = [operation("a", T0 - 1)], [_entry("b", T0 + HOUR)]

    assert compare(listed, remembered, SPAN) == Difference()


def test_currencies_are_never_added_up() -> None:
    listed = [operation("a"), operation("b", currency="USD", amount=100)]

    assert compare(listed, [], SPAN).amounts == {"KZT": 20_000, "USD": 100}
