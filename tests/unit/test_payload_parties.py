"""Who paid whom leaves the room as a keyed digest only; issuers and kinds of cards as texts, where asked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Operation
from exporter.payload import Decoder, decode

KEY = b"made anew in each process"
RECORD: dict[str, Any] = {
    "id": "f0c79d0d-1b98-4b8c-8ea3-83a110be191e",
    "dateTime": "2022-02-03T11:42:35.533398+06:00",
    "amount": 200,
    "currency": "KZT",
    "terminal": "98151552",
    "senderCardMask": "4003********9821",
    "receiverCardMask": "5578********0613",
    "senderCardType": "VISA",
    "receiverCardType": "MasterCard",
    "senderIssuer": "",
    "receiverIssuer": " Халық банкі ",
    "code": "00",
    "reasonCode": 0,
    "status": "ok",
    "senderCardId": "",
    "receiverCardId": "",
}


def read(record: dict[str, Any], key: bytes = KEY, *dimensions: str) -> Operation:
    page = Decoder(key, dimensions).decode(json.dumps({"totalCount": 1, "records": [record]}).encode())
    assert page.rejections == ()
    return page.operations[0]


def likeness(key: bytes = KEY, **changes: Any) -> int:
    return read({**RECORD, **changes}, key).likeness


def test_masks_say_who_paid_whom_where_there_are_no_ids() -> None:
    assert likeness() == likeness(id="00000000-0000-4000-8000-000000000001", status="failed", amount=200.0) != 0


@pytest.mark.parametrize(
    "changes",
    [
        {"senderCardMask": "4003********9822"},
        {"receiverCardMask": "5578********0614"},
        {"amount": 200.01},
        {"currency": "USD"},
        {"senderCardMask": "5578********0613", "receiverCardMask": "4003********9821"},
        {"senderCardId": "card-1"},
    ],
)
def test_another_party_or_amount_is_another_likeness(changes: dict[str, Any]) -> None:
    assert likeness(**changes) not in (0, likeness())


def test_a_card_s_id_is_better_than_its_mask() -> None:
    same: dict[str, Any] = {"senderCardId": "card-1", "receiverCardId": 77}

    assert likeness(**same) == likeness(**same, senderCardMask="", receiverCardMask="4444********4444")
    assert likeness(**same) != likeness(senderCardId="card-2", receiverCardId=77)


@pytest.mark.parametrize("nobody", ["", "  ", None, "****************", "0", 0, "00000000-0000-0000-0000-000000000000"])
def test_what_names_nobody_on_either_side_takes_no_part(nobody: Any) -> None:
    assert likeness(senderCardMask="", senderCardId=nobody) == 0
    assert likeness(receiverCardMask=nobody if isinstance(nobody, str) else None) == 0
    without = {name: value for name, value in RECORD.items() if name != "senderCardMask"}
    assert read(without).likeness == 0


def test_another_process_makes_other_digests_and_without_a_key_there_are_none() -> None:
    assert likeness() != likeness(b"of the next process")
    assert read(RECORD, b"").likeness == 0
    assert decode(json.dumps({"totalCount": 1, "records": [RECORD]}).encode()).operations == (read(RECORD, b""),)


def test_nothing_of_the_cards_is_in_the_operation() -> None:
    operation = repr(read({**RECORD, "senderCardId": "card-1234"}, KEY, "sender_issuer", "sender_card_type"))

    assert not any(text in operation for text in ("4003", "9821", "5578", "0613", "card-1234"))


def test_texts_of_the_dimensions_come_in_the_order_of_the_configuration() -> None:
    found = read(RECORD, b"", "receiver_issuer", "sender_issuer", "sender_card_type")

    assert found.details == (("receiver_issuer", "Халық банкі"), ("sender_issuer", ""), ("sender_card_type", "VISA"))
    assert read(RECORD).details == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(
    cards=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["senderCardId", "receiverCardMask", "senderIssuer"], json_values)
    )
)
def test_whatever_stands_in_these_fields_rejects_no_record(cards: dict[str, Any]) -> None:
    found = read({**RECORD, **cards}, KEY, "sender_issuer", "receiver_card_type")

    assert found[:8] == decode(json.dumps({"totalCount": 1, "records": [RECORD]}).encode()).operations[0][:8]
    assert found.details[1] == ("receiver_card_type", "MasterCard")
    assert isinstance(found.details[0][1], str)


def test_a_page_that_has_to_be_mended_gives_the_same_digest() -> None:
    body = json.dumps({"totalCount": 1, "records": [RECORD]}).replace("}]", ', "name": "\\ud800"}]').encode()

    assert Decoder(KEY).decode(body).operations[0].likeness == likeness()
