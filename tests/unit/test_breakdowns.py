"""Windows by issuer and kind of card: bounded, fit to be shown, and no reason to count anything again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import Ledger
from exporter.ledger.breakdowns import LONGEST, DetailBook, presentable
from exporter.model import HOUR, MINUTE, SECOND, Details, Family, Outcome, Remembered
from exporter.state import MemoryStore
from tests.builders import T0, checkpoint, counted, ledger, operation, reading, take, total_of

ISSUER = ("sender_issuer",)
NOW = T0 + 10 * MINUTE


def issued(by: str) -> Details:
    return (("sender_issuer", by),)


def shown(book: Ledger, dimension: str = "sender_issuer") -> dict[tuple[str, str], int]:
    """The hour's operations of the wallet by value and outcome."""
    hour = next(tally for tally in book.windows("wallet", NOW) if tally.window == HOUR)
    return {(value, outcome): n for (name, value, outcome, _), n in hour.breakdowns.items() if name == dimension}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Steppe Bank", "Steppe Bank"),
        ("  «Қазақстан  Халық\tБанкі» АҚ ", "«Қазақстан Халық Банкі» АҚ"),
        ("Сберба\u043d\u043a", "Сбербанк"),
        ("и\u0306", "й"),
        ("", "unknown"),
        (" \u200b\x00 ", "unknown"),
        ("Ban\u202ek\x1b[31m\u0000", "Bank[31m"),
        ("card 4003123412349821", "other"),
        ("4003 1234 1234 9821", "other"),
        ("1234\u20295678", "other"),
        ("12345\u200b678", "other"),
        ("Bank 1234567", "Bank 1234567"),
        ("a" * 50, "a" * LONGEST),
        ("a" * 39 + " b", "a" * 39),
        ("\ud800x", "x"),
    ],
)
def test_values_are_made_fit_to_be_shown(text: str, value: str) -> None:
    assert presentable(text) == value


@given(st.text(max_size=80))
def test_whatever_the_bank_writes_the_value_is_short_and_printable(text: str) -> None:
    value = presentable(text)

    assert 0 < len(value) <= LONGEST
    assert value.isprintable()
    assert presentable(value) == value


def test_values_beyond_the_limit_are_other_and_those_that_came_first_stay() -> None:
    book = DetailBook(ISSUER, 2)
    values = [book.bounded(issued(name))[0][1] for name in ("A", "", "B", "C", "A", "other", "C", "B")]

    assert values == ["A", "unknown", "B", "other", "A", "other", "other", "B"]


def test_operations_with_the_same_values_share_them() -> None:
    book = DetailBook(ISSUER, 2)

    assert book.bounded(issued("".join(["A", "B"]))) is book.bounded(issued(" AB "))


def test_a_flood_of_values_fills_no_memory() -> None:
    book = DetailBook(ISSUER, 2)
    for n in range(10_000):
        book.bounded(issued(f"bank {n}"))

        book.bounded(issued(f"{n}" * 300))

    assert len(book._held) < 5_000
    assert max(len(value) for details in book._held for _, value in details) < 300
    assert book.bounded(issued("bank 1")) == issued("bank 1")
    assert book.bounded(issued("bank 9")) == issued("other")


def test_windows_are_broken_down_by_the_configured_dimensions() -> None:
    book = ledger(dimensions=ISSUER)
    take(
        book,
        NOW,
        operation("a", details=issued("A")),
        operation("b", status="failed", details=issued("A")),
        operation("c", details=issued("B")),
        operation("d", details=issued("")),
    )

    assert shown(book) == {("A", "success"): 1, ("A", "failure"): 1, ("B", "success"): 1, ("unknown", "success"): 1}


def test_nothing_is_broken_down_where_nothing_is_configured() -> None:
    book = ledger()
    take(book, NOW, operation("a", details=issued("A")))

    assert shown(book) == {}
    assert all(entry.details == () for entry in book.entries("wallet", 0))


def test_an_issuer_that_changes_is_no_change_of_status() -> None:
    book = ledger(dimensions=ISSUER)
    take(book, NOW, operation("a", details=issued("")))
    before = counted(book)
    take(book, NOW, operation("a", details=issued("A")))

    assert shown(book) == {("A", "success"): 1}
    assert counted(book) == before
    assert total_of(book, Family.RECORDS, "main", "changed") == 0
    assert total_of(book, Family.RECORDS, "main", "repeated") == 1


def test_a_status_that_changes_moves_the_operation_within_its_value() -> None:
    book = ledger(dimensions=ISSUER)
    take(book, NOW, operation("a", status="new", details=issued("A")))
    take(book, NOW, operation("a", status="failed", details=issued("A")))

    assert shown(book) == {("A", Outcome.FAILURE): 1}


def restarted(store: MemoryStore, *dimensions: str, limit: int = 50) -> Ledger:
    kept = store.recall()
    marks = {"wallet": checkpoint(), "shop": checkpoint()} | dict(kept.checkpoints)
    return ledger(Remembered(marks, kept.entries, kept.totals), dimensions=dimensions, max_values=limit)


def test_a_restart_shows_the_same_values_at_once() -> None:
    store, book = MemoryStore(), ledger(dimensions=ISSUER, max_values=2)
    decision = book.decide([reading([operation(n, details=issued(f"bank {n}")) for n in range(4)])], NOW)
    store.commit(decision)
    book.apply(decision)
    again = restarted(store, *ISSUER, limit=2)

    assert shown(again) == shown(book) == {("bank 0", "success"): 1, ("bank 1", "success"): 1, ("other", "success"): 2}
    assert again.checkpoints["wallet"].covered_from == book.checkpoints["wallet"].covered_from


def test_dimensions_that_are_new_have_the_windows_read_again_and_count_nothing() -> None:
    store, book = MemoryStore(), ledger()
    listed = [operation(n, T0 + n * MINUTE, details=issued("A")) for n in range(3)]
    decision = book.decide([reading(listed)], NOW)
    store.commit(decision)
    again = restarted(store, "sender_issuer", "receiver_issuer")

    assert again.checkpoints["wallet"].covered_from == T0 + 2 * MINUTE + 1
    assert again.checkpoints["shop"].covered_from == decision.checkpoints["shop"].covered_from
    assert shown(again) == {("unknown", "success"): 3}
    before = dict(again.totals)
    take(again, NOW + SECOND, *listed)
    assert shown(again) == {("A", "success"): 3}
    assert shown(again, "receiver_issuer") == {("unknown", "success"): 3}
    grown = {total for total, value in again.totals.items() if value != before.get(total, 0)}
    assert {total.labels for total in grown} == {("main", "repeated")}


def test_dimensions_that_are_gone_are_not_shown() -> None:
    store, book = MemoryStore(), ledger(dimensions=ISSUER)
    store.commit(book.decide([reading([operation("a", details=issued("A"))])], NOW))

    assert shown(restarted(store)) == {}
