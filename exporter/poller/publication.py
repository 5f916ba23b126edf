"""The one reference that scrapes read: an immutable snapshot, swapped whole."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain

from exporter.model import (
    Duration,
    Instant,
    Owner,
    Part,
    Remembered,
    Snapshot,
    Supervision,
    TerminalSnapshot,
    Total,
    Totals,
    owner_of,
)


class Publication:
    """Puts the accounts' parts together. Whoever holds a snapshot is not disturbed by the next one.

    Looks only at what is of the account that comes, goes or is read: there may be a hundred of them.
    Knows since which snapshot each total has been shown, so that a scraper can be shown a 0 first, and which totals no
    scraper has been shown: a restart must not forget that. `news` is set by a first showing of a total, `published` by
    each new snapshot.
    """

    def __init__(self, stale_after: Duration) -> None:
        self._stale_after = stale_after
        self._terminals: dict[str, tuple[TerminalSnapshot, ...]] = {}
        self._totals: dict[str, Totals] = {}
        self._parts: dict[Owner, Part] = {}
        self._met: dict[Owner, Part] = {}
        self._born: dict[Owner, Part] = {}
        self._births: Totals | None = None
        self._unscraped: dict[Owner, dict[Total, int]] = {}
        self._lessened: set[Owner] = set()
        self._scraped: list[Total] = []
        self._current = Snapshot(0, 0, stale_after, (), Totals())
        self.news = asyncio.Event()
        self.published = asyncio.Event()

    def current(self) -> Snapshot:
        """The newest snapshot."""
        return self._current

    def of(self, account: str) -> tuple[TerminalSnapshot, ...]:
        """An account's part of it, empty before its first."""
        return self._terminals.get(account, ())

    def arrange(self, accounts: Sequence[str], stale_after: Duration, supervision: Supervision) -> None:
        """Show these accounts in this order and no others, and what alert rules compare with.

        What goes away without a scraper ever having been shown it begins with a zero should it come back; what has been
        shown does not, or its value would be counted twice.
        """
        self._stale_after = stale_after
        for name in self._totals.keys() - set(accounts):
            self._replace(self._totals[name], Totals())
        self._terminals = {name: self._terminals[name] for name in accounts if name in self._terminals}
        self._totals = {name: self._totals[name] for name in accounts if name in self._totals}
        for owner in self._lessened:
            unscraped = self._unscraped.get(owner, {})
            if gone := unscraped.keys() - self._parts.get(owner, {}).keys():
                self._unscraped[owner] = {total: born for total, born in unscraped.items() if total not in gone}
                self._born_anew(owner, {total: at for total, at in self._born[owner].items() if total not in gone})
                self._met.pop(owner, None)
        self._lessened.clear()
        self._swap(self._current.taken, supervision)

    def restore(self, remembered: Remembered) -> None:
        """Totals that an earlier run has shown do not begin with a zero again."""
        for owner, part in Totals(remembered.totals).parts():
            born = self._born.get(owner, {})
            self._born_anew(owner, dict.fromkeys(part.keys() - remembered.unscraped, 0) | born)

    def scraped(self, sequence: int) -> None:
        """A scraper has been shown a snapshot; `news` is set where that was the first showing of a total."""
        shown = [total for its in self._unscraped.values() for total, born in its.items() if born <= sequence]
        for total in shown:
            del self._unscraped[owner_of(total)][total]
        if shown:
            self._unscraped = {owner: its for owner, its in self._unscraped.items() if its}
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

    def publish(self, account: str, terminals: tuple[TerminalSnapshot, ...], totals: Totals, now: Instant) -> None:
        """Replace one account's part. Totals are born when their terminal is read, those of the account with the first.

        Looks into the totals only of those that have changed: a poll of a thousand terminals moves those of a few.
        """
        owners = [Owner(False, each.terminal.name) for each in terminals if each.read]
        for owner in (*owners, Owner(True, account)) if owners else ():
            part = totals.of(owner)
            if self._met.get(owner) is not part:
                self._met[owner] = part
                self._bear(owner, part)
        self._replace(self._totals.get(account, Totals()), totals)
        self._terminals[account] = terminals
        self._totals[account] = totals
        self._swap(now, self._current.supervision)

    def _replace(self, before: Totals, after: Totals) -> None:
        """Show other totals of an account. A terminal that goes to another account may be there already."""
        for owner, part in before.parts():
            left = after.of(owner)
            if left is not part and not part.keys() <= left.keys():
                self._lessened.add(owner)
                if self._parts.get(owner) is part:
                    del self._parts[owner]
        self._parts.update(after.parts())

    def _bear(self, owner: Owner, part: Part) -> None:
        born = self._born.get(owner, {})
        fresh = dict.fromkeys(part.keys() - born.keys(), self._current.sequence + 1)
        if fresh:
            self._born_anew(owner, born | fresh)
            self._unscraped[owner] = self._unscraped.get(owner, {}) | fresh

    def _born_anew(self, owner: Owner, born: Part) -> None:
        self._born[owner] = born
        self._births = None

    def _swap(self, taken: Instant, supervision: Supervision) -> None:
        if self._births is None:
            self._births = Totals.of_parts(self._born)
        self._current = Snapshot(
            sequence=self._current.sequence + 1,
            taken=taken,
            stale_after=self._stale_after,
            terminals=tuple(chain.from_iterable(self._terminals.values())),
            totals=Totals.of_parts(self._parts),
            born=self._births,
            supervision=supervision,
        )
        self.published.set()
