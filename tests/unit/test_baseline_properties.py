"""Whatever the past was: bounds that are numbers, in their order, and that no single week can bend."""

import math
from array import array
from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exporter.baseline import MISSING, WEEK, Direction, History, Thresholds, judge, prepare
from exporter.model import DAY, HOUR

_STEP = 6 * HOUR
_A_WEEK = WEEK // _STEP
_AT = 5 * WEEK
_RANDOMS: Final = st.integers(0, 2**32).map(Random)
_GRAINS: Final = st.floats(0.1, 1e6)
# A past is made of a seed: a smaller seed is no simpler past, so there is nothing to shrink.
_SOME: Final = settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def _pasts(random: Random) -> "array[int]":
    """Five weeks from a few ingredients: nothing, a hole, a level of any height, noise, whole days gone."""
    kinds: list[Callable[[], int]] = [
        lambda: MISSING,
        lambda: 0,
        lambda: random.randrange(30),
        lambda: random.randrange(10**6),
        lambda: round(1000 * random.lognormvariate(0, 1)),
    ]
    days = (random.choices(kinds, weights=[random.random() ** 3 for _ in kinds])[0] for _ in range(5 * 7))
    return array("q", [kind() for kind in days for _ in range(DAY // _STEP)])


def _often_empty(past: "array[int]", usual: float) -> bool:
    """Whether on two days of a week, in two weeks at least, a slot held next to nothing of what is usual."""
    days = [past[first : first + DAY // _STEP] for first in range(0, len(past), DAY // _STEP)]
    empty = [any(0 <= value < 0.1 * usual for value in day) for day in days]
    return sum(sum(empty[week : week + 7]) >= 2 for week in range(0, len(empty), 7)) >= 2


@_SOME
@given(_RANDOMS, st.integers(0, WEEK), st.sampled_from([HOUR, _STEP, 25 * HOUR]), _GRAINS)
def test_bounds_are_numbers_in_their_order(random: Random, later: int, window: int, grain: float) -> None:
    past = _pasts(random)
    found = prepare(History(0, _STEP, past), _AT, window, grain=grain).expect(_AT + later)
    if found is None:
        return
    assert all(math.isfinite(number) for number in found)
    assert 0 <= found.lower <= found.expected <= found.upper
    assert 3 <= found.weeks <= 5
    if _often_empty(past, found.expected * _STEP / window):
        return
    if found.expected >= 20 * grain:
        assert found.lower >= 0.0999 * found.expected
    if found.expected >= max(20, 20 * grain):
        assert judge(0, found, Thresholds()) is Direction.DROP


@_SOME
@given(_RANDOMS, st.integers(1, 1000))
def test_money_in_another_unit_has_the_same_bounds_in_that_unit(random: Random, unit: int) -> None:
    past = _pasts(random)
    scaled = array("q", [value if value < 0 else value * unit for value in past])
    one = prepare(History(0, _STEP, past), _AT, _STEP, grain=7.0).expect(_AT)
    other = prepare(History(0, _STEP, scaled), _AT, _STEP, grain=7.0 * unit).expect(_AT)
    if one is None or other is None:
        assert one is other
        return
    assert other[:3] == pytest.approx([number * unit for number in one[:3]], rel=1e-6)


@_SOME
@given(_RANDOMS, st.integers(0, 3), st.sampled_from([0, 1, 3, 10, 1000]))
def test_one_corrupt_week_of_four_does_not_move_it_beyond_the_others(random: Random, corrupt: int, times: int) -> None:
    shape = [random.randrange(100, 1000) for _ in range(_A_WEEK)]
    weeks = [[round(volume * random.uniform(0.9, 1.1)) for volume in shape] for _ in range(4)]
    ends = [week[-1] for number, week in enumerate(weeks) if number != corrupt]
    weeks[corrupt] = [volume * times for volume in weeks[corrupt]]
    history = History(_AT - 4 * WEEK, _STEP, array("q", [volume for week in weeks for volume in week]))
    found = prepare(history, _AT, _STEP).expect(_AT)
    assert found is not None
    # The weeks differ a little in their level, and two weeks of that is what a trend may add.
    assert min(ends) * 0.97 <= found.expected <= max(ends) * 1.03
