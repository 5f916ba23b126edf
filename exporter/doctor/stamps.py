"""How records write their time: what the payload reads past, because only the doctor wants to know it."""

import re
from typing import Any, Final, NamedTuple

import msgspec

from exporter.model import Instant
from exporter.payload import fields

_OFFSET: Final = re.compile(r"(?:\.(\d+))?([Zz]|[+-]\d\d:?\d\d)$", re.ASCII)
_READABLE_DIGITS: Final = 6


class Stamp(NamedTuple):
    """A record's id, its instant, the offset that it is written with, and whether no digit was cut off."""

    id: bytes
    created: Instant
    offset: str
    exact: bool


class _Record(msgspec.Struct, rename="camel", gc=False):
    id: Any = None
    date_time: Any = None


class _Page(msgspec.Struct, gc=False):
    records: list[_Record] | None = None


_decoder = msgspec.json.Decoder(_Page)


def stamps(body: bytes) -> tuple[Stamp, ...]:
    """The stamps of a page, in its order; records that cannot be read have none."""
    try:
        records = _decoder.decode(body).records or []
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ()
    return tuple(stamp for record in records if (stamp := _stamp(record)) is not None)


def _stamp(record: _Record) -> Stamp | None:
    if not isinstance(record.id, str) or not isinstance(record.date_time, str):
        return None
    identity, created = fields.identity(record.id), fields.instant(record.date_time)
    written = _OFFSET.search(record.date_time)
    if identity is None or created is None or written is None:
        return None
    digits, offset = written[1] or "", written[2].upper()
    return Stamp(identity, created, offset, exact=not digits[_READABLE_DIGITS:].strip("0"))
