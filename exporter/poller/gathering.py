"""Reading assignments side by side, and finding the terminal at which the bank takes offence."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from exporter.bank import MAX_RECORDS, Bank, BankError, Refused, SpanTooLarge, Unauthorized
from exporter.model import Assignment, Duration, Instant, Reading
from exporter.windows import pieces, shorter

_FRUITLESS: Final = 8
"""Refused parts of a batch, with none accepted, after which the bank is taken to refuse all of it for now: finding one
guilty terminal among a hundred takes seven steps, and each of them has an innocent half."""

_FRUITLESS_UNAUTHORIZED: Final = 3
"""The same where the account itself seems to be shut out: one forbidden terminal leaves one half innocent at once."""


@dataclass(slots=True)
class Gathered:
    """What came of some assignments: readings, errors by terminal, and what must be asked for in shorter spans."""

    readings: list[Reading] = field(default_factory=list)
    failures: dict[str, BankError] = field(default_factory=dict)
    too_large: list[tuple[Assignment, SpanTooLarge]] = field(default_factory=list)


async def gather(bank: Bank, assignments: Iterable[Assignment]) -> Gathered:
    """Read all assignments; an error of one never costs another."""
    gathered = Gathered()
    async with asyncio.TaskGroup() as tasks:
        for assignment in assignments:
            tasks.create_task(_read(bank, assignment, gathered))
    return gathered


async def _read(bank: Bank, assignment: Assignment, gathered: Gathered) -> None:
    try:
        gathered.readings.append(await bank.read(assignment))
    except SpanTooLarge as error:
        gathered.too_large.append((assignment, error))
    except (Refused, Unauthorized) as error:
        await _split(bank, assignment, error, gathered)
    except BankError as error:
        gathered.failures.update(dict.fromkeys(assignment.terminals, error))


async def _split(bank: Bank, assignment: Assignment, error: BankError, gathered: Gathered) -> None:
    """Halve a refused batch until each guilty terminal stands alone, and read the others."""
    refused, accepted = 1, False
    patience = _FRUITLESS if isinstance(error, Refused) else _FRUITLESS_UNAUTHORIZED
    suspects = [(assignment.terminals, error)]
    while suspects:
        names, reason = suspects.pop(0)
        if len(names) == 1 or (refused >= patience and not accepted):
            gathered.failures.update(dict.fromkeys(names, reason))
            continue
        middle = len(names) // 2
        for half in (names[:middle], names[middle:]):
            part = assignment._replace(terminals=half)
            try:
                gathered.readings.append(await bank.read(part))
                accepted = True
            except SpanTooLarge as large:
                gathered.too_large.append((part, large))
                accepted = True
            except (Refused, Unauthorized) as again:
                refused += 1
                suspects.append((half, again))
            except BankError as other:
                gathered.failures.update(dict.fromkeys(half, other))


def cut(gathered: Gathered, now: Instant) -> Iterator[Assignment]:
    """What was too large, in pieces, last piece first: ready to be put in front of a queue."""
    for assignment, large in gathered.too_large:
        yield from reversed(pieces(assignment, shorter(assignment.span, now, large.total_count, MAX_RECORDS), now))


def stride(gathered: Gathered, now: Instant) -> Duration:
    """How long spans may be after some were too large."""
    return min(shorter(each.span, now, large.total_count, MAX_RECORDS) for each, large in gathered.too_large)


class Quarantine:
    """Terminals that the bank refused while it accepted others: asked on their own, and ever less often.

    Without it, one wrong terminal would cost every poll the search for it.
    """

    def __init__(self, first_pause: float, monotonic: Callable[[], float], longest_pause: float = 300.0) -> None:
        self._first = first_pause
        self._longest = max(longest_pause, first_pause)
        self._monotonic = monotonic
        self._pauses: dict[str, float] = {}
        self._until: dict[str, float] = {}
        self._errors: dict[str, BankError] = {}

    def holds(self, name: str) -> bool:
        """Whether a terminal is to be kept apart from the others."""
        return name in self._until

    def resting(self, name: str) -> BankError | None:
        """Why a terminal is not asked now; None where it may be."""
        return self._errors[name] if self._until.get(name, 0.0) > self._monotonic() else None

    def put(self, name: str, error: BankError) -> None:
        """Keep a refused terminal apart, each time for twice as long."""
        pause = min(2 * self._pauses[name], self._longest) if name in self._pauses else self._first
        self._pauses[name] = pause
        self._until[name] = self._monotonic() + pause
        self._errors[name] = error

    def release(self, name: str) -> None:
        """The bank has accepted the terminal."""
        self._pauses.pop(name, None)
        self._until.pop(name, None)
        self._errors.pop(name, None)
