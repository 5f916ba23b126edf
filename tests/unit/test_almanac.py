"""The almanac: what a terminal's history holds, slot by slot, and what is read of it first."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.baseline import MISSING, SLOT, WEEK
from exporter.model import DAY, HOUR, MINUTE, SLOTS_A_DAY, SlotDay, Span
from exporter.poller.almanac import CELL, Almanac, Tally, cells
from tests.builders import T0

DAY0 = T0 // DAY
START = DAY0 * DAY


def tally(*operations: tuple[int, int], currency: str = "KZT") -> Tally:
    found = Tally()
    for created, amount in operations:
        found.add(created, amount, currency, success=amount > 0)
    return found


def test_a_span_read_to_its_end_is_known_and_empty_where_nothing_was() -> None:
    almanac = Almanac("wallet", DAY0)
    almanac.put(
        Span(START + SLOT, START + 4 * SLOT), tally((START + SLOT, 5), (START + SLOT + 1, 0), (START + 3 * SLOT, 7))
    )

    assert list(almanac.operations.values) == [MISSING, 2, 0, 1]
    assert {currency: list(amounts.values) for currency, amounts in almanac.amounts.items()} == {
        "KZT": [MISSING, 5, 0, 7]
    }
    assert almanac.lacks(Span(START, START + CELL))
    assert not almanac.lacks(Span(START + SLOT, START + 4 * SLOT))


def test_a_currency_met_late_had_nothing_before() -> None:
    almanac = Almanac("wallet", DAY0)
    almanac.put(Span(START, START + SLOT), tally((START, 5)))
    almanac.put(Span(START + 2 * SLOT, START + 3 * SLOT), tally((START + 2 * SLOT, 9), currency="USD"))

    assert {c: list(a.values) for c, a in almanac.amounts.items()} == {"KZT": [5, MISSING, 0], "USD": [0, MISSING, 9]}


def test_what_was_kept_comes_back_the_same() -> None:
    almanac = Almanac("wallet", DAY0)
    almanac.put(Span(START, START + SLOT), tally((START, 5)))
    first_day = list(almanac.days(Span(START, START + SLOT)))
    almanac.put(Span(START + DAY, START + DAY + SLOT), tally((START + DAY, 9), currency="USD"))
    again = Almanac("wallet", DAY0)
    again.restore([*almanac.days(Span(START + DAY, START + DAY + SLOT)), *first_day])

    assert again.operations.values[: SLOTS_A_DAY + 1] == almanac.operations.values
    for currency, amounts in almanac.amounts.items():
        assert again.amounts[currency].values[: SLOTS_A_DAY + 1] == amounts.values


def test_rows_that_are_no_days_are_read_again() -> None:
    almanac = Almanac("wallet", DAY0)
    almanac.restore([SlotDay("wallet", DAY0, "", b"short"), SlotDay("wallet", DAY0 - 1, "", b"\0" * 8 * SLOTS_A_DAY)])

    assert almanac.lacks(Span(START, START + CELL))


def test_old_days_go_and_the_rest_stays_in_place() -> None:
    almanac = Almanac("wallet", DAY0)
    almanac.put(Span(START, START + 2 * DAY), tally((START + DAY, 5)))
    almanac.forget(DAY0 + 1)
    almanac.forget(DAY0)

    assert almanac.operations.start == START + DAY
    assert almanac.operations.values[0] == 1
    assert not almanac.lacks(Span(START, START + CELL)), "what is no longer wanted is not missed"
    assert not almanac.lacks(Span(START + DAY, START + DAY + CELL))


@given(st.lists(st.tuples(st.integers(0, 3 * SLOTS_A_DAY - 1), st.integers(1, 20), st.integers(0, 9)), max_size=20))
def test_any_order_of_spans_leaves_each_slot_as_it_was_last_read(writes: list[tuple[int, int, int]]) -> None:
    almanac, expected = Almanac("wallet", DAY0), dict[int, int]()
    for first, length, count in writes:
        span = Span(START + first * SLOT, START + (first + length) * SLOT)
        almanac.put(span, tally(*[(span.start, 1)] * count))
        expected.update({slot: count if slot == first else 0 for slot in range(first, first + length)})

    known = {index: value for index, value in enumerate(almanac.operations.values) if value != MISSING}
    assert known == expected


def test_the_same_hours_of_past_weeks_are_read_first_and_the_last_week_before_the_others() -> None:
    now = T0 + 17 * MINUTE
    order = cells(now, 35 * DAY, 15 * MINUTE)

    needed = [cell for week in range(1, 6) for cell in order if cell.start <= now - week * WEEK < cell.end]
    before = [cell for week in range(1, 6) for cell in order if cell.start <= now - week * WEEK - HOUR < cell.end]
    first = [cell for cell in order if cell.start < now - DAY][: len({*needed, *before})]
    assert {*needed, *before} == set(first)
    assert [cell.start for cell in needed] == sorted((cell.start for cell in needed), reverse=True)
    assert len(set(order)) == len(order) >= 35 * 12 - 2
    assert all(cell.end - cell.start == CELL and cell.end <= now - 15 * MINUTE for cell in order)


def test_no_history_is_no_cells() -> None:
    assert cells(T0, 0, 15 * MINUTE) == []
