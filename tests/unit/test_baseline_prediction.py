"""What is expected: what bends it, what does not, and how wide the bounds are."""

from array import array
from collections.abc import Callable
from random import Random

import pytest

from exporter.baseline import (
    SLOT,
    WEEK,
    Baseline,
    Direction,
    Expectation,
    History,
    Settings,
    Thresholds,
    judge,
    prepare,
)
from exporter.model import DAY, HOUR, MINUTE, Duration, Instant

_A_WEEK = WEEK // SLOT
_START = 2_800 * WEEK
_AT = _START + 5 * WEEK


def _past(volume: Callable[[Instant], float], weeks: int = 5) -> History:
    """Slots of whole weeks and an hour that end at _AT, each from how long before _AT it begins."""
    ages = [place * SLOT for place in range(weeks * _A_WEEK + 4, 0, -1)]
    return History(_AT - ages[0], SLOT, array("q", [round(volume(age)) for age in ages]))


def _expected(history: History, window: Duration = HOUR, at: Instant = _AT, grain: float = 1.0) -> Expectation:
    found = prepare(history, at, window, grain=grain).expect(at)
    assert found is not None
    return found


def _weekly(*volumes: float) -> Callable[[Instant], float]:
    """A volume for each week, newest first, each with the hour before it: the one that is compared with now."""
    return lambda age: volumes[max(0, age - HOUR - 1) // WEEK]


def _noisy(level: float, share: float, seed: int = 1) -> Callable[[Instant], float]:
    random = Random(seed)
    return lambda _: max(0.0, level * (1 + random.gauss(0, share)))


def test_a_steady_terminal_is_expected_to_stay_so() -> None:
    assert _expected(_past(lambda _: 100)) == Expectation(400.0, 244.0, 564.0, 5)


def test_a_window_may_end_at_any_instant() -> None:
    later = _AT + 7 * MINUTE
    history = _past(lambda age: 100 if (age // SLOT) % 2 else 300)
    assert _expected(history, 15 * MINUTE, later).expected == pytest.approx((100 * 8 + 300 * 7) / 15, rel=0.5)
    assert prepare(history, later, HOUR).expect(later) == _expected(history, HOUR, later)


@pytest.mark.parametrize(("weeks", "known"), [(1, None), (2, None), (3, 3), (4, 4), (5, 5)])
def test_fewer_than_three_weeks_expect_nothing(weeks: int, known: int | None) -> None:
    found = prepare(_past(lambda _: 100, weeks), _AT, HOUR).expect(_AT)
    assert (found and found.weeks) == known


def test_weeks_are_compared_as_the_settings_say_and_one_more() -> None:
    found = prepare(_past(lambda _: 100), _AT, HOUR, Settings(weeks=3)).expect(_AT)
    assert found is not None
    assert found.weeks == 4


def test_of_three_weeks_the_middle_one_counts() -> None:
    found = prepare(_past(_weekly(130, 100, 110, 0, 0)), _AT, HOUR, Settings(weeks=2)).expect(_AT)
    assert found is not None
    assert found.expected == 440


@pytest.mark.parametrize("bad", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("volume", [0, 10_000])
def test_one_bad_week_does_not_bend_it(bad: int, volume: int) -> None:
    volumes = [99, 100, 101, 100, 99]
    volumes[bad] = volume
    assert 4 * 98 <= _expected(_past(_weekly(*volumes))).expected <= 4 * 103


def test_holidays_are_left_out_and_the_other_weeks_decide() -> None:
    history = _past(lambda age: 0 if 2 * WEEK - DAY < age <= 2 * WEEK + DAY else 100)
    history.leave_out(_AT - 2 * WEEK - DAY, _AT - 2 * WEEK + DAY)
    found = _expected(history)
    assert (found.expected, found.weeks) == (400.0, 4)


@pytest.mark.parametrize("growth", [0.9, 1.05, 1.1])
def test_steady_growth_is_followed_up_to_last_weeks_volume(growth: float) -> None:
    history = _past(lambda age: 1000 * growth ** (-age / WEEK))
    assert _expected(history).expected == pytest.approx(4000 / growth, rel=0.01)


def test_a_half_drop_of_a_day_is_not_learned() -> None:
    history = _past(lambda age: 50 if age <= DAY else 100)
    found = _expected(history)
    assert found.expected == pytest.approx(400, rel=0.05)
    assert judge(200, found, Thresholds()) is Direction.DROP
    assert judge(400, found, Thresholds()) is None


def test_a_new_level_is_believed_after_two_weeks() -> None:
    one_week = _past(_weekly(50, 100, 100, 100, 100))
    two_weeks = _past(_weekly(50, 50, 100, 100, 100))
    assert _expected(one_week).expected == pytest.approx(400)
    assert _expected(two_weeks).expected == pytest.approx(200)


def test_a_total_stop_is_always_below_the_lower_bound() -> None:
    wild = _past(_noisy(30, 1.5))
    found = _expected(wild, 15 * MINUTE)
    assert found.lower >= 0.1 * found.expected
    assert judge(0, found, Thresholds(min_expected=0)) is Direction.DROP


def test_noise_of_the_past_widens_the_bounds() -> None:
    calm, wild = _expected(_past(_noisy(10_000, 0.02))), _expected(_past(_noisy(10_000, 0.5)))
    assert wild.lower / wild.expected < calm.lower / calm.expected
    assert wild.upper / wild.expected > calm.upper / calm.expected


def test_an_hour_that_bursts_often_excuses_bursts_at_that_hour() -> None:
    random = Random(3)

    def lunch(age: Instant) -> float:
        days, rest = divmod(_AT - age, DAY)
        burst = 2.5 if days % 5 == 0 and rest // HOUR in (11, 12, 13) else 1
        return 1000 * burst * (1 + random.gauss(0, 0.02))

    history = _past(lunch)
    baseline = prepare(history, _AT, 15 * MINUTE)
    midnight = _AT - _AT % DAY
    noon, night = baseline.expect(midnight + 12 * HOUR + SLOT), baseline.expect(midnight + 3 * HOUR)
    assert noon is not None
    assert night is not None
    assert noon.upper / noon.expected > 2 > night.upper / night.expected


def test_daily_bursts_of_low_counts_raise_the_upper_bound_alone() -> None:
    random = Random(5)
    bursty = _past(lambda _: 40 + (150 if random.random() < 0.02 else 0))
    calm, found = _expected(_past(lambda _: 40), SLOT), _expected(bursty, SLOT)
    assert found.upper > 2 * calm.upper
    assert found.lower == pytest.approx(calm.lower, rel=0.1)


def test_amounts_are_given_the_room_that_few_large_operations_need() -> None:
    counts, amounts = _past(lambda _: 25), _past(lambda _: 25 * 12_000)
    few, tenge = _expected(counts), _expected(amounts, grain=12_000.0 * 3.25)
    assert tenge.lower / tenge.expected < few.lower / few.expected
    assert tenge.upper / tenge.expected > few.upper / few.expected
    assert _expected(amounts, grain=12_000.0).lower == pytest.approx(few.lower * 12_000)


def test_what_comes_after_the_preparation_changes_nothing_before_a_week_has_passed() -> None:
    history = _past(lambda _: 100)
    baseline = prepare(history, _AT, HOUR)
    before = baseline.expect(_AT + HOUR)
    for slot in range(8):
        history.put(_AT + slot * SLOT, 9_999)
    assert baseline.expect(_AT + HOUR) == before


def test_a_baseline_knows_its_window_and_when_it_was_prepared() -> None:
    baseline = prepare(_past(lambda _: 1), _AT, HOUR)
    assert isinstance(baseline, Baseline)
    assert (baseline.window, baseline.prepared) == (HOUR, _AT)


@pytest.mark.parametrize(
    ("now", "thresholds", "direction"),
    [
        (59, Thresholds(), Direction.DROP),
        (60, Thresholds(), None),
        (59, Thresholds(drop=0.5), None),
        (59, Thresholds(drop=None), None),
        (59, Thresholds(min_expected=101), None),
        (100, Thresholds(), None),
        (141, Thresholds(), Direction.SPIKE),
        (140, Thresholds(), None),
        (150, Thresholds(spike=0.5), None),
        (151, Thresholds(spike=0.6), None),
        (151, Thresholds(spike=None), None),
        (151, Thresholds(min_operations=152), None),
    ],
)
def test_an_alarm_needs_the_bound_the_share_and_the_count(
    now: float, thresholds: Thresholds, direction: Direction | None
) -> None:
    assert judge(now, Expectation(100.0, 60.0, 140.0, 5), thresholds) is direction
