"""Records of the bank: operations, or rejections that say which field was at fault."""

import contextlib
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, cast

import msgspec

from exporter.model import Details, Operation, Operations, Rejection, Words
from exporter.payload import columns, fields, parties

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Everything that msgspec raises on hostile bytes."""

ABSENT = msgspec.Raw(b"null")

_Word = str | int | float | None
_MOST_HELD = 4096
_LONGEST_HELD = 64


class Record(msgspec.Struct, rename="camel", gc=False):
    """The fields that are counted. All the others, personal data among them, are skipped unread.

    They stand in the bank's order, in which they are found soonest. A reader that looks for more adds fields to it;
    whatever stands in those rejects nothing. The amount is a whole number, or the text of any other.
    """

    id: str
    date_time: str
    amount: Any
    currency: str
    terminal: str | int
    code: _Word = None
    reason_code: _Word = None
    status: _Word = None


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Reads JSON; a number with decimals comes as its text where no type is asked for."""
    return msgspec.json.Decoder(kind, float_hook=str)


_text = decoder(str)
_DECODERS: tuple[tuple[str, msgspec.json.Decoder[Any]], ...] = (
    ("terminal", decoder(str | int)),
    ("currency", _text),
    ("date_time", _text),
    ("status", decoder(_Word)),
    ("code", decoder(_Word)),
    ("reason_code", decoder(_Word)),
)
_word = decoder(_Word)
_anything = decoder(Any)


_Cleaned = tuple[Words, int, str]
"""What the words of a record mean, worked out once for all records that have the same; the exponent of the currency;
and the field that cannot be read, empty where all can."""


class RecordReader:
    """Makes operations of records.

    `key`: of the digests by which operations that repeat each other are found; without one they are not looked for.
    `dimensions`: fields whose texts an operation brings along, by their names in the configuration.
    """

    def __init__(self, key: bytes = b"", dimensions: Sequence[str] = ()) -> None:
        further = ((*parties.FIELDS,) if key else ()) + tuple(dimensions)
        self.record = _extended(Record, further, _Word, None) if further else Record
        self._record = decoder(self.record)
        pieces = (*Record.__struct_fields__, *further)
        self._pieces = decoder(_extended(msgspec.Struct, pieces, msgspec.Raw, ABSENT))
        self._further = further
        self._digester = parties.Digester(key) if key else None
        self._dimensions = tuple(dimensions)
        self._words: dict[tuple[_Word, ...], _Cleaned] = {}

    def read(
        self, records: Sequence[Any], ids: Sequence[bytes], marks: Sequence[int] = ()
    ) -> tuple[Operations, tuple[Rejection, ...]]:
        """The operations of records of `self.record`, one at least, and the rejections of those that are none.

        `marks`: what the operations are to be known again by, one for each record, where they are to be.
        """
        words, exponents, faults = zip(*self._words_of(records), strict=True)
        created = columns.instants(list(map(_date_time, records)))
        amounts = columns.amounts(list(map(_amount, records)), exponents)
        likenesses = self._likenesses(records, amounts, words)
        moments, units = cast("Sequence[int]", created), cast("Sequence[int]", amounts)  # as they are once None is out
        found = Operations(ids, words, moments, units, likenesses, self._details(records), marks or [0] * len(records))
        # Quick, and nearly always enough; a zero is looked at closely.
        if not any(faults) and ((all(created) and all(amounts)) or (None not in created and None not in amounts)):
            return found, ()
        told = [fault or _fault(at, amount) for fault, at, amount in zip(faults, created, amounts, strict=True)]
        rejections = tuple(Rejection(id_, fault) for id_, fault in zip(ids, told, strict=True) if fault)
        return found.chosen([not fault for fault in told]), rejections

    def unwrapped(self, raw: msgspec.Raw) -> Operation | Rejection:
        """The same from a record's own bytes, whatever they are."""
        try:
            found = self._one(self._record.decode(raw))
        except UNREADABLE:
            found = self._pieced(raw)
        return found or Rejection(fields.digest(bytes(raw)), "id")

    def _one(self, record: Any) -> Operation | Rejection | None:
        """The record as what it is; None where there is not even an id to reject it under."""
        key = fields.identity(record.id)
        if key is None:
            return None
        operations, rejections = self.read([record], [key])
        return rejections[0] if rejections else operations[0]

    def _pieced(self, raw: msgspec.Raw) -> Operation | Rejection | None:
        """Field by field, to name the one that cannot be read; of a field that stands there twice, the last counts."""
        try:
            pieces: Any = self._pieces.decode(raw)
            name = _text.decode(pieces.id)
        except UNREADABLE:
            return None
        key = fields.identity(name)
        values: dict[str, Any] = {"id": name, "amount": None}
        for field, field_decoder in _DECODERS:
            try:
                values[field] = field_decoder.decode(getattr(pieces, field))
            except UNREADABLE:
                return Rejection(key, field) if key else None
        for field, field_decoder in (("amount", _anything), *((each, _word) for each in self._further)):
            with contextlib.suppress(*UNREADABLE):
                values[field] = field_decoder.decode(getattr(pieces, field))
        return self._one(self.record(**values))

    def _words_of(self, records: Sequence[Any]) -> list[_Cleaned]:
        """One look-up for each record; what is not known yet is cleaned."""
        keys = list(map(_raw_words, records))
        words = list(map(self._words.get, keys))
        if None in words:
            if len(self._words) >= _MOST_HELD:  # a flood of new words must not fill the memory
                self._words.clear()
            fresh = {key: _cleaned(*key) for key, known in zip(keys, words, strict=True) if known is None}
            words = [known or fresh[key] for key, known in zip(keys, words, strict=True)]
            self._words.update((key, each) for key, each in fresh.items() if _is_short(key))
        return words  # type: ignore[return-value]

    def _likenesses(
        self, records: Sequence[Any], amounts: Sequence[int | None], words: Sequence[Words]
    ) -> Sequence[int]:
        """Who paid whom and how much, where it is compared."""
        if self._digester is None:
            return [0] * len(records)
        return self._digester.likenesses(records, amounts, list(map(_currency, words)))

    def _details(self, records: Sequence[Any]) -> Sequence[Details]:
        """What is broken down by."""
        if not self._dimensions:
            return [()] * len(records)
        names = self._dimensions
        return [tuple([(name, fields.word(getattr(each, name))) for name in names]) for each in records]


_raw_words = attrgetter("terminal", "currency", "status", "code", "reason_code")
_date_time = attrgetter("date_time")
_amount = attrgetter("amount")
_currency = attrgetter("currency")


def _cleaned(terminal: str | int, currency: str, status: _Word, code: _Word, reason_code: _Word) -> _Cleaned:
    number = terminal.strip() if isinstance(terminal, str) else str(terminal)
    read = fields.currency(currency)
    fault = "terminal" if not number else "currency" if read is None else ""
    symbol, exponent = read or ("", 0)
    return Words(number, fields.word(status), fields.word(code), fields.word(reason_code), symbol), exponent, fault


def _is_short(key: tuple[_Word, ...]) -> bool:
    return all(not isinstance(word, str) or len(word) <= _LONGEST_HELD for word in key)


def _fault(created: int | None, amount: int | None) -> str:
    """The field without which a record cannot be counted, the first of the two; nothing where both can be read."""
    return "date_time" if created is None else "amount" if amount is None else ""


def _extended(base: type[msgspec.Struct], names: Sequence[str], kind: Any, default: object) -> type[Any]:
    """The struct with further fields, all of a kind."""
    added = [(name, kind, default) for name in names]
    return msgspec.defstruct("Record", added, bases=(base,), rename="camel", gc=False)
