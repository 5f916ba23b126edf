"""What windows hold, the plain way: every entry is looked at again. The running totals are held equal to this."""

from collections import Counter
from collections.abc import Iterable

from exporter.model import Duration, Entry, Instant, Outcome, WindowTally


def recount(entries: Iterable[Entry], at: Instant, window: Duration) -> WindowTally:
    """The window [at - window, at) over entries in any order."""
    inside = [entry for entry in entries if at - window <= entry.created < at]
    amounts: Counter[object] = Counter()
    largest: dict[tuple[Outcome, str], int] = {}
    for entry in inside:
        amounts[entry.key, entry.currency] += entry.amount
        group = (entry.key.outcome, entry.currency)
        largest[group] = max(entry.amount, largest.get(group, 0))
    return WindowTally(
        window,
        Counter(entry.key for entry in inside),
        {pair: amounts[pair] for pair in {(entry.key, entry.currency) for entry in inside}},
        largest,
        Counter((*detail, entry.key.outcome, entry.key.reason_class) for entry in inside for detail in entry.details),
    )
