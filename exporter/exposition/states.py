"""How a terminal is: what is pending, how far it has been read, what it is called."""

from collections.abc import Sequence
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.lines import line, pairs
from exporter.exposition.numbers import major
from exporter.model import SECOND, Instant, Terminal, TerminalSnapshot

STATES: Final = (
    catalogue.PENDING_OPERATIONS,
    catalogue.OLDEST_PENDING,
    catalogue.LAST_OPERATION,
    catalogue.TERMINAL_INFO,
    catalogue.POLL_SUCCESS,
    catalogue.LAST_POLL_SUCCESS,
    catalogue.WATERMARK,
    catalogue.CATCHING_UP,
    catalogue.WINDOW_COMPLETE,
    catalogue.COUNTING_SINCE,
    catalogue.RECONCILIATION_OPERATIONS,
    catalogue.RECONCILIATION_AMOUNT,
)


def state_lines(each: TerminalSnapshot, configured: Sequence[str], *, shown: bool) -> tuple[bytes, ...]:
    """The lines of any terminal, one text for each of STATES. `shown`: its windows are, so what is pending is as well.

    `configured`: names of all labels that any terminal is given; to Prometheus an empty label is none.
    """
    own = pairs(("terminal",), (each.terminal.name,))

    def flag(definition: Definition, value: bool, *, there: bool) -> bytes:
        return line(definition, own, int(value)) if there else b""

    def instant(definition: Definition, value: Instant | None, *, there: bool = True) -> bytes:
        return b"" if value is None or not there else line(definition, own, value / SECOND)

    read, shown, checkpoint = each.read, each.read and shown, each.checkpoint
    difference = each.difference if read else None
    return (
        line(catalogue.PENDING_OPERATIONS, own, each.pending) if shown else b"",
        instant(catalogue.OLDEST_PENDING, each.oldest_pending, there=shown),
        instant(catalogue.LAST_OPERATION, checkpoint.newest, there=read),
        line(catalogue.TERMINAL_INFO, _info(each.terminal, configured), 1) if read else b"",
        flag(catalogue.POLL_SUCCESS, not each.failing, there=each.tried),
        instant(catalogue.LAST_POLL_SUCCESS, each.last_success),
        instant(catalogue.WATERMARK, checkpoint.watermark),
        flag(catalogue.CATCHING_UP, each.catching_up, there=read),
        flag(catalogue.WINDOW_COMPLETE, shown and each.window_complete, there=read),
        instant(catalogue.COUNTING_SINCE, checkpoint.counting_since),
        b"" if difference is None else line(catalogue.RECONCILIATION_OPERATIONS, own, difference.operations),
        b"".join(
            [
                line(
                    catalogue.RECONCILIATION_AMOUNT,
                    pairs(("currency",), (currency,)) + b"," + own,
                    major(amount, currency),
                )
                for currency, amount in (difference.amounts if difference else {}).items()
            ]
        ),
    )


def configured_labels(terminals: Sequence[TerminalSnapshot]) -> tuple[str, ...]:
    """The names of labels of the terminals that have been read, without our own, which are not displaced."""
    names = {name for each in terminals if each.read for name in each.terminal.labels}
    return tuple(sorted(names.difference(catalogue.TERMINAL_INFO.labels)))


def _info(terminal: Terminal, configured: Sequence[str]) -> bytes:
    values = [terminal.labels.get(name, "") for name in configured]
    names = (*catalogue.TERMINAL_INFO.labels, *configured)
    return pairs(names, (terminal.name, terminal.id, terminal.account, *values))
