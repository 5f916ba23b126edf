"""What the world knows about itself, for tests: sums by the outcome that it decided, not by any reading of records."""

from collections import Counter, defaultdict
from typing import Any

from exporter.simulator import records
from exporter.simulator.search import Search
from exporter.simulator.selection import Selection
from exporter.simulator.world import Operation, World, terminal

_MINUTE = 60_000_000


def visible(world: World, begin: int, end: int, now: int) -> Selection:
    """All operations created in [begin, end) that are listed now."""
    everywhere = tuple(range(world.terminals))
    return Selection(world, Search(begin, end, everywhere, (), (("created_at", False),), 0, 1), now)


def truth(world: World, begin: int, end: int, now: int) -> dict[str, Any]:
    """Operations and money by terminal, outcome, status, codes and currency, with the status that they have now.

    Beside them operations by issuer and kind of card, and how many repeat another one of the minute before.
    """
    broken_down: Counter[tuple[str, ...]] = Counter()
    operations: Counter[tuple[str, ...]] = Counter()
    amounts: Counter[tuple[str, ...]] = Counter()
    pending = dict.fromkeys((terminal(index).number for index in range(world.terminals)), 0)
    for operation in visible(world, begin, end, now):
        key = _key(operation, now)
        operations[key] += 1
        amounts[key] += operation.amount_minor
        if key[1] == "pending":
            pending[key[0]] += 1
        for dimension, value in records.dimensions(operation).items():
            broken_down[key[0], dimension, value, key[1], key[4]] += 1
    names = ("terminal", "outcome", "status", "code", "reason_code", "currency")
    rows = [
        {**dict(zip(names, key, strict=True)), "operations": operations[key], "amount_minor": amounts[key]}
        for key in sorted(operations)
    ]
    parts = ("terminal", "dimension", "value", "outcome", "reason_code")
    breakdowns = [
        {**dict(zip(parts, key, strict=True)), "operations": count} for key, count in sorted(broken_down.items())
    ]
    duplicates = _duplicates(world, begin, end, now)
    return {"now": now, "rows": rows, "pending": pending, "breakdowns": breakdowns, "duplicates": duplicates}


def _duplicates(world: World, begin: int, end: int, now: int) -> dict[str, int]:
    """Operations by terminal for which the same transfer was made a minute before at most, maybe before `begin`."""
    latest: dict[tuple[object, ...], int] = {}
    counts: defaultdict[str, int] = defaultdict(int, {terminal(index).number: 0 for index in range(world.terminals)})
    for operation in sorted(visible(world, begin - _MINUTE, end, now)):
        money = operation.amount_minor, operation.currency
        cards = records.sender_card_id(operation), records.receiver_card_id(operation)
        transfer = (operation.terminal, *cards, *money)
        before = latest.get(transfer)
        if before is not None and operation.created - before <= _MINUTE and operation.created >= begin:
            counts[terminal(operation.terminal).number] += 1
        latest[transfer] = operation.created
    return dict(counts)


def _key(operation: Operation, now: int) -> tuple[str, ...]:
    verdict = operation.verdict_at(now)
    number = terminal(operation.terminal).number
    reason_code = str(verdict.reason_code)
    return number, verdict.outcome, verdict.status, verdict.code, reason_code, operation.currency
