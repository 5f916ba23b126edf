"""One record of the bank: an operation, or a rejection that says which field was at fault."""

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec

from exporter.model import Operation, Rejection
from exporter.payload import fields, parties

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Everything that msgspec raises on hostile bytes."""

ABSENT = msgspec.Raw(b"null")


class Record(msgspec.Struct, rename="camel", gc=False):
    """The fields that are counted. All the others, personal data among them, are skipped unread.

    A reader that looks for more adds fields to it. Whatever stands in those rejects nothing.
    """

    id: str
    date_time: str
    amount: msgspec.Raw
    currency: str
    terminal: str | int
    status: str | int | float | None = None
    code: str | int | float | None = None
    reason_code: str | int | float | None = None


_Word = str | int | float | None
_text = msgspec.json.Decoder(str)
_word = msgspec.json.Decoder(_Word)
_DECODERS: tuple[tuple[str, msgspec.json.Decoder[Any]], ...] = (
    ("terminal", msgspec.json.Decoder(str | int)),
    ("currency", _text),
    ("date_time", _text),
    ("status", _word),
    ("code", _word),
    ("reason_code", _word),
)


class RecordReader:
    """Makes operations of records.

    `key`: of the digests by which operations that repeat each other are found; without one they are not looked for.
    `dimensions`: fields whose texts an operation brings along, by their names in the configuration.
    """

    def __init__(self, key: bytes = b"", dimensions: Sequence[str] = ()) -> None:
        further = ((*parties.FIELDS,) if key else ()) + tuple(dimensions)
        self.record = _extended(Record, further, _Word, None) if further else Record
        self._record = msgspec.json.Decoder(self.record)
        pieces = (*Record.__struct_fields__, *further)
        self._pieces = msgspec.json.Decoder(_extended(msgspec.Struct, pieces, msgspec.Raw, ABSENT))
        self._further = further
        self._digester = parties.Digester(key) if key else None
        self._dimensions = tuple(dimensions)

    def reading(self, record: Any) -> Operation | Rejection | None:
        """The operation of a record of `self.record`; None where there is not even an id to reject it under."""
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
        likeness, details = self._marks(record, amount, currency[0]) if self._further else (0, ())
        return Operation(
            key,
            number,
            created,
            fields.word(record.status),
            fields.word(record.code),
            fields.word(record.reason_code),
            amount,
            currency[0],
            likeness,
            details,
        )

    def unwrapped(self, raw: msgspec.Raw) -> Operation | Rejection:
        """The same from the record's own bytes, whatever they are."""
        try:
            found = self.reading(self._record.decode(raw))
        except UNREADABLE:
            found = self._pieced(raw)
        return found or Rejection(fields.digest(bytes(raw)), "id")

    def _pieced(self, raw: msgspec.Raw) -> Operation | Rejection | None:
        """Field by field, to name the one that cannot be read; of a field that stands there twice, the last counts."""
        try:
            pieces: Any = self._pieces.decode(raw)
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
        for field in self._further:
            with contextlib.suppress(*UNREADABLE):
                values[field] = _word.decode(getattr(pieces, field))
        return self.reading(self.record(**values))

    def _marks(self, record: Any, amount: int, currency: str) -> tuple[int, tuple[tuple[str, str], ...]]:
        """What is compared and broken down by, as far as it is asked for."""
        likeness = 0
        if self._digester is not None:
            likeness = self._digester.likeness(record, amount, currency)
        if not self._dimensions:
            return likeness, ()
        return likeness, tuple([(name, fields.word(getattr(record, name))) for name in self._dimensions])


def _extended(base: type[msgspec.Struct], names: Sequence[str], kind: Any, default: object) -> type[Any]:
    """The struct with further fields, all of a kind."""
    added = [(name, kind, default) for name in names]
    return msgspec.defstruct("Record", added, bases=(base,), rename="camel", gc=False)


def _unquoted(written: bytes) -> bytes:
    """What a JSON text holds, or nothing where it cannot be read."""
    try:
        return _text.decode(written).encode("utf-8")
    except UNREADABLE:
        return b""
