"""Records of the bank: operations, or rejections that say which field was at fault."""

import contextlib
from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec

from exporter.model import Details, Operation, Rejection
from exporter.payload import columns, fields, parties

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Everything that msgspec raises on hostile bytes."""

ABSENT = msgspec.Raw(b"null")

_Word = str | int | float | None
_MOST_HELD = 4096
_LONGEST_HELD = 64

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Record(msgspec.Struct, rename="camel", gc=False, frozen=True):
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


class PlainRecord(Record, gc=False, frozen=True):
    """A record whose words are told from others by their hash.

    To Python the hash of an empty text is that of 0, that of -1 is that of -2, and those of huge numbers begin anew.
    """

    terminal: _Text | _Number
    code: _Text | _Number | None = None
    reason_code: _Text | _Number | None = None
    status: _Text | _Number | None = None


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


class Words(NamedTuple):
    """What the words of a record mean, worked out once for all records that have the same.

    `fault` names the field that cannot be read, and is empty where all can.
    """

    number: str
    status: str
    code: str
    reason_code: str
    currency: str
    exponent: int
    fault: str


class RecordReader:
    """Makes operations of records.

    `key`: of the digests by which operations that repeat each other are found; without one they are not looked for.
    `dimensions`: fields whose texts an operation brings along, by their names in the configuration.
    """

    def __init__(self, key: bytes = b"", dimensions: Sequence[str] = ()) -> None:
        further = ((*parties.FIELDS,) if key else ()) + tuple(dimensions)
        self.record = _extended(Record, further, _Word, None, frozen=True) if further else Record
        self.plain_record = _extended(PlainRecord, further, str | None, None, frozen=True) if further else PlainRecord
        self._record = decoder(self.record)
        pieces = (*Record.__struct_fields__, *further)
        self._pieces = decoder(_extended(msgspec.Struct, pieces, msgspec.Raw, ABSENT))
        self._further = further
        self._digester = parties.Digester(key) if key else None
        self._dimensions = tuple(dimensions)
        self._words: dict[tuple[_Word, ...], Words] = {}

    def read(
        self, records: Sequence[Any], ids: Sequence[bytes | None], marks: Sequence[int] = ()
    ) -> list[Operation | Rejection | None]:
        """The operations of records of `self.record`; None where there is not even an id to reject one under.

        `marks`: what the operations are to be known again by, one for each record, 0 for those that are not to be.
        """
        if not records:
            return []
        words = self._words_of(records)
        numbers, statuses, codes, reasons, currencies, exponents, faults = zip(*words, strict=True)
        created = columns.instants(list(map(_date_time, records)))
        amounts = columns.amounts(list(map(_amount, records)), exponents)
        if not marks:
            marks = [0] * len(records)
        elif not all(amounts):  # a 0 has the hash of an empty text
            marks = [mark if amount else 0 for mark, amount in zip(marks, amounts, strict=True)]
        likenesses, details = self._likenesses(records, amounts, currencies), self._details(records)
        made = zip(
            ids,
            numbers,
            created,
            statuses,
            codes,
            reasons,
            amounts,
            currencies,
            likenesses,
            details,
            marks,
            strict=True,
        )
        found: list[Operation | Rejection | None] = list(map(_operation, made))
        sound = all(ids) and all(created) and all(amounts)  # quick, and nearly always so; a zero is looked at closely
        if any(faults) or (not sound and (None in ids or None in created or None in amounts)):
            for place, id_ in enumerate(ids):
                fault = faults[place] or _fault(created[place], amounts[place])
                if id_ is None:
                    found[place] = None
                elif fault:
                    found[place] = Rejection(id_, fault)
        return found

    def unwrapped(self, raw: msgspec.Raw) -> Operation | Rejection:
        """The same from a record's own bytes, whatever they are."""
        try:
            found = self._one(self._record.decode(raw))
        except UNREADABLE:
            found = self._pieced(raw)
        return found or Rejection(fields.digest(bytes(raw)), "id")

    def _one(self, record: Any) -> Operation | Rejection | None:
        return self.read([record], [fields.identity(record.id)])[0]

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

    def _words_of(self, records: Sequence[Any]) -> list[Words]:
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
        self, records: Sequence[Any], amounts: Sequence[int | None], currencies: Sequence[str]
    ) -> Sequence[int]:
        """Who paid whom and how much, where it is compared."""
        if self._digester is None:
            return [0] * len(records)
        return self._digester.likenesses(records, amounts, currencies)

    def _details(self, records: Sequence[Any]) -> Sequence[Details]:
        """What is broken down by."""
        if not self._dimensions:
            return [()] * len(records)
        names = self._dimensions
        return [tuple([(name, fields.word(getattr(each, name))) for name in names]) for each in records]


_operation = partial(tuple.__new__, Operation)
_raw_words = attrgetter("terminal", "currency", "status", "code", "reason_code")
_date_time = attrgetter("date_time")
_amount = attrgetter("amount")


def _cleaned(terminal: str | int, currency: str, status: _Word, code: _Word, reason_code: _Word) -> Words:
    number = terminal.strip() if isinstance(terminal, str) else str(terminal)
    read = fields.currency(currency)
    fault = "terminal" if not number else "currency" if read is None else ""
    symbol, exponent = read or ("", 0)
    words = (fields.word(status), fields.word(code), fields.word(reason_code))
    return Words(number, *words, symbol, exponent, fault)


def _is_short(key: tuple[_Word, ...]) -> bool:
    return all(not isinstance(word, str) or len(word) <= _LONGEST_HELD for word in key)


def _fault(created: int | None, amount: int | None) -> str:
    """The field without which a record cannot be counted, the first of the two; nothing where both can be read."""
    return "date_time" if created is None else "amount" if amount is None else ""


def _extended(
    base: type[msgspec.Struct], names: Sequence[str], kind: Any, default: object, *, frozen: bool = False
) -> type[Any]:
    """The struct with further fields, all of a kind."""
    added = [(name, kind, default) for name in names]
    return msgspec.defstruct("Record", added, bases=(base,), rename="camel", gc=False, frozen=frozen)
