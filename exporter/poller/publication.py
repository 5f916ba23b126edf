"""The one reference that scrapes read: an immutable snapshot, swapped whole."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from exporter.model import OF_ACCOUNTS, Duration, Instant, Remembered, Snapshot, Supervision, TerminalSnapshot, Total


class Publication:
    """Puts the accounts' parts together. Whoever holds a snapshot is not disturbed by the next one.

    Knows since which snapshot each total has been shown, so that a scraper can be shown a 0 first, and which totals no
    scraper has been shown: a restart must not forget that.
    """

    def __init__(self, stale_after: Duration) -> None:
        self._stale_after = stale_after
        self._terminals: dict[str, tuple[TerminalSnapshot, ...]] = {}
        self._totals: dict[str, dict[Total, int]] = {}
        self._born: dict[Total, int] = {}
        self._unscraped: dict[Total, int] = {}
        self._scraped: list[Total] = []
        self._current = Snapshot(0, 0, stale_after, (), {})
        self.news = asyncio.Event()

    def current(self) -> Snapshot:
        """The newest snapshot."""
        return self._current

    def arrange(self, accounts: Sequence[str], stale_after: Duration, supervision: Supervision) -> None:
        """Show these accounts in this order and no others, and what alert rules compare with.

        What goes away without a scraper ever having been shown it begins with a zero should it come back; what has been
        shown does not, or its value would be counted twice.
        """
        self._stale_after = stale_after
        self._terminals = {name: self._terminals[name] for name in accounts if name in self._terminals}
        self._totals = {name: self._totals[name] for name in accounts if name in self._totals}
        shown = {total for part in self._totals.values() for total in part}
        for total in [total for total in self._unscraped if total not in shown]:
            del self._unscraped[total], self._born[total]
        self._swap(self._current.taken, supervision)

    def restore(self, remembered: Remembered) -> None:
        """Totals that an earlier run has shown do not begin with a zero again."""
        for total in remembered.totals.keys() - remembered.unscraped - self._born.keys():
            self._born[total] = 0

    def scraped(self, sequence: int) -> None:
        """A scraper has been shown a snapshot; `news` is set where that was the first showing of a total."""
        shown = [total for total, born in self._unscraped.items() if born <= sequence]
        for total in shown:
            del self._unscraped[total]
        if shown:
            self._scraped += shown
            self.news.set()

    def newly_scraped(self) -> tuple[Total, ...]:
        """The totals shown for the first time since this was last asked."""
        shown = tuple(self._scraped)
        self._scraped.clear()
        self.news.clear()
        return shown

    def not_kept(self, shown: Iterable[Total]) -> None:
        """Take back what could not be committed, for the next time."""
        self._scraped += shown
        self.news.set()

    def publish(
        self, account: str, terminals: tuple[TerminalSnapshot, ...], totals: Mapping[Total, int], now: Instant
    ) -> None:
        """Replace one account's part."""
        sequence = self._current.sequence + 1
        owners = {each.terminal.name for each in terminals if each.read}
        for total in totals.keys() - self._born.keys():
            if owners and total.labels[0] in (owners if total.family not in OF_ACCOUNTS else {account}):
                self._born[total] = self._unscraped[total] = sequence
        self._terminals[account] = terminals
        self._totals[account] = dict(totals)
        self._swap(now, self._current.supervision)

    def _swap(self, taken: Instant, supervision: Supervision) -> None:
        self._current = Snapshot(
            sequence=self._current.sequence + 1,
            taken=taken,
            stale_after=self._stale_after,
            terminals=tuple(terminal for part in self._terminals.values() for terminal in part),
            totals={total: value for part in self._totals.values() for total, value in part.items()},
            born=dict(self._born),
            supervision=supervision,
        )
