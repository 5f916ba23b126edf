"""The proof in small: what the alarms find at five volumes, and how seldom they are wrong."""

import pytest

from benchmarks.backtest import TIERS, score


@pytest.mark.parametrize("tier", ["2 a minute", "40 a minute", "1000 a minute"])
def test_outages_and_half_drops_are_all_found_where_twenty_operations_are_expected(tier: str) -> None:
    found = score(TIERS[tier], range(3))
    assert found.happened == {"outage": 4, "half": 4, "spike": 4}
    assert (found.found["outage"], found.found["half"]) == (4, 4)
    assert found.false / found.weeks <= 0.3


@pytest.mark.parametrize("tier", ["1 a day", "1 an hour"])
def test_low_volumes_never_cry_wolf(tier: str) -> None:
    found = score(TIERS[tier], range(3))
    assert (found.false, sum(found.happened.values())) == (0, 0)
