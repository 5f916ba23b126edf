"""What the bank has not lived through yet cannot have been read."""

from exporter.app.clock import BankClock, Listeners
from exporter.model import HOUR, MINUTE, SECOND, RequestMade
from tests.adapters.fakes import FakeClock, Recorder
from tests.builders import T0


def _answered(skew: float | None, account: str = "main") -> RequestMade:
    return RequestMade(account, "operations", "success", 0.1, skew)


def test_a_clock_of_ours_that_is_ahead_is_held_back_to_the_bank_s() -> None:
    clock = BankClock("main", FakeClock())
    clock.observe(_answered(-300.0))

    assert clock() == T0 - 5 * MINUTE


def test_a_bank_that_is_ahead_or_about_right_is_left_alone() -> None:
    clock = BankClock("main", FakeClock())
    for skew in (300.0, 1.5, -1.5, None):
        clock.observe(_answered(skew))
        assert clock() == T0


def test_a_date_that_no_clock_would_show_is_believed_for_an_hour_only() -> None:
    clock = BankClock("main", FakeClock())
    clock.observe(_answered(-1e6))

    assert clock() == T0 - HOUR


def test_another_account_s_bank_says_nothing_about_ours_and_a_mended_clock_is_noticed() -> None:
    clock, recorder = BankClock("main", FakeClock()), Recorder()
    listeners = Listeners(clock, recorder)
    listeners.observe(_answered(-60.0, "other"))
    assert clock() == T0
    listeners.observe(_answered(-60.0))
    assert clock() == T0 - 60 * SECOND
    listeners.observe(_answered(0.0))
    assert clock() == T0
    assert len(recorder.events) == 3
