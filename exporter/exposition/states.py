"""How a terminal is: what is pending, how far it has been read, what it is called."""

from collections.abc import Sequence
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.lines import escaped, line, pairs, terminal_label
from exporter.exposition.numbers import major, number
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


class GaugeColumns:
    """The lines of GAUGES of all terminals, one text each: most polls move the times of all, and nothing else."""

    def __init__(self) -> None:
        self._labels: tuple[str, ...] = ()
        self._columns: tuple[Gauges, ...] = ((),) * len(GAUGES)
        self.texts: tuple[bytes, ...] = (b"",) * len(GAUGES)

    def bring_to(self, labels: tuple[str, ...], values: Sequence[Gauges]) -> None:
        """Write the families that have moved. `values`: a terminal's gauges for each of the labels."""
        columns: tuple[Gauges, ...] = tuple(zip(*values, strict=True)) if values else ((),) * len(GAUGES)
        known = self._columns if labels == self._labels else (None,) * len(GAUGES)
        self.texts = tuple(
            [
                text if column == old else _column(definition, labels, column)
                for definition, column, old, text in zip(GAUGES, columns, known, self.texts, strict=True)
            ]
        )
        self._labels, self._columns = labels, columns


def _column(definition: Definition, labels: Sequence[str], column: Gauges) -> bytes:
    start = definition.name + "{"
    return "".join(
        [
            f"{start}{label}}} {number(value)}\n"
            for label, value in zip(labels, column, strict=True)
            if value is not None
        ]
    ).encode()


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
            f'{name}{{currency="{escaped(currency)}",{label}}} {number(major(amount, currency))}\n'
            for currency, amount in (difference.amounts if difference else {}).items()
        ]
    )
