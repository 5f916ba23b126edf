"""What a reading holds for the history."""

from exporter.backfill import Sieve
from exporter.backfill.sieve import Stranger
from exporter.model import HOUR, OTHER, Outcome, Rejection, SeriesKey, Span
from tests.builders import OUTCOMES, SHOP, T0, WALLET, id_of, operation, reading

SPAN = Span(T0, T0 + HOUR)


def sieve(*known: SeriesKey, max_codes: int = 100) -> Sieve:
    return Sieve((WALLET, SHOP), OUTCOMES, max_codes, SPAN, known)


def test_operations_are_labelled_as_live_ones_and_sorted_by_their_own_time() -> None:
    rows, strangers = sieve().sift(reading([operation("b", T0 + 5, "failed"), operation("a", T0, number=SHOP.number)]))

    assert [(row.id, row.created, row.amount, row.currency) for row in rows] == [
        (id_of("a"), T0, 20_000, "KZT"),
        (id_of("b"), T0 + 5, 20_000, "KZT"),
    ]
    assert [row.key for row in rows] == [
        SeriesKey("shop", Outcome.SUCCESS, "ok", "00", "0", "none"),
        SeriesKey("wallet", Outcome.FAILURE, "failed", "05", "484", "funds"),
    ]
    assert strangers == []


def test_only_what_was_created_within_the_history_counts() -> None:
    found = [operation(at, at) for at in (T0 - 1, T0, T0 + HOUR - 1, T0 + HOUR)]
    rows, strangers = sieve().sift(reading(found))

    assert [row.created for row in rows] == [T0, T0 + HOUR - 1]
    assert strangers == []


def test_strangers_are_told_apart() -> None:
    found = reading([operation("x", number="1")], rejections=[Rejection(id_of("y"), "amount")])
    rows, strangers = sieve().sift(found)

    assert rows == []
    assert set(strangers) == {Stranger(id_of("x"), "foreign"), Stranger(id_of("y"), "amount")}


def test_codes_beyond_the_limit_are_other_and_those_already_shown_stay() -> None:
    first = SeriesKey("wallet", Outcome.FAILURE, "failed", "05", "484", "funds")
    found = [operation("a", T0, "failed", reason_code="999"), operation("b", T0 + 1, "failed")]
    rows, _ = sieve(first, max_codes=1).sift(reading(found))

    assert [row.key.reason_code for row in rows] == [OTHER, "484"]
