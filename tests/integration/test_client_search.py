"""What the list is asked, and when a reading is complete."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.bank import SpanTooLarge
from exporter.client.search import bounds
from exporter.config.records import Paging, Poll, TerminalFilter
from exporter.model import SECOND, Assignment, Reading, Rejection, Span
from tests.client_bank import ASSIGNMENT, NOW, POLL, SPAN, Desk, FakeBank, json_answer, row, run

SWEEP = ASSIGNMENT._replace(sweep=True)


def read(bank: FakeBank, assignment: Assignment = ASSIGNMENT, **changes: Any) -> Reading:
    async def scenario() -> Reading:
        return await Desk(bank, **changes).client.read(assignment)

    return run(scenario())


def ids(reading: Reading) -> list[int]:
    return sorted(UUID(bytes=operation.id).int for operation in reading.operations)


def test_the_search_is_the_documented_one() -> None:
    bank = FakeBank()
    reading = read(bank)
    assert reading == Reading(ASSIGNMENT, (), (), 0, complete=True)
    (_, request), *_ = bank.requests
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("epay-exporter/")
    assert bank.bodies == [
        {
            "paging": {"page": 0, "size": 500},
            "searchParameters": [
                {
                    "name": "created_at",
                    "method": "between",
                    "searchParameter": ["2023-11-14T22:12:19.999Z", "2023-11-14T22:13:20.001Z"],
                },
                {"name": "terminal_id", "method": "in", "searchParameter": ["98151552", "uuid-of-shop"]},
            ],
            "orderParameters": [
                {"field": "created_at", "typeOrder": "ASC"},
                {"field": "id", "typeOrder": "ASC"},
            ],
        }
    ]


def test_the_account_says_what_the_period_is_called_and_who_picks_the_terminals() -> None:
    bank = FakeBank()
    read(bank, period_field="created_date", terminal_filter=TerminalFilter.CLIENT)
    (body,) = bank.bodies
    assert [parameter["name"] for parameter in body["searchParameters"]] == ["created_date"]
    assert [order["field"] for order in body["orderParameters"]] == ["created_date", "id"]


@given(st.integers(0, 4 * 10**15), st.integers(0, 10**12))
def test_bounds_take_in_the_whole_span_whether_or_not_they_are_inclusive(start: int, length: int) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    first, last = (
        (datetime.fromisoformat(text) - epoch) // timedelta(microseconds=1)
        for text in bounds(Span(start, start + length))
    )
    assert start - 2_000 < first < start
    assert start + length < last < start + length + 2_001
    assert all(len(text) == 24 for text in bounds(Span(start, start + length)))


def test_records_of_other_terminals_and_rejected_ones_are_handed_on() -> None:
    rows = [row(1), row(2, terminal="elsewhere"), row(3, amount=-1)]
    reading = read(FakeBank(rows))
    assert reading.complete
    assert [operation.number for operation in reading.operations] == ["98151552", "elsewhere"]
    assert reading.rejections == (Rejection(UUID(int=3).bytes, "amount"),)


@pytest.mark.parametrize("count", [0, 1, 39, 40, 41, 80, 130])
def test_a_bank_that_caps_the_page_is_read_to_the_end_by_what_was_received(count: int) -> None:
    bank = FakeBank([row(n) for n in range(count)], cap=40)
    reading = read(bank)
    assert (reading.complete, reading.total_count, ids(reading)) == (True, count, list(range(count)))
    assert bank.pages == [(n, 500) for n in range(0, max(count, 1), 40)]


@pytest.mark.parametrize("count", [0, 1, 39, 40, 41, 80, 130])
def test_pages_by_index_adopt_the_banks_cap_from_the_first_page_on(count: int) -> None:
    bank = FakeBank([row(n) for n in range(count)], cap=40, by_index=True)
    reading = read(bank, paging=Paging.PAGE_INDEX)
    assert (reading.complete, reading.total_count, ids(reading)) == (True, count, list(range(count)))
    assert bank.pages == [(0, 500), *((n, 40) for n in range(1, -(-count // 40)))]


def test_pages_by_index_begin_again_where_a_later_one_is_cut_short() -> None:
    bank = FakeBank([row(n) for n in range(100)], cap=40, by_index=True)

    def shrinking(request: httpx.Request) -> httpx.Response:
        if len(bank.requests) == 2:
            bank.cap = 10
        return bank.page(request)

    bank.listing = shrinking
    reading = read(bank, paging=Paging.PAGE_INDEX)
    assert (reading.complete, ids(reading)) == (True, list(range(100)))
    assert bank.pages == [(0, 500), (1, 40), *((n, 10) for n in range(10))]


def test_rows_that_appear_while_paging_are_read_in_a_second_pass() -> None:
    bank = FakeBank([row(n) for n in range(10, 30)], cap=10)

    def growing(request: httpx.Request) -> httpx.Response:
        answer = bank.page(request)
        if len(bank.requests) == 1:
            bank.rows.insert(0, row(1))  # an older one: everything moves on by one
        return answer

    bank.listing = growing
    reading = read(bank)
    assert (reading.complete, reading.total_count) == (True, 21)
    assert ids(reading) == [1, *range(10, 30)]


def test_rows_that_appear_at_the_end_need_no_second_pass() -> None:
    bank = FakeBank([row(n) for n in range(20)], cap=10)

    def growing(request: httpx.Request) -> httpx.Response:
        if len(bank.requests) == 2:
            bank.rows.append(row(20))
        return bank.page(request)

    bank.listing = growing
    assert read(bank).complete
    assert [page for page, _ in bank.pages] == [0, 10, 20]


def test_the_later_version_of_an_operation_counts() -> None:
    bank = FakeBank([row(n) for n in range(10)], cap=5)

    def changing(request: httpx.Request) -> httpx.Response:
        answer = bank.page(request)
        if len(bank.requests) == 1:
            bank.rows[0] = row(0, status="failed")
            bank.rows.insert(0, row(99))
        return answer

    bank.listing = changing
    reading = read(bank)
    assert reading.complete
    assert {op.status for op in reading.operations if op.id == UUID(int=0).bytes} == {"failed"}


def test_what_two_passes_found_together_may_be_all() -> None:
    rows = [row(n) for n in range(4)]
    answers = itertools.cycle([rows[:3] + rows[:1], rows[1:] + rows[1:2]])
    bank = FakeBank(listing=lambda _: json_answer({"totalCount": 4, "records": next(answers)}))
    reading = read(bank)
    assert (reading.complete, ids(reading), len(bank.requests)) == (True, [0, 1, 2, 3], 2)


def test_a_reading_that_never_adds_up_is_handed_on_as_incomplete_after_three_passes() -> None:
    bank = FakeBank(listing=lambda _: json_answer({"totalCount": 4, "records": [row(1)] * 4}))
    reading = read(bank)
    assert (reading.complete, reading.total_count, ids(reading), len(bank.requests)) == (False, 4, [1], 3)


def test_an_empty_page_before_the_end_ends_the_walk() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        first = json.loads(request.content)["paging"]["page"] == 0
        return json_answer({"totalCount": 9, "records": [row(1), row(2)] if first else None})

    bank = FakeBank(listing=page)
    reading = read(bank)
    assert (reading.complete, ids(reading), len(bank.requests)) == (False, [1, 2], 6)


@pytest.mark.parametrize("paging", list(Paging))
def test_a_total_that_runs_away_does_not_keep_the_walk_going_for_ever(paging: Paging) -> None:
    bank = FakeBank()
    bank.listing = lambda _: json_answer({"totalCount": 10 + len(bank.requests), "records": [row(len(bank.requests))]})
    reading = read(bank, paging=paging)
    assert not reading.complete
    assert len(bank.requests) < 500


def test_pages_that_shrink_again_and_again_do_not_keep_the_walk_going_for_ever() -> None:
    bank = FakeBank()
    sizes = [9, 8, 7, 6, 5, 4, 3, 2, 1]

    def shrinking(request: httpx.Request) -> httpx.Response:
        size = sizes[min(len(bank.requests) - 1, len(sizes) - 1)]
        return json_answer({"totalCount": 50, "records": [row(n) for n in range(size)]})

    bank.listing = shrinking
    assert not read(bank, paging=Paging.PAGE_INDEX).complete
    assert len(bank.requests) < 400


def test_a_span_with_too_many_records_is_to_be_halved_before_any_is_read() -> None:
    bank = FakeBank([row(n) for n in range(50)], cap=10)
    with pytest.raises(SpanTooLarge) as caught:
        read(bank, max_records=49)
    assert caught.value.total_count == 50
    assert len(bank.requests) == 1


def test_a_second_cannot_be_halved_and_is_read_whatever_it_holds() -> None:
    bank = FakeBank([row(n) for n in range(50)], cap=10)
    reading = read(bank, ASSIGNMENT._replace(span=Span(NOW - SECOND, NOW)), max_records=49)
    assert (reading.complete, len(reading.operations)) == (True, 50)


def test_the_page_size_is_the_configured_one() -> None:
    bank = FakeBank([row(1)])
    read(bank, poll=Poll(requests_per_second=1000, page_size=77))
    assert bank.pages == [(0, 77)]
    assert POLL.page_size == 500
    assert SPAN.end == NOW


def test_records_that_are_as_they_were_counted_come_as_ids_and_count_for_completeness() -> None:
    bank = FakeBank([row(number) for number in range(6)], cap=4)
    met: dict[int, bytes] = {}
    first = read(bank, SWEEP, met=met)
    met |= {operation.mark: operation.id for operation in first.operations}
    bank.rows[2] = row(2, status="refund")
    bank.rows.append(row(6, amount="-1"))

    again = read(bank, SWEEP, met=met)

    assert ids(again) == [2]
    assert sorted(UUID(bytes=id_).int for id_ in again.unchanged) == [0, 1, 3, 4, 5]
    assert [rejection.reason for rejection in again.rejections] == ["amount"]
    assert again.complete
    assert again.total_count == 7


def test_records_that_nothing_was_counted_of_are_not_looked_for() -> None:
    bank = FakeBank([row(0)])
    met = {operation.mark: operation.id for operation in read(bank, SWEEP).operations}

    reading = read(bank, met=met)

    assert (ids(reading), reading.unchanged) == ([0], ())


def test_a_record_that_changes_while_the_list_is_paged_counts_as_it_was_read_last() -> None:
    met: dict[int, bytes] = {}
    before = FakeBank([row(number) for number in range(3)])
    met |= {operation.mark: operation.id for operation in read(before, SWEEP, met=met).operations}
    first = {"totalCount": 4, "records": [row(0), row(1, status="refund")]}
    second = {"totalCount": 4, "records": [row(0, status="failed"), row(1), row(2), row(3)]}
    bank = FakeBank(script=[lambda _: json_answer(first), lambda _: json_answer(second)])

    reading = read(bank, SWEEP, met=met)

    assert ids(reading) == [0, 3]
    assert sorted(UUID(bytes=id_).int for id_ in reading.unchanged) == [1, 2]
    assert reading.complete


def test_of_two_rows_of_an_operation_in_one_page_the_one_that_has_changed_counts() -> None:
    met: dict[int, bytes] = {}
    met |= {operation.mark: operation.id for operation in read(FakeBank([row(0)]), SWEEP, met=met).operations}

    reading = read(FakeBank([row(0), row(0, status="refund")]), SWEEP, met=met)

    assert [operation.status for operation in reading.operations] == ["refund"]
    assert not reading.unchanged
