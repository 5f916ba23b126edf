"""One record of the bank: an operation, or a rejection that says which field was at fault."""

from typing import Any

import msgspec

from exporter.model import Operation, Rejection
from exporter.payload import fields

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Everything that msgspec raises on hostile bytes."""

ABSENT = msgspec.Raw(b"null")


class Record(msgspec.Struct, rename="camel", gc=False):
    """The fields that are counted. All the others, personal data among them, are skipped unread."""

    id: str
    date_time: str
    amount: msgspec.Raw
    currency: str
    terminal: str | int
    status: str | int | float | None = None
    code: str | int | float | None = None
    reason_code: str | int | float | None = None


class _Pieces(msgspec.Struct, rename="camel", gc=False):
    """The same fields, each left as it is written, to find out which of them cannot be read."""

    id: msgspec.Raw = ABSENT
    date_time: msgspec.Raw = ABSENT
    amount: msgspec.Raw = ABSENT
    currency: msgspec.Raw = ABSENT
    terminal: msgspec.Raw = ABSENT
    status: msgspec.Raw = ABSENT
    code: msgspec.Raw = ABSENT
    reason_code: msgspec.Raw = ABSENT


_record = msgspec.json.Decoder(Record)
_pieces = msgspec.json.Decoder(_Pieces)
_text = msgspec.json.Decoder(str)
_word = msgspec.json.Decoder(str | int | float | None)
_DECODERS: tuple[tuple[str, msgspec.json.Decoder[Any]], ...] = (
    ("terminal", msgspec.json.Decoder(str | int)),
    ("currency", _text),
    ("date_time", _text),
    ("status", _word),
    ("code", _word),
    ("reason_code", _word),
)


def reading(record: Record) -> Operation | Rejection | None:
    """The operation of a record; None where there is not even an id to reject it under."""
    key = fields.identity(record.id)
    if key is None:
        return None
    terminal = record.terminal
    number = terminal.strip() if isinstance(terminal, str) else str(terminal)
    if not number:
        return Rejection(key, "terminal")
    currency = fields.currency(record.currency)
    if currency is None:
        return Rejection(key, "currency")
    created = fields.instant(record.date_time)
    if created is None:
        return Rejection(key, "date_time")
    written = bytes(record.amount)
    amount = fields.minor_units(_unquoted(written) if written[:1] == b'"' else written, currency[1])
    if amount is None:
        return Rejection(key, "amount")
    return Operation(
        key,
        number,
        created,
        fields.word(record.status),
        fields.word(record.code),
        fields.word(record.reason_code),
        amount,
        currency[0],
    )


def unwrapped(raw: msgspec.Raw) -> Operation | Rejection:
    """The same from the record's own bytes, whatever they are."""
    try:
        found = reading(_record.decode(raw))
    except UNREADABLE:
        found = _pieced(raw)
    return found or Rejection(fields.digest(bytes(raw)), "id")


def _pieced(raw: msgspec.Raw) -> Operation | Rejection | None:
    """Field by field, to name the one that cannot be read; of a field that stands there twice, the last counts."""
    try:
        pieces = _pieces.decode(raw)
        name = _text.decode(pieces.id)
    except UNREADABLE:
        return None
    key = fields.identity(name)
    values: dict[str, Any] = {"id": name, "amount": pieces.amount}
    for field, decoder in _DECODERS:
        try:
            values[field] = decoder.decode(getattr(pieces, field))
        except UNREADABLE:
            return Rejection(key, field) if key else None
    return reading(Record(**values))


def _unquoted(written: bytes) -> bytes:
    """What a JSON text holds, or nothing where it cannot be read."""
    try:
        return _text.decode(written).encode("utf-8")
    except UNREADABLE:
        return b""
