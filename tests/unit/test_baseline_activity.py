"""How much of a terminal's past is known, when it works, how long it rests, what one operation moves."""

from array import array
from math import exp
from random import Random

import pytest

from exporter.baseline import MISSING, SLOT, WEEK, History, active_days, grain_of, usual_gap
from exporter.model import DAY, HOUR

_A_WEEK = WEEK // SLOT
_A_DAY = DAY // SLOT


def _weeks(*weeks: list[int]) -> History:
    return History(0, SLOT, array("q", [value for week in weeks for value in week]))


def _resting(slots: int) -> list[int]:
    return [0] * slots + [1] * (_A_WEEK - slots)


def test_a_week_is_known_when_half_of_its_slots_are_and_fewer_than_three_have_no_usual_gap() -> None:
    half = [1] * (_A_WEEK // 2) + [MISSING] * (_A_WEEK // 2)
    less = [1] * (_A_WEEK // 2 - 1) + [MISSING] * (_A_WEEK // 2 + 1)
    two, three = _weeks(less, half, _resting(4)), _weeks(less, half, half, _resting(4))
    assert usual_gap(two, two.end) is None
    assert usual_gap(three, three.end) == SLOT
    assert usual_gap(three, three.end, weeks=2) is None


def test_the_usual_gap_is_the_median_of_each_weeks_longest_rest() -> None:
    history = _weeks(_resting(40), _resting(8), _resting(10))
    assert usual_gap(history, history.end) == 11 * SLOT


def test_two_weeks_have_no_usual_gap() -> None:
    history = _weeks(_resting(8), _resting(8))
    assert usual_gap(history, history.end) is None


def test_a_missing_slot_ends_a_rest_and_a_terminal_without_an_empty_slot_rests_for_one_at_most() -> None:
    torn = [0] * 6 + [MISSING] + [0] * 4 + [1] * (_A_WEEK - 11)
    history = _weeks(torn, torn, torn)
    assert usual_gap(history, history.end) == 7 * SLOT
    always = _weeks(*[[1] * _A_WEEK] * 3)
    assert usual_gap(always, always.end) == SLOT


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


def _compound(mean_count: float, seed: int) -> tuple[History, History]:
    """Counts, and sums of log-normal amounts, over five weeks; the amounts' E[X²] / E[X] is e^(1.5 σ²) · median."""
    random = Random(seed)
    counts, amounts = array("q"), array("q")
    for _ in range(5 * _A_WEEK):
        count = sum(random.expovariate(1.0) < mean_count / 40 for _ in range(40))
        counts.append(count)
        amounts.append(round(sum(random.lognormvariate(9.0, 0.8) for _ in range(count))))
    return History(0, SLOT, counts), History(0, SLOT, amounts)


@pytest.mark.parametrize("mean_count", [0.3, 4.0])
def test_the_grain_is_what_one_operation_moves_the_sum_by_however_many_there_are(mean_count: float) -> None:
    counts, amounts = _compound(mean_count, seed=4)

    assert grain_of(amounts, amounts.end) == pytest.approx(exp(9.0 + 1.5 * 0.8**2), rel=0.35)
    assert grain_of(counts, counts.end) == pytest.approx(1.0, abs=0.15)


def test_a_day_out_of_the_ordinary_does_not_move_the_grain() -> None:
    _, amounts = _compound(4.0, seed=5)
    usual = grain_of(amounts, amounts.end)
    for slot in range(_A_DAY):
        amounts.put(amounts.end - DAY + slot * SLOT, 0)

    assert grain_of(amounts, amounts.end) == pytest.approx(usual, rel=0.1)


def test_without_operations_the_grain_is_one() -> None:
    empty = _weeks(*[[0] * _A_WEEK] * 5)

    assert grain_of(empty, empty.end) == 1.0
    assert grain_of(_weeks([]), WEEK) == 1.0
