"""One answer of the list: the page, or the named reason why it is none."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from operator import not_
from typing import Any, Generic, TypeVar

import msgspec

from exporter.model import Operation, Page, Rejection
from exporter.payload import columns
from exporter.payload.record import ABSENT, UNREADABLE, RecordReader, decoder

R = TypeVar("R")

_DIGITS = 15
"""Of a count, at most."""

_COUNT = re.compile(rf"\d{{1,{_DIGITS}}}(?:\.0*)?", re.ASCII)


class Unreadable(Exception):
    """An answer that is no page. `reason`: not_json (HTML, truncated, empty) or malformed (JSON of another form)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the answer is not a page of operations: {reason}")
        self.reason = reason


class ErrorBody(Exception):
    """The bank said no. `code` is its own: a number as documented, or a text, which is not fit to be shown."""

    def __init__(self, code: int | str) -> None:
        super().__init__("the answer is an error body")
        self.code = code


class TypedPage(msgspec.Struct, Generic[R], rename="camel", gc=False):
    """The documented answer. A `code` has no place in it: where one stands, the answer is looked at closely."""

    total_count: int
    records: list[R] | None = None
    code: msgspec.Raw = ABSENT


class _Answer(msgspec.Struct, rename="camel", gc=False):
    """Any JSON object, with what tells a page from an error."""

    total_count: msgspec.Raw = ABSENT
    records: msgspec.Raw = ABSENT
    code: msgspec.Raw = ABSENT
    message: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_answer = msgspec.json.Decoder(_Answer)
_unread = msgspec.json.Decoder(TypedPage[msgspec.Raw])
_raws = msgspec.json.Decoder(list[msgspec.Raw] | None)
_anything = msgspec.json.Decoder()


class Decoder:
    """Reads pages. What it looks for beside what is counted is RecordReader's to explain.

    `met`: the ids of records that have been counted as they are, by their marks, which `compare` gives out.
    """

    def __init__(
        self, key: bytes = b"", dimensions: Sequence[str] = (), met: Mapping[int, bytes] | None = None
    ) -> None:
        self._reader = RecordReader(key, dimensions)
        self._met = {} if met is None else met
        record: Any = self._reader.record
        self._page: msgspec.json.Decoder[TypedPage[Any]] = decoder(TypedPage[record])
        self._records: msgspec.json.Decoder[list[Any]] = decoder(list[record])

    def decode(self, body: bytes) -> Page:
        """The page that a body holds. Raises ErrorBody where the bank said no, Unreadable for everything else."""
        page = self.opened(body)
        if page is None:
            return self._patient(body)
        return self._read(page.total_count, page.records or ()) or self._patient(body)

    def compare(self, body: bytes) -> Page:
        """The same, where most of the records have been counted: what is still as it was stands there by its id alone.

        A record's mark is the hash of its bytes, whatever is in them, so it costs no more than to find where it ends;
        a record that has changed keeps its mark once in 2⁶⁴ changes. Finding the ends of records that then have to be
        read takes a third of what reading them does, so new ones are better read by `decode`.
        """
        page = _documented(_unread, body)
        if page is None:
            return self._patient(body)
        raws = page.records or ()
        marks = list(map(hash, map(bytes, raws)))
        known = list(map(self._met.get, marks))
        unchanged = tuple(filter(None, known))
        if len(unchanged) == len(known):
            return Page(page.total_count, (), unchanged=unchanged)
        other = list(map(not_, known))
        read = self._others(page.total_count, tuple(compress(raws, other)), tuple(compress(marks, other)))
        # Where one record stands there twice, the last of the two says how it is now, so both are read.
        if not set(unchanged).isdisjoint(read.ids()):
            return self.decode(body)
        return replace(read, unchanged=unchanged)

    def _others(self, total_count: int, raws: Sequence[msgspec.Raw], marks: Sequence[int]) -> Page:
        """A page of these records, which are to be known again by these marks, or have to be read one by one."""
        try:
            records = self._records.decode(b"[" + b",".join(raws) + b"]")
        except UNREADABLE:
            return self._one_by_one(total_count, raws)
        return self._read(total_count, records, marks) or self._one_by_one(total_count, raws)

    def opened(self, body: bytes) -> TypedPage[Any] | None:
        """The typed fields of a documented page; None for everything that must be looked at closely."""
        return _documented(self._page, body)

    def _read(self, total_count: int, records: Sequence[Any], marks: Sequence[int] = ()) -> Page | None:
        """A page of typed records; None where one of them has no id: it needs its own bytes, which are not there."""
        ids = columns.identities([record.id for record in records])
        if not all(ids):
            return None
        if not records:
            return Page(total_count, ())
        return Page(total_count, *self._reader.read(records, ids, marks))  # type: ignore[arg-type]  # none is None

    def _patient(self, body: bytes) -> Page:
        """Record by record, so that one that cannot be read costs only itself."""
        answer, raws = _opened(body)
        total_count = _count(answer.total_count)
        if raws:
            code: int | str | None = None
        else:
            code = _error_code(answer, nothing_else=_value(answer.total_count) is None)
        if code is not None:
            raise ErrorBody(code)
        if total_count is None:
            raise Unreadable("malformed")
        return self._one_by_one(total_count, raws)

    def _one_by_one(self, total_count: int, raws: Iterable[msgspec.Raw]) -> Page:
        found = [self._reader.unwrapped(raw) for raw in raws]
        operations = tuple(item for item in found if isinstance(item, Operation))
        return Page(total_count, operations, tuple(item for item in found if isinstance(item, Rejection)))


decode = Decoder().decode
"""Reads pages without looking for repeats or breakdowns."""


def _documented(reader: "msgspec.json.Decoder[TypedPage[R]]", body: bytes) -> TypedPage[R] | None:
    """A documented page; None for everything that must be looked at closely."""
    try:
        page = reader.decode(body)
    except UNREADABLE:
        return None
    if not 0 <= page.total_count < 10**_DIGITS or (page.code is not ABSENT and not page.records):
        return None
    return page


def _opened(body: bytes) -> tuple[_Answer, list[msgspec.Raw]]:
    """The answer's own fields, and its records unread."""
    try:
        return _parted(body)
    except msgspec.ValidationError:  # an array, a text, `records` of another form
        raise Unreadable("malformed") from None
    except UNREADABLE:
        mended = _mended(body)
    try:
        return _parted(mended)
    except UNREADABLE:
        raise Unreadable("malformed") from None


def _parted(body: bytes) -> tuple[_Answer, list[msgspec.Raw]]:
    answer = _answer.decode(body)
    return answer, _raws.decode(answer.records) or []


def _mended(body: bytes) -> bytes:
    """JSON from what strict readers refuse: NaN, half a surrogate, control characters, broken UTF-8, a byte order mark.

    All of them occur in single fields, mostly personal ones that are not even wanted; the rest of the page is good.
    """
    try:
        loose = json.loads(
            body.decode("utf-8-sig", "replace"),
            strict=False,
            parse_float=str,  # numbers as they are written: nothing goes through a binary float
            parse_int=lambda text: int(text) if len(text) < 19 else [],
            parse_constant=lambda _: [],  # of no type that any field takes, so the field is rejected by its name
        )
        return json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        raise Unreadable("not_json") from None


def _value(raw: msgspec.Raw) -> Any:
    try:
        return _anything.decode(raw)
    except UNREADABLE:
        return None


def _count(raw: msgspec.Raw) -> int | None:
    """`totalCount`, also where it is written as text."""
    value = _value(raw)
    text = str(value).strip() if isinstance(value, (int, float, str)) else ""
    return int(text.partition(".")[0]) if _COUNT.fullmatch(text) else None


def _error_code(answer: _Answer, *, nothing_else: bool) -> int | str | None:
    """The code of an error body, None where the answer is none.

    An error may come with an empty list beside it, so a code that says anything at all makes the answer an error; a
    message alone does so only where there is no list.
    """
    code = _value(answer.code)
    if isinstance(code, float) and code.is_integer():
        code = int(code)
    if isinstance(code, str) and re.fullmatch(r"-?\d{1,9}", code.strip(), re.ASCII):
        code = int(code)
    known = isinstance(code, (int, str)) and not isinstance(code, bool)
    if nothing_else:
        said = known or any(_value(raw) is not None for raw in (answer.message, answer.error))
        return (code if known else "") if said else None
    return code if known and code not in (0, "", "ok", "OK") else None
