"""What a reading holds for the history: rows to count, under labels bounded as the live ones are; and the rest."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exporter.ledger.labels import LabelBook
from exporter.model import Instant, Reading, SeriesKey, Span, Terminal
from exporter.outcomes import Outcomes

FOREIGN = "foreign"
"""The kind of a stranger that is of no configured terminal; all other kinds are reasons of rejections."""


class Row(NamedTuple):
    """An operation of ours, as it is kept until all is read: nothing personal, and its labels."""

    id: bytes
    created: Instant
    key: SeriesKey
    currency: str
    amount: int


class Stranger(NamedTuple):
    """A record that is not counted, and why."""

    id: bytes
    kind: str


class Sieve:
    """Sorts one account's records. Codes are admitted to labels in the order of time, first come, first served."""

    def __init__(
        self, terminals: Sequence[Terminal], outcomes: Outcomes, max_codes: int, span: Span, known: Iterable[SeriesKey]
    ) -> None:
        self._span = span
        self._names = {terminal.number: terminal.name for terminal in terminals}
        self._labels = {terminal.name: LabelBook(terminal.name, outcomes, max_codes) for terminal in terminals}
        for key in known:
            if key.terminal in self._labels:
                self._labels[key.terminal].restore((key,))

    def sift(self, reading: Reading) -> tuple[list[Row], list[Stranger]]:
        """The rows created within the history, in order of time, and the strangers.

        An operation counts by its own time, in whichever span it was met: the bank may search by another field than
        the one that records show, and spans overlap a little. Ids see to it that it counts once.
        """
        strangers = [Stranger(rejection.id, rejection.reason) for rejection in reading.rejections]
        rows: list[Row] = []
        for operation in sorted(reading.operations, key=lambda each: (each.created, each.id)):
            if not self._span.start <= operation.created < self._span.end:
                continue
            name = self._names.get(operation.number)
            if name is None:
                strangers.append(Stranger(operation.id, FOREIGN))
                continue
            key = self._labels[name].label(operation.status, operation.code, operation.reason_code).key
            rows.append(Row(operation.id, operation.created, key, operation.currency, operation.amount))
        return rows, strangers
