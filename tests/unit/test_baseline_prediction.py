"""What is expected: what bends it, what does not, and how wide the bounds are."""

from array import array
from collections.abc import Callable
from random import Random

import pytest

from exporter.baseline import (
    MISSING,
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


def _since(days: float, times: float, weeks: int = 5) -> History:
    return _past(lambda age: 100 * times if age <= days * DAY else 100, weeks)


@pytest.mark.parametrize("weeks", [4, 5])
@pytest.mark.parametrize("times", [0.5, 2.0])
@pytest.mark.parametrize("days", [4, 6, 7, 8.5, 11, 13])
def test_a_new_level_is_believed_after_four_days_beside_the_old_one(days: float, times: float, weeks: int) -> None:
    found = _expected(_since(days, times, weeks))
    assert found.expected == pytest.approx(400 * times)
    assert judge(400 * times, found, Thresholds()) is None
    assert judge(400, found, Thresholds()) is None, "the old level may come back"
    assert judge(0, found, Thresholds()) is Direction.DROP


@pytest.mark.parametrize("times", [0.5, 2.0])
def test_two_weeks_confirm_a_new_level_and_the_old_one_is_out_of_the_ordinary(times: float) -> None:
    found = _expected(_since(15, times))
    assert found.expected == pytest.approx(400 * times)
    assert judge(400, found, Thresholds()) is not None


@pytest.mark.parametrize(("days", "times"), [(3.5, 0.5), (3, 2.0), (7, 0.0), (7, 0.2), (7, 5.0), (13, 0.0)])
def test_what_is_too_new_or_too_far_off_is_no_new_level(days: float, times: float) -> None:
    found = _expected(_since(days, times))
    assert found.expected == pytest.approx(400)
    assert judge(0, found, Thresholds()) is Direction.DROP


def test_days_that_disagree_are_no_new_level() -> None:
    levels = (0.45, 0.69, 0.45, 0.69)
    found = _expected(_past(lambda age: 100 * levels[(age - 1) // DAY] if age <= 4 * DAY else 100))
    assert found.expected == pytest.approx(400, rel=0.1)


def test_a_new_level_of_a_few_operations_a_day_may_be_chance() -> None:
    found = _expected(_past(lambda age: (1 if age % HOUR == 0 else 0) * (1 if age <= 7 * DAY else 2)), DAY)
    assert found.expected == pytest.approx(48)


def test_a_total_stop_is_below_the_lower_bound_where_enough_is_expected() -> None:
    wild = _past(_noisy(30, 0.9))
    found = _expected(wild, HOUR)
    assert found.expected >= 20
    assert found.lower >= 0.0999 * found.expected
    assert judge(0, found, Thresholds(min_expected=0)) is Direction.DROP


def test_a_terminal_that_is_empty_on_two_days_of_every_week_has_no_lower_bound() -> None:
    random = Random(2)
    empty = {(day, random.randrange(10, 16)) for day in range(40) if random.random() < 0.6}
    halting = _past(lambda age: 0 if (age // DAY, age % DAY // HOUR) in empty else 100)
    found = _expected(halting, at=_AT + 13 * HOUR)
    assert found.expected == pytest.approx(400, rel=0.05)
    assert found.lower == 0
    night = _expected(halting, at=_AT + 3 * HOUR)
    assert night.lower >= 0.1 * night.expected, "it never stops at night"


def test_outages_that_come_once_a_week_make_nobody_blind() -> None:
    history = _past(lambda age: 0 if age % WEEK < 3 * DAY <= age % WEEK + 6 * HOUR else 100)
    found = _expected(history, at=_AT + 6 * HOUR)
    assert judge(0, found, Thresholds()) is Direction.DROP


def test_an_outage_of_ten_days_does_not_become_normal() -> None:
    found = _expected(_past(lambda age: 0 if age <= 10 * DAY else 100), at=_AT + SLOT)
    assert found.expected == pytest.approx(400)
    assert judge(0, found, Thresholds()) is Direction.DROP


def test_bursts_that_met_at_one_time_of_two_weeks_are_not_missed_there() -> None:
    found = _expected(_past(lambda age: 80 if age % WEEK < 2 * SLOT and age < 3 * WEEK else 0, weeks=4), SLOT)
    assert (found.expected, found.lower) == (0, 0)


def test_what_is_not_known_around_this_time_is_passed_over() -> None:
    def met(age: Instant) -> int:
        if age % WEEK < 2 * SLOT and age < 3 * WEEK:
            return 80
        return MISSING if age == WEEK + 3 * SLOT else 0

    assert _expected(_past(met, weeks=4), SLOT).expected == 0


def test_what_comes_every_week_at_its_time_is_expected_there_however_short_it_is() -> None:
    found = _expected(_past(lambda age: 1000 if age % WEEK < 2 * SLOT else 100), SLOT)
    assert found.expected == pytest.approx(1000, rel=0.05)


@pytest.mark.parametrize("often", [1, 2])
def test_a_burst_of_most_weeks_is_no_spike_and_one_of_a_single_week_is(often: int) -> None:
    weeks = range(1, 6, 3 - often)
    times = {week * WEEK - 2 * DAY - week * 5 * SLOT for week in weeks} if often == 2 else {2 * WEEK - 2 * DAY}
    history = _past(lambda age: 90 if age in times else 4)
    found = _expected(history, SLOT, _AT + 5 * DAY)
    assert (judge(90, found, Thresholds()) is Direction.SPIKE) is (often == 1)


def test_bursts_at_one_time_of_the_day_leave_another_time_as_it_was() -> None:
    history = _past(lambda age: 90 if (_AT - age) % DAY == 12 * HOUR and age // DAY % 5 == 0 else 4)
    midnight = _AT - _AT % DAY
    noon, night = _expected(history, SLOT, midnight + 13 * HOUR), _expected(history, SLOT, midnight + HOUR)
    assert judge(80, noon, Thresholds()) is None
    assert judge(80, night, Thresholds()) is Direction.SPIKE


def test_half_is_missed_at_a_lively_terminal_that_never_halves() -> None:
    found = _expected(_past(_noisy(3_000, 0.25)))
    assert 0.1 < 1 - found.lower / found.expected < 0.5


def test_where_few_grains_are_expected_a_stop_may_be_chance() -> None:
    rare = prepare(_past(lambda _: 30), _AT, 15 * MINUTE, grain=10.0).expect(_AT)

    assert rare is not None
    assert rare.lower == 0


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


def test_thresholds_in_force_are_those_of_the_last_layer_and_off_is_none() -> None:
    found = Thresholds.in_force({"volume_drop": {"warning": 0.6}}, {"terminal_silent": {"critical": 30}})
    assert found == Thresholds(drop=0.6, silent=30)
    assert Thresholds.in_force({"volume_drop": None, "volume_spike": None, "terminal_silent": None}) == Thresholds(
        drop=None, spike=None, silent=None
    )


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


def test_a_clock_that_stands_before_all_that_is_known_expects_nothing() -> None:
    history = _past(lambda _: 100)
    before = history.start - 3 * WEEK
    assert prepare(history, before, HOUR).expect(before) is None
