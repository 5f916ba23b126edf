"""How a terminal is: what is pending, how far it has been read, what it is called."""

from collections.abc import Sequence
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.lines import escaped, line, pairs, terminal_label
from exporter.exposition.numbers import major, number
from exporter.model import SECOND, Difference, Terminal, TerminalSnapshot

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

_IN_SECONDS: Final = frozenset(
    (
        catalogue.OLDEST_PENDING,
        catalogue.LAST_OPERATION,
        catalogue.LAST_POLL_SUCCESS,
        catalogue.WATERMARK,
        catalogue.COUNTING_SINCE,
    )
)
"""Those of GAUGES that are instants."""

Column = Sequence[int | None]


def gauges(terminals: Sequence[TerminalSnapshot], shown: Sequence[bool]) -> tuple[Column, ...]:
    """The values of GAUGES, each of all terminals, None where one is absent; instants are as they are.

    `shown`: of each terminal, whether its windows are, and what is pending.
    """
    with_shown = [*zip(terminals, shown, strict=True)]
    differences = [each.difference if each.read else None for each in terminals]
    return (
        [each.pending if each.read and here else None for each, here in with_shown],
        [each.oldest_pending if each.read and here else None for each, here in with_shown],
        [each.checkpoint.newest if each.read else None for each in terminals],
        [not each.failing if each.tried else None for each in terminals],
        [each.last_success for each in terminals],
        [each.checkpoint.watermark for each in terminals],
        [each.catching_up if each.read else None for each in terminals],
        [here and each.window_complete if each.read else None for each, here in with_shown],
        [each.checkpoint.counting_since for each in terminals],
        [None if each is None else each.operations for each in differences],
    )


class GaugeColumns:
    """The lines of GAUGES of all terminals, one text each: most polls move the times of all, and nothing else."""

    def __init__(self) -> None:
        self._labels: Sequence[str] = ()
        self._columns: tuple[Column, ...] = ((),) * len(GAUGES)
        self.texts: tuple[bytes, ...] = (b"",) * len(GAUGES)

    def bring_to(self, labels: Sequence[str], columns: tuple[Column, ...]) -> None:
        """Write the families that have moved. `columns`: for each of GAUGES the values of all the labels."""
        known = self._columns if labels == self._labels else (None,) * len(GAUGES)
        self.texts = tuple(
            [
                text if column == old else _column(definition, labels, column)
                for definition, column, old, text in zip(GAUGES, columns, known, self.texts, strict=True)
            ]
        )
        self._labels, self._columns = labels, columns


def _column(definition: Definition, labels: Sequence[str], column: Column) -> bytes:
    """Terminals that were read together have their times in common, so each number is written once."""
    unit = SECOND if definition in _IN_SECONDS else 1
    written = {value: number(value / unit) for value in set(column) if value is not None}
    start = definition.name + "{"
    return "".join(
        [
            f"{start}{label}}} {written[value]}\n"
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
