"""The one reference that scrapes read: an immutable snapshot, swapped whole."""

from collections.abc import Mapping

from exporter.model import Duration, Instant, Snapshot, TerminalSnapshot, Total


class Publication:
    """Puts the accounts' parts together. Whoever holds a snapshot is not disturbed by the next one."""

    def __init__(self, stale_after: Duration) -> None:
        self._stale_after = stale_after
        self._terminals: dict[str, tuple[TerminalSnapshot, ...]] = {}
        self._totals: dict[str, dict[Total, int]] = {}
        self._born: dict[Total, int] = {}
        self._current = Snapshot(0, 0, stale_after, (), {})

    def current(self) -> Snapshot:
        """The newest snapshot."""
        return self._current

    def restore(self, totals: Mapping[Total, int]) -> None:
        """Totals of an earlier run: scraped before, so they do not begin with a zero again."""
        self._born.update(dict.fromkeys(totals, 0))

    def publish(
        self, account: str, terminals: tuple[TerminalSnapshot, ...], totals: Mapping[Total, int], now: Instant
    ) -> None:
        """Replace one account's part."""
        sequence = self._current.sequence + 1
        for total in totals:
            self._born.setdefault(total, sequence)
        self._terminals[account] = terminals
        self._totals[account] = dict(totals)
        self._current = Snapshot(
            sequence=sequence,
            taken=now,
            stale_after=self._stale_after,
            terminals=tuple(terminal for part in self._terminals.values() for terminal in part),
            totals={total: value for part in self._totals.values() for total, value in part.items()},
            born=dict(self._born),
        )
