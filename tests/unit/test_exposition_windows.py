"""Windows as gauges: the failure ratio, its lower bound, and what is there when nothing happened."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.windows import failures_of_ended, outcome_counts, wilson_lower
from exporter.model import MINUTE, Outcome, SeriesKey, WindowTally


@pytest.mark.parametrize(
    ("hits", "trials", "expected"),
    [
        # by an independent calculation with 30 digits (decimal module), z = 1.959964
        (0, 1, 0.0),
        (1, 1, 0.2065493),
        (1, 2, 0.0945312),
        (1, 10, 0.0178762),
        (5, 10, 0.2365931),
        (10, 10, 0.7224672),
        (8, 100, 0.0410935),
        (200, 1000, 0.1763778),
    ],
)
def test_lower_bound_agrees_with_known_values(hits: int, trials: int, expected: float) -> None:
    assert wilson_lower(hits, trials) == pytest.approx(expected, abs=1e-6)


def test_nothing_ended_has_no_bound() -> None:
    assert math.isnan(wilson_lower(0, 0))


@given(st.integers(1, 10**9).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_lower_bound_lies_between_nothing_and_the_ratio(case: tuple[int, int]) -> None:
    hits, trials = case
    assert 0 <= wilson_lower(hits, trials) <= hits / trials


@given(st.integers(1, 10**6))
def test_more_operations_at_the_same_ratio_are_surer(trials: int) -> None:
    assert wilson_lower(trials, 2 * trials) < wilson_lower(2 * trials, 4 * trials)


def test_pending_and_unknown_are_in_no_ratio() -> None:
    def key(outcome: Outcome) -> SeriesKey:
        return SeriesKey("wallet", outcome, "", "", "", "")

    counted: dict[Any, int] = {
        key(Outcome.SUCCESS): 3,
        key(Outcome.FAILURE): 1,
        key(Outcome.PENDING): 50,
        key(Outcome.UNKNOWN): 7,
    }
    tally = WindowTally(window=5 * MINUTE, operations=counted, amounts={}, largest={})

    assert failures_of_ended(tally) == (1, 4)
    assert outcome_counts(tally) == {"success": 3, "failure": 1, "pending": 50, "unknown": 7}
