"""Rows of a segment: as they were written, however they are; and nothing else is taken for one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import HOUR
from exporter.state.sqlite.packing import FOLLOWED, Damaged, Row, Segment, apart, each_id, packed, rows, segment

_rows = st.lists(
    st.tuples(
        st.binary(min_size=16, max_size=16),
        st.integers(0, HOUR - 1),
        st.integers(1, 70_000),
        st.one_of(st.just(0), st.integers(0, 2**32), st.integers(-(2**63), 2**63 - 1)),
        st.integers(0, 3),
        st.integers(0, 300),
    ),
    min_size=1,
    max_size=30,
)
ROW: Row = (b"0123456789abcdef", 7, 1, 20_000, 0, 0)


@given(some=_rows)
def test_rows_written_in_a_hurry_come_back_in_their_order(some: list[Row]) -> None:
    written = segment(*zip(*some, strict=True))

    assert list(rows(written)) == some
    assert written.followed == sum(row[4] == FOLLOWED for row in some)


@given(some=_rows)
def test_packed_rows_come_back_in_the_order_of_time(some: list[Row]) -> None:
    assert list(rows(packed(some))) == sorted(some, key=lambda row: row[1])


@given(some=_rows)
def test_what_is_followed_stands_behind_the_rest(some: list[Row]) -> None:
    found = list(apart(some))

    assert sorted(row for each in found for row in rows(each)) == sorted(some)
    assert [each.followed for each in found if each.followed] in ([], [found[-1].records])


def test_nothing_is_no_segment() -> None:
    assert list(apart([])) == []


def test_a_packed_operation_takes_little_more_than_its_id() -> None:
    many = [(bytes([n % 251]) * 16, n * 1_000_000, n % 7 + 1, n % 50 * 1000, 0, 0) for n in range(3000)]

    assert len(packed(many).columns) < 4 * len(many)
    assert len(segment(*zip(*many, strict=True)).columns) < 10 * len(many)


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_refused(amount: int) -> None:
    with pytest.raises(OverflowError):
        packed([(*ROW[:3], amount, *ROW[4:])])


def test_an_id_of_another_length_is_refused_before_it_is_written() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        packed([(b"short", *ROW[1:])])


@pytest.mark.parametrize(
    "changed",
    [
        {"ids": b"0123456789"},
        {"records": 2},
        {"columns": b""},
        {"columns": b"not zlib"},
        {"packed": 0},
        {"packed": 0, "columns": b"\x03\x01\x01\x01\x01"},
        {"packed": 0, "columns": b"\x01\x01\x01\x01\x01"},
        {"packed": 0, "columns": b"\x00\x00\x00"},
    ],
)
def test_what_is_no_segment_is_damaged(changed: dict[str, Any]) -> None:
    whole: Segment = packed([ROW])
    with pytest.raises(Damaged):
        list(rows(whole._replace(**changed)))


def test_ids_that_are_cut_short_are_damaged() -> None:
    assert list(each_id(ROW[0] * 2)) == [ROW[0], ROW[0]]
    with pytest.raises(Damaged):
        each_id(ROW[0] + b"0")
