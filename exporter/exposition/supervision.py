"""What alert rules compare with: thresholds as configured, and whether the calendar has a say now."""

from collections import defaultdict
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.lines import Heads, line, pairs, terminal_label
from exporter.exposition.numbers import number
from exporter.exposition.withdrawal import ALWAYS, NEVER
from exporter.model import CALENDAR_KINDS, Instant, Supervision

_ALERTS: Final = Heads(catalogue.ALERT_THRESHOLD, "alert", "severity")


def threshold_lines(supervision: Supervision) -> tuple[bytes, ...]:
    """The thresholds, one text for each terminal that has any; they change with the configuration only."""
    texts: defaultdict[str, list[bytes]] = defaultdict(list)
    for terminal, alert, severity, value in supervision.thresholds:
        rest = f"{terminal_label(terminal)}}} {number(value)}\n"
        texts[terminal].append(_ALERTS[alert, severity] + rest.encode())
    return tuple(map(b"".join, texts.values()))


def calendar_lines(supervision: Supervision, now: Instant) -> tuple[str, ...]:
    """Whether a holiday or maintenance is going on, one text for each configured terminal, polled or not."""
    going_on = [entry for entry in supervision.calendar if entry.start <= now < entry.end]
    return tuple(
        "".join(
            [
                line(
                    catalogue.CALENDAR_ACTIVE,
                    pairs(catalogue.CALENDAR_ACTIVE.labels, (terminal, kind)),
                    int(any(entry.kind == kind and entry.concerns(terminal) for entry in going_on)),
                )
                for kind in CALENDAR_KINDS
            ]
        )
        for terminal in supervision.terminals
    )


def unchanged_between(supervision: Supervision, now: Instant) -> tuple[Instant, Instant]:
    """The first and the last instant around this one at which the calendar says the same."""
    bounds = [bound for entry in supervision.calendar for bound in (entry.start, entry.end)]
    first = max((bound for bound in bounds if bound <= now), default=NEVER)
    return first, min((bound for bound in bounds if bound > now), default=ALWAYS + 1) - 1
