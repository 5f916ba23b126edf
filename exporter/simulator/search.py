"""A search as the bank documents it: checked strictly, and turned into spans, terminals and conditions."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from exporter.simulator import records
from exporter.simulator.settings import Settings
from exporter.simulator.world import Operation, terminal

METHOD_MISSING = "Метод поиска отсутствует"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_COMPARISONS = frozenset({"=", "<", ">", "<=", ">="})
_METHODS = frozenset({"between", "in", "like"}) | _COMPARISONS
# Later than any operation, and still a moment that can be counted to.
_FOREVER = 10**17

Condition = Callable[[Operation], bool]
SortKey = Callable[[Operation], Any]


class Refusal(Exception):
    """The bank's answer to a request that it does not understand; `detail` says why, for whoever debugs a client."""

    def __init__(self, detail: str, message: str = METHOD_MISSING) -> None:
        super().__init__(detail)
        self.detail = detail
        self.message = message


class Paging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The block `paging`."""

    page: Annotated[int, msgspec.Meta(ge=0)]
    size: Annotated[int, msgspec.Meta(ge=1)]


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One entry of the block `searchParameters`."""

    name: str
    method: str
    search_parameter: list[str]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One entry of the block `orderParameters`."""

    field: str
    type_order: Literal["ASC", "DESC"]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of a search."""

    paging: Paging
    search_parameters: list[Parameter]
    order_parameters: list[Order] = []


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: a half-open span of creation in microseconds, terminals by index, and what else must hold."""

    begin: int
    end: int
    terminals: tuple[int, ...]
    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]  # field, descending
    skip: int
    size: int


_decoder = msgspec.json.Decoder(Request)

SORT_KEYS: dict[str, SortKey] = {
    "created_at": lambda operation: operation.created,
    "created_date": lambda operation: operation.created,
    "id": lambda operation: operation.id,
    "amount": lambda operation: operation.amount_minor,
    "terminal_id": lambda operation: terminal(operation.terminal).number,
    "invoice_id": records.invoice_id,
    "reference": records.reference,
}

_TEXTS: dict[str, Callable[[Operation], str]] = {
    "invoice_id": records.invoice_id,
    "account_id": lambda operation: records.person(operation).account_id,
    "payer_phone": lambda operation: records.person(operation).phone,
    "payer_email": lambda operation: records.person(operation).email,
    "reference": records.reference,
    "card_mask": records.sender_card_mask,
}


def search(body: bytes, settings: Settings) -> Search:
    """The search in a request's body; raises Refusal for whatever the documentation does not allow."""
    try:
        request = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(str(error), "Некорректный запрос") from None
    begin, end = 0, _FOREVER
    dated = False
    terminals = set(range(settings.terminals))
    conditions: list[Condition] = []
    for parameter in request.search_parameters:
        _check_method(parameter)
        if parameter.name == settings.period_field:
            first, last = _range(parameter, settings, _moment)
            begin, end, dated = max(begin, first), min(end, last), True
        elif parameter.name == "terminal_id":
            terminals &= _terminals(parameter, settings)
        elif parameter.name == "amount":
            conditions.append(_amount_condition(parameter, settings))
        elif parameter.name in _TEXTS:
            conditions.append(_text_condition(parameter))
        else:
            raise Refusal(f"there is no search by {parameter.name!r}")
    if not dated:
        raise Refusal(f"a search by {settings.period_field} is mandatory")
    for order in request.order_parameters:
        if order.field not in SORT_KEYS:
            raise Refusal(f"there is no order by {order.field!r}", "Поле сортировки отсутствует")
    size = min(request.paging.size, settings.size_cap)
    return Search(
        begin=begin,
        end=end,
        terminals=tuple(sorted(terminals)),
        conditions=tuple(conditions),
        order=tuple((order.field, order.type_order == "DESC") for order in request.order_parameters),
        skip=request.paging.page * (size if settings.paging == "page-index" else 1),
        size=size,
    )


def _check_method(parameter: Parameter) -> None:
    method, values = parameter.method, parameter.search_parameter
    if method not in _METHODS:
        raise Refusal(f"there is no method {method!r}")
    if method == "between" and len(values) != 2:
        raise Refusal(f"between takes exactly 2 values, not {len(values)}")
    if method == "in" and not values:
        raise Refusal("in takes at least 1 value")
    if method == "like" and (len(values) != 1 or "%" not in values[0]):
        raise Refusal("like takes exactly 1 value with %")
    if method in _COMPARISONS and len(values) != 1:
        raise Refusal(f"{method} takes exactly 1 value, not {len(values)}")


def _range(parameter: Parameter, settings: Settings, parse: Callable[[str], int]) -> tuple[int, int]:
    """The half-open range of whole numbers that a comparison or between leaves."""
    method = parameter.method
    if method not in _COMPARISONS and method != "between":
        raise Refusal(f"{parameter.name} cannot be searched by {method!r}")
    values = [parse(text) for text in parameter.search_parameter]
    first, last = values[0], values[-1]
    if method == "between":
        if first > last:
            raise Refusal("between takes the lower bound first")
        return first + (settings.bounds == "exclusive"), last + (settings.bounds == "inclusive")
    return {
        "=": (first, first + 1),
        "<": (0, first),
        "<=": (0, first + 1),
        ">": (first + 1, _FOREVER),
        ">=": (first, _FOREVER),
    }[method]


def _moment(text: str) -> int:
    if not _RFC3339.fullmatch(text):
        raise Refusal(f"{text!r} is not a date and time with an offset")
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise Refusal(f"{text!r} is not a moment of the calendar") from None


def _minor_units(text: str) -> int:
    try:
        scaled = Decimal(text) * 100
        exact = scaled == int(scaled)
    except (ArithmeticError, ValueError):
        exact = False
    if not exact:
        raise Refusal(f"{text!r} is not an amount")
    return int(scaled)


def _terminals(parameter: Parameter, settings: Settings) -> set[int]:
    if parameter.method not in {"=", "in"}:
        raise Refusal(f"terminal_id cannot be searched by {parameter.method!r}")
    known = _known_by(settings.terminal_id, settings.terminals)
    for value in parameter.search_parameter:
        if value not in known:
            raise Refusal(f"there is no terminal {value!r}", "Терминал не найден")
    return {known[value] for value in parameter.search_parameter}


@lru_cache(maxsize=8)
def _known_by(name: str, count: int) -> Mapping[str, int]:
    """The terminals by what the filter takes for them."""
    return {terminal(index).uuid if name == "uuid" else terminal(index).number: index for index in range(count)}


def _amount_condition(parameter: Parameter, settings: Settings) -> Condition:
    if parameter.method == "in":
        amounts = {_minor_units(text) for text in parameter.search_parameter}
        return lambda operation: operation.amount_minor in amounts
    first, last = _range(parameter, settings, _minor_units)
    return lambda operation: first <= operation.amount_minor < last


def _text_condition(parameter: Parameter) -> Condition:
    text_of = _TEXTS[parameter.name]
    values: Sequence[str] = parameter.search_parameter
    if parameter.method in {"=", "in"}:
        wanted = frozenset(values)
        return lambda operation: text_of(operation) in wanted
    if parameter.method == "like":
        pattern = re.compile(".*".join(re.escape(part) for part in values[0].split("%")), re.DOTALL)
        return lambda operation: pattern.fullmatch(text_of(operation)) is not None
    raise Refusal(f"{parameter.name} cannot be searched by {parameter.method!r}")
