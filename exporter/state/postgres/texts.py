"""Texts by number: names of terminals, labels of series and details stand once each, and operations refer to them."""

import threading
from collections.abc import Iterable

import psycopg


class Texts:
    """The numbers known so far, for any thread. A number once given is never changed, so what is known stays right."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    def numbers(self, connection: psycopg.Connection, texts: Iterable[str], *, give: bool) -> dict[str, int]:
        """The numbers of texts; with `give`, those without one get one, outside of any transaction."""
        wanted = set(texts)
        with self._lock:
            found = {text: self._numbers[text] for text in wanted if text in self._numbers}
        missing = sorted(wanted - found.keys())  # in one order, or two replicas could wait for each other
        if not missing:
            return found
        if give:
            connection.execute(
                "INSERT INTO epay.texts (text) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (missing,)
            )
        rows = connection.execute("SELECT text, number FROM epay.texts WHERE text = ANY(%s)", (missing,)).fetchall()
        return found | self._learnt(rows)

    def texts(self, connection: psycopg.Connection, numbers: Iterable[int]) -> dict[int, str]:
        """The texts of numbers."""
        wanted = set(numbers)
        with self._lock:
            found = {number: self._texts[number] for number in wanted if number in self._texts}
        if missing := list(wanted - found.keys()):
            sql = "SELECT text, number FROM epay.texts WHERE number = ANY(%s)"
            rows = connection.execute(sql, (missing,)).fetchall()
            self._learnt(rows)
            found |= {number: text for text, number in rows}
        return found

    def _learnt(self, rows: Iterable[tuple[str, int]]) -> dict[str, int]:
        learnt = dict(rows)
        with self._lock:
            self._numbers |= learnt
            self._texts |= {number: text for text, number in learnt.items()}
        return learnt
