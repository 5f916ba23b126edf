"""Running totals at step boundaries: complete, ascending, and from a zero on that `increase()` can start from."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from exporter.backfill import Grid
from exporter.backfill.samples import running_totals
from exporter.model import MINUTE, SECOND
from tests.builders import T0

GRID = Grid(T0, T0 + 4 * MINUTE, MINUTE)


def samples(*increments: tuple[int, int], grid: Grid = GRID, from_start: bool = False) -> list[tuple[int, int]]:
    """Seconds after the start, and totals."""
    moved = [(T0 + at, amount) for at, amount in increments]
    return [((at - T0) // SECOND, total) for at, total in running_totals(moved, grid, from_start=from_start)]


def test_a_series_begins_with_zero_one_step_before_its_first_operation() -> None:
    assert samples((130 * SECOND, 5)) == [(120, 0), (180, 5), (240, 5)]


def test_an_operation_of_the_first_step_finds_its_zero_at_the_start() -> None:
    assert samples((0, 1)) == [(0, 0), (60, 1), (120, 1), (180, 1), (240, 1)]


def test_an_operation_at_a_boundary_belongs_to_the_step_that_begins_there() -> None:
    assert samples((MINUTE - 1, 1), (MINUTE, 10)) == [(0, 0), (60, 1), (120, 11), (180, 11), (240, 11)]


def test_the_last_boundary_is_the_end_even_where_the_step_does_not_fit() -> None:
    grid = Grid(T0, T0 + 130 * SECOND, MINUTE)
    assert samples((125 * SECOND, 1), grid=grid) == [(120, 0), (130, 1)]


def test_a_step_longer_than_the_history_has_a_start_and_an_end() -> None:
    assert samples((1, 1), grid=Grid(T0, T0 + SECOND, MINUTE)) == [(0, 0), (1, 1)]


def test_nothing_comes_of_nothing() -> None:
    assert samples() == []


def test_an_expected_series_is_zero_from_the_start() -> None:
    assert samples(from_start=True) == [(0, 0), (60, 0), (120, 0), (180, 0), (240, 0)]


@given(
    length=st.integers(1, 500),
    step=st.integers(1, 300),
    offsets=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 10**12)), max_size=30),
    from_start=st.booleans(),
)
def test_every_total_is_the_sum_of_what_came_before_it(
    length: int, step: int, offsets: list[tuple[float, int]], from_start: bool
) -> None:
    grid = Grid(T0, T0 + length * SECOND, step * SECOND)
    increments = sorted((T0 + int(share * length * SECOND), amount) for share, amount in offsets)
    told = list(running_totals(iter(increments), grid, from_start=from_start))

    assert told == [(at, sum(amount for created, amount in increments if created < at)) for at, _ in told]
    moments = [at for at, _ in told]
    assert moments == sorted(set(moments))
    assert all(later - earlier <= grid.step for earlier, later in pairwise(moments))
    if increments or from_start:
        assert told[0][1] == 0
        assert told[-1] == (grid.end, sum(amount for _, amount in increments))
    else:
        assert told == []
