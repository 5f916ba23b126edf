"""A terminal's history, a quarter of an hour at a time: how many operations, and what its successes came to."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from exporter.baseline import MISSING, SLOT, WEEK, History
from exporter.model import DAY, HOUR, SLOTS_A_DAY, Duration, Instant, SlotDay, Span

CELL: Final[Duration] = 2 * HOUR
"""What the bank is asked for at a time, and what is read again if it was not read whole."""

_OPERATIONS: Final = ""


@dataclass(slots=True)
class Tally:
    """Operations and amounts of successes (minor units, by currency) by the slot they were created in."""

    operations: dict[int, int] = field(default_factory=dict)
    amounts: dict[str, dict[int, int]] = field(default_factory=dict)

    def add(self, created: Instant, amount: int, currency: str, *, success: bool) -> None:
        """One operation more."""
        slot = created // SLOT
        self.operations[slot] = self.operations.get(slot, 0) + 1
        if success:
            amounts = self.amounts.setdefault(currency, {})
            amounts[slot] = amounts.get(slot, 0) + amount


class Almanac:
    """The slots of the last days: 3 to 7 kB a terminal for five weeks, and 14 to 27 kB for amounts of a currency."""

    def __init__(self, terminal: str, first_day: int, origin: str = "") -> None:
        self._terminal = terminal
        self._origin = origin
        self._series = {_OPERATIONS: History(first_day * DAY)}

    @property
    def operations(self) -> History:
        """Numbers of operations."""
        return self._series[_OPERATIONS]

    @property
    def amounts(self) -> Mapping[str, History]:
        """Amounts of successes in minor units by currency; known where `operations` is known."""
        return {kind: history for kind, history in self._series.items() if kind != _OPERATIONS}

    def restore(self, days: Iterable[SlotDay]) -> None:
        """Take in what a store has kept. A row that is no day of slots is left out: it will be read again."""
        for day in days:
            values = array("q")
            if len(day.values) != SLOTS_A_DAY * values.itemsize or day.day * DAY < self.operations.start:
                continue
            values.frombytes(day.values)
            self._of(day.kind).write(day.day * DAY, values)
        for amounts in self.amounts.values():  # days from before a currency was met hold none of it
            amounts.write(amounts.start, _aligned(self.operations, amounts))

    def put(self, span: Span, tally: Tally) -> None:
        """What a span of whole slots holds, read to its end: a slot that the tally does not name had nothing."""
        start = max(span.start, self.operations.start)
        for currency in tally.amounts:
            self._of(currency)
        for kind, history in self._series.items():
            found = tally.operations if kind == _OPERATIONS else tally.amounts.get(kind, {})
            slots = range(start // SLOT, span.end // SLOT)
            history.write(start, array("q", [found.get(slot, 0) for slot in slots]))

    def lacks(self, span: Span) -> bool:
        """Whether anything of a span of whole slots is not known; what is older than what is held is not missed."""
        wanted = (span.end - max(span.start, self.operations.start)) // SLOT
        known = self.operations.between(span.start, span.end)
        return len(known) < wanted or MISSING in known

    def days(self, span: Span) -> Iterator[SlotDay]:
        """The days that a span touches, as a store keeps them."""
        for day in range(max(span.start, self.operations.start) // DAY, -(-span.end // DAY)):
            for kind, history in self._series.items():
                values = array("q", history.between(day * DAY, (day + 1) * DAY))
                values.extend([MISSING] * (SLOTS_A_DAY - len(values)))
                yield SlotDay(self._terminal, day, kind, values.tobytes(), self._origin)

    def forget(self, first_day: int) -> None:
        """Let go of what is older than a day."""
        for history in self._series.values():
            history.drop_before(first_day * DAY)

    def _of(self, kind: str) -> History:
        """The series of a kind; a currency met for the first time had nothing where operations are known."""
        history = self._series.get(kind)
        if history is None:
            known = self.operations
            history = self._series[kind] = History(known.start)
            history.write(known.start, _aligned(known, history))
        return history


def _aligned(operations: History, amounts: History) -> "array[int]":
    """The amounts, 0 where operations are known and amounts are not."""
    lack = [MISSING] * (len(operations) - len(amounts))
    return array(
        "q",
        [
            0 if amount == MISSING != known else amount
            for known, amount in zip(operations.values, [*amounts.values, *lack], strict=False)
        ],
    )


def cells(now: Instant, history: Duration, settled: Duration) -> list[Span]:
    """The stretches of the last `history` that have been closed for `settled`, in the order of need.

    What was at the coming hours of past weeks is needed first, so that a baseline is there within minutes; the weeks
    are asked for from the last one back.
    """
    last = (now - settled) // CELL
    first = -(-(now - history) // CELL)
    spans = (Span(cell * CELL, (cell + 1) * CELL) for cell in range(first, last))
    ahead = CELL + HOUR  # the longest usual window, which ends now, begins in a cell that began before it
    return sorted(spans, key=lambda span: ((span.start - now + ahead) // CELL * CELL % WEEK, -span.start))
