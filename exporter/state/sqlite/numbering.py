"""Values that rows name by a number, so that each is written once."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable
from typing import Generic, TypeVar

from exporter.model import Details, Family, Outcome, Series, SeriesKey, Total

T = TypeVar("T")


class Numbering(Generic[T]):
    """The values of one table, and their numbers. What a transaction adds stays only if it is committed."""

    def __init__(
        self,
        db: sqlite3.Connection,
        table: str,
        columns: tuple[str, ...],
        written: Callable[[T], tuple[str, ...]],
        read: Callable[..., T],
        nothing: T | None = None,
    ) -> None:
        """`nothing` has the number 0 and stands in no table. Raises ValueError or TypeError where a row is not ours."""
        names = ", ".join(columns)
        self._db = db
        self._insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))}) RETURNING number"  # noqa: S608  ours
        self._written = written
        self.values: dict[int, T] = {0: nothing} if nothing is not None else {}
        rows = db.execute(f"SELECT number, {names} FROM {table}").fetchall()  # noqa: S608  ours
        self.values |= {number: read(*texts) for number, *texts in rows}
        self.numbers: dict[T, int] = {value: number for number, value in self.values.items()}
        self._fresh: list[T] = []

    def number(self, value: T) -> int:
        """The number of a value, which is given one if it has none."""
        number = self.numbers.get(value)
        if number is None:
            number = int(self._db.execute(self._insert, self._written(value)).fetchone()[0])
            self.numbers[value] = number
            self.values[number] = value
            self._fresh.append(value)
        return number

    def of(self, values: Collection[T]) -> list[int]:
        """The numbers of many values."""
        numbers = list(map(self.numbers.get, values))
        if None in numbers:
            fresh = {value: self.number(value) for value, known in zip(values, numbers, strict=True) if known is None}
            return [fresh[value] if known is None else known for value, known in zip(values, numbers, strict=True)]
        return numbers  # type: ignore[return-value]  # none is None

    def settle(self, *, committed: bool) -> None:
        """The transaction has ended: numbers given in it went with it, or stay."""
        for value in () if committed else self._fresh:
            del self.values[self.numbers.pop(value)]
        self._fresh.clear()


def names(db: sqlite3.Connection) -> Numbering[str]:
    """Names of terminals, which the days of history stand under."""
    return Numbering(db, "names", ("terminal",), lambda name: (name,), str)


def series(db: sqlite3.Connection) -> Numbering[Series]:
    """Labels of operations."""
    return Numbering(db, "series", ("labels",), lambda value: (_text((*value.key, value.currency)),), _series)


def details(db: sqlite3.Connection) -> Numbering[Details]:
    """What windows are broken down by; nothing has the number 0."""
    return Numbering(db, "details", ("pairs",), lambda value: (json.dumps(value, ensure_ascii=False),), _pairs, ())


def totals(db: sqlite3.Connection) -> Numbering[Total]:
    """Names of totals."""
    return Numbering(
        db, "totals", ("family", "labels"), lambda total: (total.family.value, _text(total.labels)), _total
    )


def _text(labels: Iterable[str]) -> str:
    return json.dumps(list(labels), ensure_ascii=False, separators=(",", ":"))


def _series(labels: str) -> Series:
    terminal, outcome, status, code, reason_code, reason_class, currency = json.loads(labels)
    return Series.of(SeriesKey(terminal, Outcome(outcome), status, code, reason_code, reason_class), currency)


def _pairs(text: str) -> Details:
    return tuple((dimension, value) for dimension, value in json.loads(text))


def _total(family: str, labels: str) -> Total:
    return Total(Family(family), tuple(json.loads(labels)))
