"""What an answer of the list is: a page, an error, or nothing of use."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Operation, Page, Rejection
from exporter.payload import ErrorBody, Unreadable, decode

ID = "f0c79d0d-1b98-4b8c-8ea3-83a110be191e"
OTHER_ID = "00000000-0000-4000-8000-000000000001"
DOCUMENTED: dict[str, Any] = {
    "id": ID,
    "dateTime": "2022-02-03T11:42:35.533398+06:00",
    "invoiceId": "123456789377804",
    "amount": 200,
    "currency": "KZT",
    "terminal": "98151552",
    "accountId": "",
    "description": "TEST p2p",
    "senderCardMask": "4003********9821",
    "code": "00",
    "reason": "",
    "reasonCode": 0,
    "name": "Sergey Frolov",
    "ipLongitude": 0,
    "status": "ok",
}
EXPECTED = Operation(bytes.fromhex(ID.replace("-", "")), "98151552", 1643866955533398, "ok", "00", "0", 20000, "KZT")


def record(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENTED, **changes}


def page(*records: Any, total: Any = None) -> bytes:
    return json.dumps({"totalCount": len(records) if total is None else total, "records": list(records)}).encode()


def raw_page(*records: bytes) -> bytes:
    return b'{"totalCount": %d, "records": [%s]}' % (len(records), b", ".join(records))


def test_the_documented_record_is_read_and_nothing_personal_leaves_the_room() -> None:
    result = decode(page(DOCUMENTED, total=132))
    assert result == Page(132, (EXPECTED,))
    assert "Frolov" not in repr(result)
    assert "4003" not in repr(result)


@pytest.mark.parametrize(
    "body",
    [
        b'{"totalCount": 0, "records": null}',
        b'{"totalCount": 0}',
        b'{"totalCount": 0, "records": []}',
        b'{"totalCount": "0"}',
    ],
)
def test_no_records_is_an_empty_page(body: bytes) -> None:
    assert decode(body) == Page(0, ())


def test_records_that_are_missing_do_not_hide_that_more_match() -> None:
    assert decode(b'{"totalCount": 7, "records": null}') == Page(7, ())


@pytest.mark.parametrize("total", ["1", " 1 ", 1.0, "1.0"])
def test_a_total_count_in_another_spelling_is_understood(total: object) -> None:
    assert decode(page(DOCUMENTED, total=total)) == Page(1, (EXPECTED,))


@pytest.mark.parametrize("body", [b'{"code": 232, "message": "x"}', b'{"code": "232"}', b'{"code": 232.0}'])
def test_an_error_body_is_an_error(body: bytes) -> None:
    with pytest.raises(ErrorBody) as caught:
        decode(body)
    assert caught.value.code == 232


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code": 232, "message": "x", "totalCount": 0, "records": null}', 232),
        (b'{"code": 232, "message": "x", "totalCount": 0, "records": []}', 232),
        (b'{"code": "denied", "message": "x"}', "denied"),
        (b'{"code": 0, "message": "x"}', 0),
        (b'{"message": "x"}', ""),
        (b'{"error": "invalid_token"}', ""),
        (b'{"code": true, "message": "x"}', ""),
    ],
)
def test_an_error_body_in_other_forms_is_an_error_too(body: bytes, code: object) -> None:
    with pytest.raises(ErrorBody) as caught:
        decode(body)
    assert caught.value.code == code
    assert "x" not in str(caught.value).split()


@pytest.mark.parametrize("code", [b"0", b"null", b'""', b'"ok"'])
def test_a_code_that_says_nothing_beside_an_empty_list_is_no_error(code: bytes) -> None:
    assert decode(b'{"code": %s, "totalCount": 0, "records": null}' % code) == Page(0, ())


def test_a_code_beside_records_is_no_error() -> None:
    assert decode(page(DOCUMENTED).replace(b"{", b'{"code": 7, ', 1)).operations == (EXPECTED,)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html><body>Maintenance</body></html>",
        page(DOCUMENTED)[:-3],
        page(DOCUMENTED) + b"}",
        b"\xff\xfe{",
        b'{"totalCount": 1, "records": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    ],
)
def test_what_is_not_json_is_named_so(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(body)
    assert caught.value.reason == "not_json"


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"[NaN]",
        b"null",
        b"3",
        b'"text"',
        b"{}",
        b'{"records": []}',
        b'{"totalCount": null, "records": []}',
        b'{"totalCount": -1, "records": []}',
        b'{"totalCount": "-1", "records": []}',
        b'{"totalCount": "many", "records": []}',
        b'{"totalCount": true, "records": []}',
        b'{"totalCount": 1.5, "records": []}',
        b'{"totalCount": 1e999, "records": []}',
        b'{"totalCount": 1111111111111111111111, "records": [{}]}',
        b'{"totalCount": 1, "records": {}}',
        b'{"totalCount": 1, "records": "none"}',
    ],
)
def test_json_of_another_form_is_named_so(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(body)
    assert caught.value.reason == "malformed"


POISON: list[tuple[bytes, str]] = [
    (b"null", "id"),
    (b"17", "id"),
    (b"[]", "id"),
    (b"{}", "id"),
    (json.dumps(record(id=None)).encode(), "id"),
    (json.dumps(record(id=5)).encode(), "id"),
    (json.dumps(record(id="  ")).encode(), "id"),
    (json.dumps(record(terminal=None)).encode(), "terminal"),
    (json.dumps(record(terminal="  ")).encode(), "terminal"),
    (json.dumps(record(terminal=1.5)).encode(), "terminal"),
    (json.dumps(record(currency="тнг")).encode(), "currency"),
    (json.dumps(record(currency="")).encode(), "currency"),
    (json.dumps(record(currency="K" * 99)).encode(), "currency"),
    (json.dumps(record(currency=398)).encode(), "currency"),
    (json.dumps(record(dateTime="2022-02-03T11:42:35")).encode(), "date_time"),
    (json.dumps(record(dateTime=1643866955)).encode(), "date_time"),
    (json.dumps(record(dateTime="2022-02-30T11:42:35Z")).encode(), "date_time"),
    (json.dumps(record(amount=None)).encode(), "amount"),
    (json.dumps({k: v for k, v in DOCUMENTED.items() if k != "amount"}).encode(), "amount"),
    (json.dumps(record(amount=-1)).encode(), "amount"),
    (json.dumps(record(amount="12,22")).encode(), "amount"),
    (json.dumps(record(amount=[200])).encode(), "amount"),
    (json.dumps(record(amount=float("nan"))).encode(), "amount"),
    (json.dumps(record(amount=float("inf"))).encode(), "amount"),
    (json.dumps(record()).replace("200", "1e999").encode(), "amount"),
    (json.dumps(record()).replace("200", "1e999999999").encode(), "amount"),
    (json.dumps(record()).replace("200", "9" * 5000).encode(), "amount"),
    (json.dumps(record(amount="\ud800")).encode(), "amount"),
    (json.dumps(record(amount="1")).encode().replace(b'"amount": "1"', b'"amount": "\xff"'), "amount"),
    (json.dumps(record(status=True)).encode(), "status"),
    (json.dumps(record(status=[])).encode(), "status"),
    (json.dumps(record()).replace('"ok"', "1e999").encode(), "status"),
    (json.dumps(record()).encode().replace(b'"ok"', b'"\xff"'), "status"),
    (json.dumps(record(code={})).encode(), "code"),
    (json.dumps(record(code={}, id=" ")).encode(), "id"),
    (json.dumps(record(reasonCode=False)).encode(), "reason_code"),
    (json.dumps(record(reasonCode=float("nan"))).encode(), "reason_code"),
    (json.dumps(record(reasonCode=10**30)).replace("1" + "0" * 30, "1" * 5000).encode(), "reason_code"),
]


@pytest.mark.parametrize(("poison", "reason"), POISON)
def test_one_record_that_cannot_be_read_costs_only_itself(poison: bytes, reason: str) -> None:
    good = json.dumps(record(id=OTHER_ID)).encode()
    result = decode(raw_page(good, poison, good))
    assert [rejection.reason for rejection in result.rejections] == [reason]
    assert len(result.operations) == 2
    assert result.received == 3
    assert all(len(rejection.id) == 16 for rejection in result.rejections)


def test_a_rejection_keeps_the_id_of_its_record() -> None:
    assert decode(page(record(amount=-1))).rejections == (Rejection(EXPECTED.id, "amount"),)


def test_a_record_without_an_id_is_rejected_under_the_same_digest_each_time() -> None:
    first, second = decode(page(record(id=""))), decode(page(record(id=""), DOCUMENTED))
    assert first.rejections == second.rejections
    assert first.rejections != decode(page(record(id="", amount=1))).rejections


@pytest.mark.parametrize(
    "broken",
    [
        json.dumps(record(description="\ud83d")).encode(),  # half an emoji, cut off by somebody's substring
        json.dumps(record()).encode().replace(b"TEST", b"\x01\n\xff"),
        json.dumps(record()).encode().replace(b"TEST", b"\xed\xa0\x80"),
        json.dumps(record(ipLatitude=float("nan"))).encode(),
    ],
)
def test_what_is_broken_in_fields_that_nobody_wants_costs_nothing(broken: bytes) -> None:
    assert decode(raw_page(broken)) == Page(1, (EXPECTED,))


def test_decimals_stay_exact_when_another_field_had_to_be_mended() -> None:
    body = raw_page(json.dumps(record(description="\ud83d")).replace("200", "12.22").encode())
    assert decode(body).operations == (EXPECTED._replace(amount=1222),)


def test_a_byte_order_mark_is_no_reason_to_lose_a_page() -> None:
    assert decode(b"\xef\xbb\xbf" + page(DOCUMENTED)) == Page(1, (EXPECTED,))


def test_the_last_of_duplicate_keys_counts() -> None:
    body = page(DOCUMENTED).replace(b'"status"', b'"status": 5, "status"').replace(b'"id"', b'"id": 5, "id"')
    assert decode(body) == Page(1, (EXPECTED,))


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "x\udfff"])
)
json_values = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.text(max_size=4), leaves, max_size=2)
FIELDS = ["id", "dateTime", "amount", "currency", "terminal", "status", "code", "reasonCode", "description"]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=3), max_size=3))
def test_whatever_values_the_fields_take_every_record_is_read_or_rejected(changes: list[dict[str, Any]]) -> None:
    records = [record(**change) for change in changes]
    result = decode(page(*records))
    assert result.received == len(records)
    assert all(isinstance(item, Operation) for item in result.operations)


@given(
    st.dictionaries(st.sampled_from(["totalCount", "records", "code", "message", "error"]), json_values) | json_values
)
def test_whatever_an_answer_is_only_named_errors_are_raised(answer: Any) -> None:
    with suppress(ErrorBody, Unreadable):
        assert decode(json.dumps(answer).encode()).total_count >= 0


@given(st.binary() | st.tuples(st.integers(0, 500), st.binary(max_size=4), st.integers(0, 4)))
def test_whatever_bytes_are_changed_only_named_errors_are_raised(change: bytes | tuple[int, bytes, int]) -> None:
    body = change
    if not isinstance(body, bytes):
        position, inserted, removed = body
        good = page(DOCUMENTED)
        body = good[:position] + inserted + good[position + removed :]
    with suppress(ErrorBody, Unreadable):
        assert decode(body).total_count >= 0
