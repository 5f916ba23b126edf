"""How a terminal is: what is pending, how far it has been read, what it is called."""

from collections.abc import Sequence
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.lines import escaped, line, pairs, terminal_label
from exporter.exposition.numbers import money
from exporter.model import SECOND, Difference, Instant, Terminal, TerminalSnapshot

GAUGES: Final = (
    catalogue.PENDING_OPERATIONS,
    catalogue.OLDEST_PENDING,
    catalogue.LAST_OPERATION,
    catalogue.POLL_SUCCESS,
    catalogue.LAST_POLL_SUCCESS,
    catalogue.WATERMARK,
    catalogue.CATCHING_UP,
    catalogue.WINDOW_COMPLETE,
    catalogue.COUNTING_SINCE,
    catalogue.RECONCILIATION_OPERATIONS,
)
DESCRIPTIONS: Final = (catalogue.TERMINAL_INFO, catalogue.RECONCILIATION_AMOUNT)

Gauges = tuple[float | None, ...]


def gauges(each: TerminalSnapshot, *, shown: bool) -> Gauges:
    """The values of GAUGES of any terminal, None where one is absent. `shown`: its windows are, and what is pending."""
    read, shown, checkpoint, difference = each.read, each.read and shown, each.checkpoint, each.difference
    return (
        each.pending if shown else None,
        _seconds(each.oldest_pending) if shown else None,
        _seconds(checkpoint.newest) if read else None,
        not each.failing if each.tried else None,
        _seconds(each.last_success),
        checkpoint.watermark / SECOND,
        each.catching_up if read else None,
        shown and each.window_complete if read else None,
        checkpoint.counting_since / SECOND,
        difference.operations if read and difference is not None else None,
    )


def gauge_lines(terminal: str, values: Gauges, known: Gauges, texts: Sequence[bytes]) -> tuple[bytes, ...]:
    """One text for each of GAUGES. Those whose value is known are taken over: most polls move the times only."""
    label = terminal_label(terminal)
    return tuple(
        [
            text if value == old else b"" if value is None else line(definition, label, value).encode()
            for definition, value, old, text in zip(GAUGES, values, known, texts, strict=True)
        ]
    )


def description_lines(each: TerminalSnapshot, configured: Sequence[str]) -> tuple[str, ...]:
    """The lines of a terminal that has been read, one text for each of DESCRIPTIONS, which seldom change.

    `configured`: names of all labels that any terminal is given; to Prometheus an empty label is none.
    """
    return line(catalogue.TERMINAL_INFO, _info(each.terminal, configured), 1), _amounts(each, each.difference)


def configured_labels(terminals: Sequence[TerminalSnapshot]) -> tuple[str, ...]:
    """The names of labels of the terminals that have been read, without our own, which are not displaced."""
    names = {name for each in terminals if each.read for name in each.terminal.labels}
    return tuple(sorted(names.difference(catalogue.TERMINAL_INFO.labels)))


def _seconds(instant: Instant | None) -> float | None:
    return None if instant is None else instant / SECOND


def _info(terminal: Terminal, configured: Sequence[str]) -> str:
    values = [terminal.labels.get(name, "") for name in configured]
    names = (*catalogue.TERMINAL_INFO.labels, *configured)
    return pairs(names, (terminal.name, terminal.id, terminal.account, *values))


def _amounts(each: TerminalSnapshot, difference: Difference | None) -> str:
    label, name = terminal_label(each.terminal.name), catalogue.RECONCILIATION_AMOUNT.name
    return "".join(
        [
            f'{name}{{currency="{escaped(currency)}",{label}}} {money(amount, currency)}\n'
            for currency, amount in (difference.amounts if difference else {}).items()
        ]
    )
