"""Hand-made stand-ins for what lies behind the ports, with the same promises."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from exporter.bank import BankError, Refused, SpanTooLarge
from exporter.model import (
    SECOND,
    Assignment,
    Decision,
    Event,
    Instant,
    Operation,
    PollMade,
    Reading,
    Remembered,
)
from exporter.state import CommitFailed, MemoryStore
from tests.builders import T0


class FakeClock:
    """A wall clock and a monotonic one that move together, when told to."""

    def __init__(self, start: Instant = T0) -> None:
        self.now = start
        self.ahead = 0
        self.wrong = 0

    def __call__(self) -> Instant:
        return self.now

    def fast(self) -> Instant:
        """The clock of a machine that is ahead of the bank."""
        return self.now + self.ahead

    def monotonic(self) -> float:
        return self.now / SECOND

    def advance(self, duration: int) -> None:
        self.now += duration


@dataclass
class FakeBank:
    """A bank that lists what it holds at once; `fail` decides what an assignment is answered with instead."""

    operations: dict[bytes, Operation] = field(default_factory=dict)
    asked: list[Assignment] = field(default_factory=list)
    fail: Callable[[Assignment], BankError | None] = lambda _: None
    numbers: dict[str, str] = field(default_factory=dict)
    limit: int = 20_000
    miscounts: int = 0

    def put(self, *operations: Operation) -> None:
        for operation in operations:
            self.operations[operation.id] = operation

    async def read(self, assignment: Assignment) -> Reading:
        self.asked.append(assignment)
        error = self.fail(assignment)
        if error is not None:
            raise error
        (start, end), names = assignment.span, assignment.terminals
        numbers = {self.numbers.get(name, name) for name in names}
        found = tuple(o for o in self.operations.values() if start <= o.created < end and o.number in numbers)
        if len(found) > self.limit and end - start > SECOND:
            raise SpanTooLarge(len(found))
        total = len(found) + self.miscounts
        return Reading(assignment, found, (), total, not self.miscounts)


def refusing(*guilty: str) -> Callable[[Assignment], BankError | None]:
    """A bank that refuses every request that names one of these terminals."""
    return lambda assignment: Refused("no", 232) if set(guilty) & set(assignment.terminals) else None


@dataclass
class Recorder:
    """An observer that keeps what it was told."""

    events: list[Event] = field(default_factory=list)

    def observe(self, event: Event) -> None:
        self.events.append(event)

    @property
    def polls(self) -> list[str]:
        return [event.result for event in self.events if isinstance(event, PollMade)]


class FlakyStore(MemoryStore):
    """A store whose disk can be full."""

    full = False

    def commit(self, decision: Decision) -> None:
        if self.full:
            raise CommitFailed("state: the disk is full")
        super().commit(decision)


def names_of(assignments: Iterable[Assignment]) -> list[tuple[str, ...]]:
    """Which terminals were asked for together."""
    return [assignment.terminals for assignment in assignments]


def empty() -> Remembered:
    """A state that knows nothing."""
    return Remembered({}, (), {})
