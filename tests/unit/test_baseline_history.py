"""Slots of the past: what is put in, what is missing, what a span of it holds."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.baseline import MISSING, SLOT, History

_START = 1_000 * SLOT


def _history(*values: int) -> History:
    return History(_START, SLOT, array("q", values))


def test_a_slot_put_beyond_the_end_leaves_missing_ones_behind() -> None:
    history = _history(1)
    history.put(_START + 3 * SLOT + 5, 7)
    assert list(history.values) == [1, MISSING, MISSING, 7]
    assert history.end == _START + 4 * SLOT


def test_a_slot_put_again_takes_the_new_volume() -> None:
    history = _history(1, 2)
    history.put(_START, 9)
    assert list(history.values) == [9, 2]


def test_slots_that_are_written_take_the_place_of_what_was_known() -> None:
    history = History(_START, values=array("q", [1, 2, 3]))
    history.write(_START + SLOT + 1, array("q", [7, MISSING]))
    history.write(_START + 4 * SLOT, array("q", [9]))
    assert list(history.values) == [1, 7, MISSING, MISSING, 9]


def test_nothing_is_written_before_the_start() -> None:
    with pytest.raises(ValueError, match="before the history's start"):
        History(_START).write(_START - SLOT, array("q", [1]))


def test_nothing_is_put_before_the_start() -> None:
    with pytest.raises(ValueError, match="before"):
        _history(1).put(_START - 1, 5)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_that_is_none_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match="step"):
        History(0, step)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -3.0])
def test_what_is_no_volume_is_missing(value: float) -> None:
    history = History(_START, SLOT, array("d", (4.0,)))
    history.put(_START, value)
    assert list(history.values) == [MISSING]


def test_a_holiday_takes_every_slot_that_it_touches() -> None:
    history = _history(1, 2, 3, 4)
    history.leave_out(_START + SLOT + 1, _START + 2 * SLOT + 1)
    assert list(history.values) == [1, MISSING, MISSING, 4]
    history.leave_out(_START - 9 * SLOT, _START + SLOT)
    history.leave_out(_START + 3 * SLOT, _START + 99 * SLOT)
    assert list(history.values) == [MISSING] * 4


def test_old_slots_are_given_back_whole() -> None:
    history = _history(1, 2, 3)
    history.drop_before(_START + 2 * SLOT - 1)
    assert (history.start, list(history.values)) == (_START + SLOT, [2, 3])
    history.drop_before(_START)
    assert list(history.values) == [2, 3]
    history.drop_before(_START + 99 * SLOT)
    assert list(history.values) == []


def test_slots_between_are_those_that_begin_there() -> None:
    history = _history(1, 2, 3, 4)
    assert list(history.between(_START + 1, _START + 2 * SLOT + 1)) == [2, 3]
    assert list(history.between(_START - 5 * SLOT, _START)) == []
    assert list(history.between(_START + 9 * SLOT, _START + 8 * SLOT)) == []


def test_slots_at_the_edges_count_by_their_part() -> None:
    history = _history(100, 10, 1000)
    assert history.volume(_START + SLOT // 2, _START + 2 * SLOT + SLOT // 4) == 50 + 10 + 250


def test_a_span_within_one_slot_has_its_part() -> None:
    assert _history(100).volume(_START + SLOT // 4, _START + SLOT // 2) == 25


def test_a_known_half_stands_for_the_whole() -> None:
    assert _history(10, MISSING).volume(_START, _START + 2 * SLOT) == 20


def test_less_than_half_is_not_known() -> None:
    history = _history(10, MISSING, MISSING)
    assert history.volume(_START, _START + 3 * SLOT) is None
    assert history.volume(_START - 2 * SLOT, _START + SLOT) is None
    assert history.volume(_START + 5 * SLOT, _START + 6 * SLOT) is None


def test_a_missing_slot_at_an_edge_is_seen() -> None:
    edges = _history(MISSING, 10, MISSING)
    assert edges.volume(_START + SLOT // 2, _START + 2 * SLOT) == 15
    assert edges.volume(_START + SLOT, _START + 2 * SLOT + SLOT // 2) == 15


def test_an_empty_span_holds_nothing_that_is_known() -> None:
    assert _history(10).volume(_START + 5, _START + 5) is None


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=12),
    st.integers(0, 12 * SLOT),
    st.integers(0, 12 * SLOT),
    st.integers(0, 12 * SLOT),
)
def test_a_span_holds_what_its_two_parts_hold(values: list[int], one: int, two: int, three: int) -> None:
    history = _history(*values)
    length = len(values) * SLOT
    begin, middle, end = sorted(_START + moment % (length + 1) for moment in (one, two, three))
    parts = [history.volume(begin, middle) or 0, history.volume(middle, end) or 0]
    whole = history.volume(begin, end) or 0
    assert whole == pytest.approx(sum(parts))


@given(writes=st.lists(st.tuples(st.integers(0, 40), st.lists(st.integers(-1, 5), max_size=6)), max_size=8))
def test_slots_that_are_not_held_yet_are_like_missing_ones(writes: list[tuple[int, list[int]]]) -> None:
    history, expected = History(_START), dict[int, int]()
    for place, values in writes:
        history.write(_START + place * SLOT, array("q", values))
        expected.update(enumerate(values, place))

    known = {place: value for place, value in expected.items() if value != MISSING}
    assert {place: value for place, value in enumerate(history.values) if value != MISSING} == known
    assert history.first_volume == min((place for place, value in known.items() if value > 0), default=len(history))
    for first, last in ((0, 10), (7, 33), (30, 60)):
        begin, end = _START + first * SLOT, _START + last * SLOT
        assert list(history.between(begin, end)) == list(history.values[first:last])
        sum_known = [known[place] for place in range(first, last) if place in known]
        length = last - first
        volume = sum(sum_known) * length / len(sum_known) if len(sum_known) * 2 >= length else None
        assert history.volume(begin, end) == pytest.approx(volume)


def test_a_past_that_is_read_backwards_takes_memory_only_for_what_was_read() -> None:
    history = History(_START)
    history.write(_START + 1000 * SLOT, array("q", [1]))
    history.write(_START + 999 * SLOT, array("q", [MISSING, 2]))
    held = history._values  # what it takes is not to be seen from outside
    assert (len(held), history.end) == (1, _START + 1001 * SLOT)

    copied = history.copy()
    copied.leave_out(_START, _START + 2000 * SLOT)
    assert list(history.between(_START + 998 * SLOT, _START + 1001 * SLOT)) == [MISSING, MISSING, 2]
    assert list(copied.between(_START + 998 * SLOT, _START + 1001 * SLOT)) == [MISSING] * 3
    history.drop_before(_START + 500 * SLOT)
    assert list(history.between(_START + 999 * SLOT, _START + 1002 * SLOT)) == [MISSING, 2]


def test_missing_slots_written_before_what_is_held_neither_shorten_it_nor_take_memory() -> None:
    history = History(_START)
    history.write(_START + 29 * SLOT, array("q", [MISSING] * 3))
    history.write(_START + 11 * SLOT, array("q", [0, MISSING]))
    assert (len(history), list(history.slots(10, 13))) == (32, [MISSING, 0, MISSING])

    history = History(_START)
    history.write(_START + 1000 * SLOT, array("q", [1]))
    history.write(_START, array("q", [MISSING]))
    assert len(history._values) == 1


def test_large_volumes_find_room_among_small_ones() -> None:
    history = History(_START)
    for place, volume in enumerate((100, 200, 40_000, 3_000_000_000)):
        history.write(_START + place * SLOT, array("q", [volume]))
        assert history.values[place] == volume
    history.write(_START + 4 * SLOT, array("q", [-9_000_000_000]))

    assert list(history.values) == [100, 200, 40_000, 3_000_000_000, -9_000_000_000]
    assert list(history.copy().values) == list(history.values)
    with pytest.raises(OverflowError):
        History(_START).write(_START, array("Q", [2**63]))
