"""Records read one by one, without a thought of speed: what the payload's columns are held against."""

import json
from collections.abc import Sequence
from typing import Any

from exporter.payload import fields

Row = tuple[object, ...]


class Number(str):
    """A number as it is written."""


def loads(body: str) -> Any:
    """JSON whose numbers with decimals are texts that say so."""
    return json.loads(body, parse_float=Number)


def read(record: Any, dimensions: Sequence[str] = ()) -> Row:
    """An operation without its marks, or the reason why it is none."""
    if not isinstance(record, dict) or not _is_text(record.get("id")) or fields.identity(record["id"]) is None:
        return ("id",)
    wrong = _wrong_type(record)
    if wrong:
        return (wrong,)
    number = str(record["terminal"]).strip()
    if not number:
        return ("terminal",)
    currency = fields.currency(record["currency"])
    if currency is None:
        return ("currency",)
    created = fields.instant(record["dateTime"])
    if created is None:
        return ("date_time",)
    written = record.get("amount")
    amount = None
    if isinstance(written, (str, int)) and not isinstance(written, bool):
        amount = fields.minor_units(str(written).encode(), currency[1])
    if amount is None:
        return ("amount",)
    words = (_word(record.get(name)) for name in ("status", "code", "reasonCode"))
    details = tuple((name, _word(record.get(_camel(name)))) for name in dimensions)
    return (fields.identity(record["id"]), number, created, *words, amount, currency[0], details)


def _wrong_type(record: dict[str, Any]) -> str:
    for name, field in (("terminal", "terminal"), ("currency", "currency"), ("dateTime", "date_time")):
        value = record.get(name)
        whole = isinstance(value, int) and not isinstance(value, bool) and name == "terminal"
        if not _is_text(value) and not whole:
            return field
    for name, field in (("status", "status"), ("code", "code"), ("reasonCode", "reason_code")):
        if isinstance(record.get(name), (bool, list, dict)):
            return field
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def _word(value: Any) -> str:
    if isinstance(value, (bool, list, dict)):  # only where nothing is rejected for it
        return ""
    return fields.word(float(value) if isinstance(value, Number) else value)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
