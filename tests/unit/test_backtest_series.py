"""A CSV as people have them: what is read, what is left out and said, what is refused with file, line and remedy."""

import pytest

from exporter.backtest import Series, SeriesInvalid, read_series
from exporter.baseline import MISSING
from exporter.model import HOUR, MINUTE, SECOND

_MARCH = 1_772_323_200 * SECOND  # 2026-03-01T00:00:00Z


def _read(*lines: str, header: str = "timestamp,value", step: int = HOUR) -> Series:
    return read_series([f"{line}\n" for line in (header, *lines)], "a.csv", step)


def _refused(*lines: str, header: str = "timestamp,value", step: int = HOUR) -> str:
    with pytest.raises(SeriesInvalid) as caught:
        _read(*lines, header=header, step=step)
    return str(caught.value)


@pytest.mark.parametrize(
    "header", ["timestamp,value", '"TimeStamp","Value"', "\ufeffTimestamp , VALUE", '\ufeff"timestamp",value']
)
def test_the_header_may_be_written_in_any_way(header: str) -> None:
    assert _read("2026-03-01T00:00:00Z,5", header=header).points == 1


def test_other_columns_and_empty_lines_are_passed_over() -> None:
    series = _read("a,2026-03-01T00:00:00Z,5,1", "", " , ,,", header="id,timestamp,value,label")
    assert list(series.history.values) == [5]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T00:00:00Z",
        "2026-03-01T05:00:00+05:00",
        "2026-03-01 00:00:00",
        "2026-03-01 00:00",
        "2026-03-01",
        "2026-03-01T00:00:00.000Z",
        "1772323200",
        "1772323200.0",
        "1772323200000",
    ],
)
def test_a_timestamp_may_be_written_in_any_way(text: str) -> None:
    assert _read(f"{text},5").history.start == _MARCH


def test_points_in_any_order_with_holes_fall_on_their_steps() -> None:
    series = _read(
        "2026-03-01T04:00:00Z,4", "2026-03-01T00:00:00Z,0", "2026-03-01T01:00:00Z,1.5", "2026-03-01T02:00:00Z,2"
    )
    assert (series.history.start, series.history.step) == (_MARCH, HOUR)
    assert list(series.history.values) == [0, 1.5, 2, MISSING, 4]
    assert series.points == 4
    (note,) = series.notes
    assert note == (
        "a.csv: 1 step(s) without a line, the longest gap from 2026-03-01T03:00:00Z to 2026-03-01T04:00:00Z: taken as "
        "not known, and not judged; where there was nothing, write lines with 0"
    )


def test_of_several_gaps_the_longest_is_named() -> None:
    hours = (0, 1, 2, 4, 5, 6, 10, 11, 13, 14)
    (note,) = _read(*(f"2026-03-01T{hour:02}:00:00Z,1" for hour in hours)).notes
    assert "5 step(s) without a line, the longest gap from 2026-03-01T07:00:00Z to 2026-03-01T10:00:00Z" in note


def test_points_a_little_beside_their_step_are_taken_for_it() -> None:
    series = _read("2026-03-01T00:00:00Z,1", "2026-03-01T01:00:20Z,2", "2026-03-01T01:59:50Z,3")
    assert list(series.history.values) == [1, 2, 3]


def test_what_is_left_out_is_counted_and_said() -> None:
    series = _read(
        "2026-03-01T00:00:00Z,1",
        "2026-03-01T01:00:00Z,",
        "2026-03-01T02:00:00Z,NaN",
        "2026-03-01T03:00:00Z,1e999",
        "2026-03-01T04:00:00Z,-7",
        "2026-03-01T05:00:00Z,5",
        "2026-03-01T05:00:00Z,6",
    )
    assert list(series.history.values) == [1, MISSING, MISSING, MISSING, MISSING, 6]
    assert series.points == 2
    assert series.notes == (
        "a.csv: 3 point(s) without a value: left out",
        "a.csv: 1 point(s) negative: left out",
        "a.csv: 1 point(s) for a step that has one already: the later line counts",
    )


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("2026-03-01T00:00:00Z,5", "soon,5"), 'a.csv:3: "soon" is not a timestamp: write 2026-'),
        (("9" * 400 + ",5",), "is not a timestamp"),
        (("2026-03-01T00:00:00Z,many",), 'a.csv:2: "many" is not a value: write a number, or nothing'),
        (("2026-03-01T00:00:00Z",), "a.csv:2: 1 column(s), the header has 2"),
        (
            ("2026-03-01T00:00:00Z,5", "2026-03-01T01:00:00Z,1,234"),
            "a.csv:3: 3 columns, the header has 2: write numbers",
        ),
        (('2026-03-01T00:00:00Z,"1,234"',), 'a.csv:2: "1,234" is not a value: write a number, or nothing (1234.5'),
        (("2026-03-01T00:00:00Z,1_000",), 'a.csv:2: "1_000" is not a value: write a number'),
        ((), "a.csv: no points"),
        (("2026-03-01T00:00:00Z,nan",), "a.csv: no points"),
        (('"2026-03-01T00:00:00Z" x,5',), "a.csv:2: not CSV"),
        (("2026-03-01T00:00:00Z,1", "2026-03-01T01:00:00Z,1", "1970-01-01T00:00:00Z,1"), "a.csv:"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(lines: tuple[str, ...], text: str) -> None:
    assert text in _refused(*lines)


@pytest.mark.parametrize("header", ["", "time,value", "timestamp;value"])
def test_another_header_is_refused(header: str) -> None:
    assert 'a.csv:1: the header must be "timestamp,value"' in _refused("1,2", header=header)


@pytest.mark.parametrize("step", [5 * MINUTE, 2 * HOUR])
def test_a_step_that_is_not_the_points_own_is_refused_with_theirs(step: int) -> None:
    lines = [f"{1772323200 + 3600 * hour},1" for hour in range(5)]
    assert _refused(*lines, step=step).endswith("give --step=1h")


def test_a_timestamp_centuries_off_does_not_fill_the_memory() -> None:
    lines = [f"{1772323200 + 60 * minute},1" for minute in range(9)]
    assert "look for a wrong timestamp" in _refused(*lines, "4772323200,1", step=MINUTE)
