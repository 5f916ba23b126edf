"""Pages are read column by column, and give what their records give one by one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Page, Rejection
from exporter.payload import Decoder, ErrorBody, Unreadable, columns, fields
from tests.plain import records as plain

KEY = b"made anew in each process"
DIMENSIONS = ("sender_issuer", "receiver_card_type")
RECORD: dict[str, Any] = {
    "id": "f0c79d0d-1b98-4b8c-8ea3-83a110be191e",
    "dateTime": "2022-02-03T11:42:35.533398+06:00",
    "amount": 200,
    "currency": "KZT",
    "terminal": "98151552",
    "senderCardMask": "4003********9821",
    "receiverCardMask": "5578********0613",
    "receiverCardType": "VISA",
    "senderIssuer": "Халық банкі",
    "code": "00",
    "reasonCode": 0,
    "status": "ok",
    "senderCardId": "",
    "receiverCardId": "card-1",
}
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(
            None,
            True,
            0,
            -1,
            -2,
            1.0,
            -0.0,
            0.5,
            "",
            "  ",
            "x",
            "0",
            "00",
            1e300,
            10**30,
            -(10**30),
            [],
            {},
            [1],
            "NaN",
        ),
        *(" 12.50 ", "12.345", "1e2", "1_000", "١٢", "a" * 100, " KZT ", "kzt", "JPY", "BHD", "KZ", 12.22, 10**13 + 1),
        *(
            10**11 + 1,
            99999999999.99,
            1.005,
            "F0C79D0D-1B98-4B8C-8EA3-83A110BE191E",
            "f0c79d0d-1b98-4b8c-8ea3-83a110be19 e",
        ),
        *("f0c79d0d-1b98-4b8c-8ea3-83a110be191g", "-" * 36, "2022-02-30T11:42:35.533398+06:00"),
        *("2022-02-03T11:42:65.533398+06:00", "2022-02-03T11:42:35.5333981+06:00", "2022-02-03t11:42:35z"),
        *("2022-02-03T11:42:35.53339é+06:00", "2022-02-03T11:42:35.533398+24:00", "2022-02-03T11:42:35.٣33398+06:00"),
        *("2022-02-03T11:42:35,533398+06:00", "2022-02-03T11:43:00.000000+05:00", "2022-02-03T11:42:35.-33398+06:00"),
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)
_CHANGES = st.dictionaries(st.sampled_from(sorted(RECORD)), _ODD | _JSON, max_size=2)
_RECORDS = st.lists(st.builds(lambda changes: RECORD | changes, _CHANGES), max_size=6)


def rows(page: Page) -> tuple[list[object], list[str]]:
    operations: list[object] = [(*each[:8], each.details) for each in page.operations]
    return operations, [each.reason for each in page.rejections]


@given(records=_RECORDS)
def test_a_page_of_whatever_records_gives_what_each_gives_alone(records: list[dict[str, Any]]) -> None:
    body = json.dumps({"totalCount": len(records), "records": records})
    found = [plain.read(record, DIMENSIONS) for record in plain.loads(body)["records"]]

    operations, reasons = rows(Decoder(KEY, DIMENSIONS).decode(body.encode()))

    assert operations == [row for row in found if len(row) > 1]
    assert reasons == [row[0] for row in found if len(row) == 1]


@given(records=_RECORDS, data=st.data())
def test_broken_bytes_give_a_page_or_a_named_reason_and_marks_change_nothing(
    records: list[dict[str, Any]], data: st.DataObject
) -> None:
    body = bytearray(json.dumps({"totalCount": len(records), "records": records}, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(0, 3), label="changes")):
        place = data.draw(st.integers(0, len(body) - 1), label="place")
        body[place : place + 1] = data.draw(st.sampled_from([b"", b"\xff", b"NaN", b'"', b"}", b'"id":1,', b"1e400"]))

    def outcome(read: Callable[[bytes], Page]) -> object:
        try:
            page = read(bytes(body))
        except (ErrorBody, Unreadable) as failure:
            return repr(failure)
        operations = [each._replace(mark=0) for each in page.operations]
        return page.total_count, operations, page.rejections, page.unchanged

    decoder = Decoder(KEY, DIMENSIONS)
    assert outcome(decoder.decode) == outcome(decoder.compare)


@given(st.lists(st.sampled_from([RECORD["id"], RECORD["id"].upper()]) | st.text(max_size=36) | st.uuids().map(str)))
def test_a_column_of_ids_is_each_of_them(texts: list[str]) -> None:
    assert list(columns.identities(texts)) == [fields.identity(text) for text in texts]


@pytest.mark.parametrize(
    "odd", ["f0c79d0d-1b98-4b8c-8ea3-83a110be191g", "f0c79d0d-1b98-4b8c-8ea3-83a110be19 e", "-" * 36]
)
def test_one_odd_id_of_the_documented_form_disturbs_no_other(odd: str) -> None:
    texts = [RECORD["id"], odd, RECORD["id"].upper()]

    assert columns.identities(texts) == [fields.identity(text) for text in texts]


_MOMENTS = st.datetimes().map(lambda moment: moment.isoformat(timespec="microseconds") + "+05:00")


@given(
    st.lists(_MOMENTS | st.sampled_from([RECORD["dateTime"]]), max_size=5), st.lists(st.text(max_size=32), max_size=1)
)
def test_a_column_of_times_is_each_of_them(texts: list[str], odd: list[str]) -> None:
    assert columns.instants(texts + odd) == [fields.instant(text) for text in texts + odd]


@pytest.mark.parametrize(
    "odd",
    [
        *("2022-02-03T11:42:65.533398+06:00", "2022-02-03T11:42:35.53339x+06:00", "2022-13-03T11:42:35.533398+06:00"),
        *("2022-02-03T11:42:35.533398+05:00", "2022-02-03T11:42:35,533398+06:00", "2022-02-03T11:42:35.53339é+06:00"),
    ],
)
def test_one_odd_time_of_the_documented_length_disturbs_no_other(odd: str) -> None:
    texts = [RECORD["dateTime"], odd, RECORD["dateTime"]]

    assert columns.instants(texts) == [fields.instant(text) for text in texts]


def test_amounts_are_exact_whole_or_not() -> None:
    written = [200, "12.22", 10**13, 10**13 + 1, 10**11 + 1, -1, 1.5, True, None, [], "1e2", 7, 10**400]
    exponents = [2] * 11 + [0, 4]

    assert columns.amounts(written, exponents) == [
        *(20_000, 1222, 10**15, None, 10**13 + 100, None, None, None, None, None, 10_000, 7, None)
    ]


def page_of(*records: Any) -> bytes:
    return json.dumps({"totalCount": len(records), "records": records}).encode()


def met_by(page: Page) -> dict[int, bytes]:
    return {each.mark: each.id for each in page.operations}


OTHER = RECORD | {"id": "00000000-0000-4000-8000-000000000001", "amount": 12.5}


def test_a_record_that_is_still_the_same_is_no_more_than_its_id() -> None:
    met: dict[int, bytes] = {}
    decoder = Decoder(KEY, DIMENSIONS, met)
    first = decoder.compare(page_of(RECORD, OTHER))
    met |= met_by(first)

    again = decoder.compare(page_of(OTHER, RECORD, OTHER))

    assert again == Page(3, (), unchanged=(first.operations[1].id, first.operations[0].id, first.operations[1].id))
    assert again.received == 3


@pytest.mark.parametrize(
    "change",
    [
        *({"status": "refund"}, {"code": "05"}, {"reasonCode": 484}, {"amount": 200.01}, {"currency": "USD"}),
        *({"terminal": "98151553"}, {"dateTime": "2022-02-03T11:42:35.533399+06:00"}, {"senderIssuer": "another"}),
        *({"receiverCardType": None}, {"senderCardMask": "4003********9822"}, {"receiverCardId": 0}),
        {"description": "of no importance"},
    ],
)
def test_a_change_of_any_field_is_read(change: dict[str, Any]) -> None:
    met: dict[int, bytes] = {}
    decoder = Decoder(KEY, DIMENSIONS, met)
    met |= met_by(decoder.compare(page_of(RECORD, OTHER)))

    page = decoder.compare(page_of(RECORD | change, OTHER))

    (alone,) = Decoder(KEY, DIMENSIONS).decode(page_of(RECORD | change)).operations
    assert [each._replace(mark=0) for each in page.operations] == [alone]
    assert len(page.unchanged) == 1


@pytest.mark.parametrize(
    ("before", "after"), [(0, ""), ("", 0), (-1, -2), (0, 2**61 - 1), (484, 484 + 2**61 - 1), (-1.0, -2), (0.5, 2**60)]
)
@pytest.mark.parametrize("field", ["reasonCode", "receiverCardId"])
def test_values_that_a_hash_of_python_does_not_tell_apart_are_a_change(
    field: str, before: object, after: object
) -> None:
    assert hash(before) == hash(after)
    met: dict[int, bytes] = {}
    decoder = Decoder(KEY, DIMENSIONS, met)
    met |= met_by(decoder.compare(page_of(RECORD | {field: before}, OTHER)))

    page = decoder.compare(page_of(RECORD | {field: after}, OTHER))

    assert (len(page.operations), len(page.unchanged)) == (1, 1)
    assert decoder.compare(page_of(RECORD | {field: before}, OTHER)).operations == ()


@pytest.mark.parametrize("huge", [2**63, 2**64 - 1, 2**64, 10**30, -(2**63), -(10**30)])
def test_numbers_beyond_all_measure_are_known_again_like_others(huge: int) -> None:
    met: dict[int, bytes] = {}
    decoder = Decoder(KEY, (), met)
    body = page_of(RECORD | {"reasonCode": huge}, OTHER)
    met |= met_by(decoder.compare(body))

    assert decoder.compare(body).operations == ()


def test_a_record_that_cannot_be_read_any_more_is_rejected_and_the_others_are_as_they_were() -> None:
    met: dict[int, bytes] = {}
    decoder = Decoder(KEY, (), met)
    met |= met_by(decoder.compare(page_of(RECORD, OTHER)))

    page = decoder.compare(page_of(RECORD | {"amount": "-1"}, OTHER))

    assert page.rejections == (Rejection(next(iter(met.values())), "amount"),)
    assert len(page.unchanged) == 1


def test_what_has_no_place_in_a_record_costs_only_that_record() -> None:
    met: dict[int, bytes] = {}
    decoder = Decoder(KEY, (), met)
    met |= met_by(decoder.compare(page_of(RECORD, OTHER)))

    page = decoder.compare(page_of(RECORD | {"amount": [200]}, OTHER))

    assert [each.reason for each in page.rejections] == ["amount"]
    assert len(page.unchanged) == 1


@pytest.mark.parametrize(("change", "field"), [({"status": [1]}, "status"), ({"id": None}, "id"), ({"id": ""}, "id")])
def test_a_record_that_must_be_read_by_itself_costs_only_itself(change: dict[str, Any], field: str) -> None:
    met: dict[int, bytes] = {}
    decoder = Decoder(KEY, (), met)
    met |= met_by(decoder.compare(page_of(RECORD, OTHER)))

    page = decoder.compare(page_of(RECORD | change, OTHER, RECORD | {"id": OTHER["id"][::-1]}))

    assert [each.reason for each in page.rejections] == [field]
    assert len(page.unchanged) == 1
    assert [each.mark for each in page.operations] == [0]


@pytest.mark.parametrize("number", [10**15, 10**30])
def test_a_count_beyond_all_measure_is_no_page(number: int) -> None:
    decoder = Decoder()
    body = json.dumps({"totalCount": number, "records": []}).encode()

    for read in (decoder.decode, decoder.compare):
        with pytest.raises(Unreadable):
            read(body)


def test_what_is_read_for_the_first_time_has_no_mark() -> None:
    page = Decoder(KEY, (), {}).decode(page_of(RECORD, OTHER))

    assert [each.mark for each in page.operations] == [0, 0]


def test_a_flood_of_new_words_does_not_fill_the_memory() -> None:
    decoder = Decoder()
    for number in range(0, 10_000, 500):
        body = page_of(*(RECORD | {"code": f"{number + each}"} for each in range(500)))
        found = decoder.decode(body).operations
        assert [each.code for each in found] == [f"{number + each}" for each in range(500)]

    assert len(decoder._reader._words) <= 5_000


@pytest.mark.parametrize(
    "texts",
    [
        ["2022-02-03", "11:42:35.533398+06:00", "2022-02-03T11:42:35.533398+06:00 2022-02-03T11:42:35.533398+06:00"],
        [RECORD["dateTime"] + ",", RECORD["dateTime"][:-1]],
        [RECORD["dateTime"][:-1], RECORD["dateTime"] + "0"],
        [RECORD["dateTime"][:-6] + "Z", "2022 " + RECORD["dateTime"]],
        [RECORD["dateTime"] + "," + RECORD["dateTime"]],
        [RECORD["dateTime"], RECORD["dateTime"].replace("T", " "), RECORD["dateTime"].replace("1:4", ".é")],
        [RECORD["dateTime"], "2022-02-03T11:42:35.53339+06:00", "2022-02-03T11:42:36.53339+06:00"],
        [RECORD["dateTime"], "2022-02-03T11:42:35.5333.8+06:00", "2022-02-03X11:42:35.533398+06:00"],
        [RECORD["dateTime"], "2022-02-03X11:42:35.533398+06:00"],
        ["", "", RECORD["dateTime"]],
        ["2022-02-03T11:42:35.533398.1234Z", "X2022-02-03T11:42:3.533398.1234Z,x"],
        [],
    ],
)
def test_times_that_only_together_are_as_long_as_documented_are_each_what_they_are(texts: list[str]) -> None:
    assert columns.instants(texts) == [fields.instant(text) for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        [RECORD["id"] + " "],
        [RECORD["id"] + " ", RECORD["id"][:-1]],
        [RECORD["id"][:-1], "e" + RECORD["id"]],
        [RECORD["id"] + " " + RECORD["id"]],
        [" " + RECORD["id"][1:], RECORD["id"]],
        ["", RECORD["id"]],
        [],
    ],
)
def test_ids_that_only_together_are_as_long_as_documented_are_each_what_they_are(texts: list[str]) -> None:
    assert list(columns.identities(texts)) == [fields.identity(text) for text in texts]
