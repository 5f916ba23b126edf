"""What the world knows about itself, for tests: sums by the outcome that it decided, not by any reading of records."""

from collections import Counter
from typing import Any

from exporter.simulator.search import Search
from exporter.simulator.selection import Selection
from exporter.simulator.world import TERMINALS, Operation, World


def visible(world: World, begin: int, end: int, now: int) -> Selection:
    """All operations created in [begin, end) that are listed now."""
    everywhere = tuple(range(len(TERMINALS)))
    return Selection(world, Search(begin, end, everywhere, (), (("created_at", False),), 0, 1), now)


def truth(world: World, begin: int, end: int, now: int) -> dict[str, Any]:
    """Operations and money by terminal, outcome, status, codes and currency, with the status that they have now."""
    operations: Counter[tuple[str, ...]] = Counter()
    amounts: Counter[tuple[str, ...]] = Counter()
    pending = {terminal.number: 0 for terminal in TERMINALS}
    for operation in visible(world, begin, end, now):
        key = _key(operation, now)
        operations[key] += 1
        amounts[key] += operation.amount_minor
        if key[1] == "pending":
            pending[key[0]] += 1
    names = ("terminal", "outcome", "status", "code", "reason_code", "currency")
    rows = [
        {**dict(zip(names, key, strict=True)), "operations": operations[key], "amount_minor": amounts[key]}
        for key in sorted(operations)
    ]
    return {"now": now, "rows": rows, "pending": pending}


def _key(operation: Operation, now: int) -> tuple[str, ...]:
    verdict = operation.verdict_at(now)
    number = TERMINALS[operation.terminal].number
    reason_code = str(verdict.reason_code)
    return number, verdict.outcome, verdict.status, verdict.code, reason_code, operation.currency
