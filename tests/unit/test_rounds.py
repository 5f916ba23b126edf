"""The judge of the tests with replicas, judged itself: made-up scrapes with a fault in them, and without."""

import pytest

from tests.end_to_end.rounds import Rounds

FIRST, SECOND, THIRD = 1, 2, 3


def page(*terminals: str, value: float = 5.0, outcome: str = "success") -> str:
    """What a replica answers that shows these terminals."""
    lines = ["# TYPE epay_operations counter"]
    lines += [
        f'epay_operations_total{{outcome="{outcome}",terminal="{each}",status="ok"}} {value}' for each in terminals
    ]
    return "\n".join([*lines, "epay_replicas{} 2", ""])


def judged(*rounds: dict[int, str]) -> Rounds:
    found = Rounds()
    for each in rounds:
        found.take(each)
    return found


def test_each_terminal_at_one_replica_is_no_violation() -> None:
    found = judged(*[{FIRST: page("a", "b"), SECOND: page("c")}] * 5)
    assert (found.violations, found.lost(), found.number) == ([], set(), 5)


def test_a_terminal_that_moves_may_be_at_both_in_one_round_and_at_nobody_for_some() -> None:
    found = judged(
        {FIRST: page("a", "b"), SECOND: page("c")},
        {FIRST: page("a", "b"), SECOND: page("b", "c")},
        {FIRST: page("a"), SECOND: page("b", "c")},
        {FIRST: "", SECOND: page("b", "c")},
        {FIRST: "", SECOND: page("a", "b", "c")},
    )
    assert (found.violations, found.lost()) == ([], set())


def test_a_terminal_at_two_replicas_in_two_rounds_in_a_row_is_a_violation() -> None:
    found = judged(*[{FIRST: page("a", "b"), SECOND: page("b")}] * 2)
    assert found.violations == ["round 2: b at [1, 2], and in the round before"]


def test_two_replicas_that_show_one_terminal_in_turns_are_a_violation() -> None:
    found = judged({FIRST: page("a")}, {SECOND: page("a")}, {FIRST: page("a")})
    assert found.violations == ["round 3: a at [1, 2, 1] in a row"]


def test_a_terminal_that_goes_back_after_it_was_at_nobody_is_none() -> None:
    found = judged({FIRST: page("a")}, {SECOND: page("a")}, {FIRST: "", SECOND: ""}, {FIRST: page("a")})
    assert found.violations == []


@pytest.mark.parametrize("by", [FIRST, THIRD])
def test_a_counter_that_goes_back_is_a_violation_at_whichever_replica(by: int) -> None:
    found = judged({FIRST: page("a", value=7)}, {by: page("a", value=6)})
    (violation,) = found.violations
    assert violation.startswith("round 2: epay_operations_total{")
    assert violation.endswith("from 7.0 to 6.0")


def test_a_counter_that_comes_back_lower_after_it_was_at_nobody_is_a_violation() -> None:
    found = judged({FIRST: page("a", value=7)}, {FIRST: ""}, {SECOND: page("a", value=0)})
    assert len(found.violations) == 1


def test_a_series_that_nobody_shows_in_the_end_is_lost_though_its_terminal_is_there() -> None:
    both = page("a") + page("a", outcome="failure")
    found = judged({FIRST: both}, {FIRST: page("a")})
    (series,) = found.lost()
    assert 'outcome="failure"' in series


def test_a_terminal_that_nobody_shows_in_the_end_is_lost() -> None:
    found = judged({FIRST: page("a"), SECOND: page("b")}, {FIRST: page("a"), SECOND: ""})
    (series,) = found.lost()
    assert 'terminal="b"' in series
    assert found.lost(["b"]) == set()
