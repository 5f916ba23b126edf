"""A series replayed: alarms where a person would see them, none where not, and none that knows the future."""

from array import array
from collections.abc import Callable
from math import pi, sin
from random import Random

import pytest

from exporter.backtest import Alarm, Rules, replay
from exporter.baseline import MISSING, WEEK, Direction, History, Thresholds
from exporter.model import DAY, HOUR, MINUTE, Duration, Instant

_START = 2_800 * WEEK


def _series(volume: Callable[[Instant], float], weeks: float = 6, step: Duration = HOUR) -> History:
    return History(_START, step, array("d", (volume(place * step) for place in range(round(weeks * WEEK / step)))))


def _daily(after: Instant) -> float:
    return 1000 * (1.2 + sin(2 * pi * (after % DAY) / DAY))


def _disturbed(begin: Instant, end: Instant, times: float, base: Callable[[Instant], float] = _daily) -> History:
    return _series(lambda after: base(after) * (times if begin <= after < end else 1))


_EVENT = 4 * WEEK + 2 * DAY + 9 * HOUR


@pytest.mark.parametrize(("times", "direction"), [(0.0, Direction.DROP), (0.5, Direction.DROP), (2.0, Direction.SPIKE)])
def test_an_event_is_one_alarm_from_its_first_hour_to_its_last(times: float, direction: Direction) -> None:
    history = _disturbed(_EVENT, _EVENT + 6 * HOUR, times)
    assert replay(history) == (Alarm(_START + _EVENT, _START + _EVENT + 6 * HOUR, direction),)


@pytest.mark.parametrize("times", [0.0, 0.45, 2.2])
def test_a_day_out_of_the_ordinary_alarms_for_that_day_and_not_in_the_weeks_after(times: float) -> None:
    alarms = replay(_disturbed(_EVENT, _EVENT + DAY, times))
    assert alarms[0].start == _START + _EVENT
    assert alarms[-1].end <= _START + _EVENT + DAY
    assert len({alarm.direction for alarm in alarms}) == 1


@pytest.mark.parametrize("step", [5 * MINUTE, 30 * MINUTE, HOUR])
@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize(
    "shape",
    [
        lambda _: 45.0,
        lambda _: 0.0,
        _daily,
        lambda after: 80.0 if 9 * HOUR <= after % DAY < 18 * HOUR else 20.0,
        lambda after: 80.0 if 9 * HOUR <= after % DAY < 18 * HOUR and after % WEEK < 5 * DAY else 20.0,
    ],
)
def test_a_clean_pattern_alarms_nobody(shape: Callable[[Instant], float], noise: float, step: Duration) -> None:
    random = Random(1)
    assert replay(_series(lambda after: shape(after) * (1 + random.gauss(0, noise)), 4, step)) == ()


def test_there_is_no_alarm_before_the_fourth_week() -> None:
    early = _series(lambda after: 0 if 2 * WEEK + DAY < after < 3 * WEEK else 100, 3)
    assert replay(early) == ()


@pytest.mark.parametrize("weeks", [0, 0.01, 2])
def test_a_short_series_has_no_alarm(weeks: float) -> None:
    assert replay(_series(_daily, weeks)) == ()


def test_what_comes_later_changes_no_alarm_of_before() -> None:
    random = Random(7)
    wild = {place: random.choice((0.0, 0.5, 2.0)) for place in range(7 * 7 * 24) if place % 50 == 0}
    whole = _series(lambda after: _daily(after) * wild.get(after // HOUR, 1.0), 7)
    cut = History(whole.start, whole.step, whole.values[: round(5.5 * WEEK / HOUR)])
    alarms = replay(cut)
    assert alarms
    assert alarms[:-1] == replay(whole)[: len(alarms) - 1]


def test_at_a_step_of_five_minutes_a_breach_must_last() -> None:
    def brief(length: Duration) -> History:
        return _series(lambda after: 0 if _EVENT <= after < _EVENT + length else 100, 5, 5 * MINUTE)

    assert replay(brief(10 * MINUTE)) == ()
    (alarm,) = replay(brief(HOUR))
    assert alarm.start - _START - _EVENT <= 25 * MINUTE


@pytest.mark.parametrize(("times", "base"), [(0.0, 100), (0.05, 100), (0.5, 1000), (0.0, 6)])
def test_an_outage_ends_with_the_quarter_of_an_hour_and_not_with_the_hour(times: float, base: float) -> None:
    history = _series(lambda after: base * (times if _EVENT <= after < _EVENT + 2 * HOUR else 1), 5, 5 * MINUTE)
    (alarm,) = replay(history)
    assert 0 <= alarm.end - _START - _EVENT - 2 * HOUR <= 15 * MINUTE


def test_outages_that_flap_are_still_one_alarm() -> None:
    def flapping(after: Instant) -> float:
        return 0 if _EVENT <= after < _EVENT + 8 * HOUR and after % HOUR < 40 * MINUTE else 100

    (alarm,) = replay(_series(flapping, 5, 5 * MINUTE))
    assert (alarm.start - _START - _EVENT, alarm.end - _START - _EVENT) == (20 * MINUTE, 7 * HOUR + 45 * MINUTE)


def test_what_a_long_window_finds_alone_is_told_for_as_long_as_it_lasts() -> None:
    random = Random(4)
    history = _series(
        lambda after: sum(random.random() < (0.25 if _EVENT <= after < _EVENT + 8 * HOUR else 0.5) for _ in range(24)),
        6,
        5 * MINUTE,
    )
    alarm = max(replay(history), key=lambda each: each.end - each.start)
    assert alarm.end - alarm.start >= 5 * HOUR
    assert abs(alarm.end - _START - _EVENT - 8 * HOUR) <= HOUR


def test_a_terminal_that_works_once_an_hour_is_out_for_as_long_as_it_is() -> None:
    """Between its quarters of an hour nothing is expected, and nothing says that it is back."""

    def hourly(after: Instant) -> float:
        return 100 if after % HOUR == 0 and not _EVENT <= after < _EVENT + 6 * HOUR else 0

    (alarm,) = replay(_series(hourly, 5, 15 * MINUTE))
    assert (alarm.start - _START - _EVENT) <= HOUR
    assert abs(alarm.end - _START - _EVENT - 6 * HOUR) <= HOUR


def test_a_silence_that_was_told_is_not_told_again_by_the_hour_when_it_is_over() -> None:
    """Of 12 in a quarter of an hour, no drop is told but the hour's; a silence is, and the hour is not judged after."""

    def brief(after: Instant) -> float:
        return 0 if _EVENT <= after < _EVENT + 40 * MINUTE else 4

    history = _series(brief, 5, 5 * MINUTE)
    assert replay(history) == ()
    (alarm,) = replay(history, Rules(thresholds=Thresholds(silent=None)))
    assert alarm.start - _START - _EVENT >= 40 * MINUTE


def test_a_terminal_that_lost_half_of_its_traffic_for_good_alarms_for_some_days_only() -> None:
    history = _series(lambda after: _daily(after) * (0.5 if after >= _EVENT else 1), 8)
    alarms = replay(history)
    assert alarms[0].start == _START + _EVENT
    assert 4 * DAY <= alarms[-1].end - _START - _EVENT <= 6 * DAY


def test_a_total_outage_is_told_for_as_long_as_it_lasts() -> None:
    (alarm,) = replay(_disturbed(_EVENT, _EVENT + 10 * DAY, 0.0))
    assert (alarm.start, alarm.end) == (_START + _EVENT, _START + _EVENT + 10 * DAY)


@pytest.mark.parametrize("step", [5 * MINUTE, 15 * MINUTE, HOUR])
@pytest.mark.parametrize("often", [0.01, 0.02, 0.05])
def test_bursts_at_any_hour_are_one_false_alarm_a_week_at_most(often: float, step: Duration) -> None:
    random = Random(f"{often}{step}")
    history = _series(lambda _: random.choice((20, 40, 80)) if random.random() < often else 0, 8, step)
    assert len(replay(history)) <= 5


def test_missing_points_are_neither_a_drop_nor_judged() -> None:
    history = _series(lambda after: MISSING if _EVENT <= after < _EVENT + 9 * HOUR else 1000)
    assert replay(history) == ()


def test_episodes_close_together_are_one_and_a_change_of_direction_is_another() -> None:
    factors = {0: 0.0, 2: 0.0, 4: 3.0}
    history = _series(lambda after: 1000 * factors.get((after - _EVENT) // HOUR, 1.0))
    first = _START + _EVENT
    assert replay(history) == (
        Alarm(first, first + 3 * HOUR, Direction.DROP),
        Alarm(first + 4 * HOUR, first + 5 * HOUR, Direction.SPIKE),
    )


def test_thresholds_of_a_terminal_are_its_own() -> None:
    history = _disturbed(_EVENT, _EVENT + 6 * HOUR, 0.5)
    assert replay(history, Rules(thresholds=Thresholds(drop=None))) == ()
    assert replay(history, Rules(thresholds=Thresholds(min_expected=1e6))) == ()


def test_a_step_that_does_not_divide_an_hour_is_replayed_in_whole_steps() -> None:
    history = _series(lambda after: 0 if _EVENT <= after < _EVENT + 8 * HOUR else 1000, 6, 7 * MINUTE)
    (alarm,) = replay(history)
    assert alarm.direction is Direction.DROP
