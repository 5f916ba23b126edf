"""What is read with one question: an account's terminals, as many as the bank is asked for together."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from exporter.config import Account, TerminalFilter

_BATCH: Final = 100


class Lane(NamedTuple):
    """Some terminals of an account, by name, that are read side by side from the start to the end."""

    account: str
    terminals: tuple[str, ...]

    @property
    def name(self) -> str:
        """How the partial file calls it."""
        return f"{self.account}/{self.terminals[0]}"


def lanes(accounts: Iterable[Account]) -> Iterator[Lane]:
    """All that has to be read. Where we pick the terminals out ourselves, one pass over the account finds them all."""
    for account in accounts:
        names = tuple(terminal.name for terminal in account.terminals)
        size = _BATCH if account.terminal_filter is TerminalFilter.SERVER else len(names)
        for first in range(0, len(names), size):
            yield Lane(account.name, names[first : first + size])
