"""How much of a terminal's past is known, when it works, how long it rests, what one operation moves."""

from array import array

import pytest

from exporter.baseline import MISSING, SLOT, WEEK, History, active_days, grain_of, usual_gap, weeks_known
from exporter.model import DAY, HOUR

_A_WEEK = WEEK // SLOT
_A_DAY = DAY // SLOT


def _weeks(*weeks: list[int]) -> History:
    return History(0, SLOT, array("q", [value for week in weeks for value in week]))


def _resting(slots: int) -> list[int]:
    return [0] * slots + [1] * (_A_WEEK - slots)


def test_a_week_is_known_when_half_of_its_slots_are() -> None:
    half = [1] * (_A_WEEK // 2) + [MISSING] * (_A_WEEK // 2)
    less = [1] * (_A_WEEK // 2 - 1) + [MISSING] * (_A_WEEK // 2 + 1)
    history = _weeks(less, half, [1] * _A_WEEK)
    assert weeks_known(history, history.end) == 2
    assert weeks_known(history, history.end, weeks=1) == 1


def test_the_usual_gap_is_the_median_of_each_weeks_longest_rest() -> None:
    history = _weeks(_resting(40), _resting(8), _resting(10))
    assert usual_gap(history, history.end) == 10 * SLOT


def test_two_weeks_have_no_usual_gap() -> None:
    history = _weeks(_resting(8), _resting(8))
    assert usual_gap(history, history.end) is None


def test_a_missing_slot_ends_a_rest_and_a_terminal_that_never_rests_has_none() -> None:
    torn = [0] * 6 + [MISSING] + [0] * 4 + [1] * (_A_WEEK - 11)
    history = _weeks(torn, torn, torn)
    assert usual_gap(history, history.end) == 6 * SLOT
    always = _weeks(*[[1] * _A_WEEK] * 3)
    assert usual_gap(always, always.end) == 0


def test_days_are_those_of_kazakhstan_and_the_open_one_does_not_count() -> None:
    history = History(0, SLOT, array("q", [0] * (12 * _A_DAY)))
    now = 11 * DAY - 5 * HOUR + HOUR  # an hour into a day of Kazakhstan
    history.put(now, 1)
    assert active_days(history, now) == 0
    history.put(now - HOUR - SLOT, 1)
    history.put(now - HOUR - DAY - SLOT, 1)
    history.put(now - HOUR - 8 * DAY, 1)
    assert active_days(history, now) == 2
    assert active_days(history, now, offset=0) == 1


def test_the_grain_of_amounts_is_the_mean_amount_and_its_variation() -> None:
    counts, amounts = _weeks([2, MISSING, 3]), _weeks([20_000, MISSING, 30_000])
    assert grain_of(amounts, counts) == pytest.approx(10_000 * 3.25)
    assert grain_of(amounts, counts, variation=0) == 10_000


def test_without_operations_the_grain_is_one() -> None:
    assert grain_of(_weeks([0]), _weeks([0])) == 1.0
