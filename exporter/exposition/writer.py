"""From snapshots to stands: what has changed is written anew, all else is kept."""

from exporter.exposition import catalogue
from exporter.exposition.picture import Picture, columns_of
from exporter.exposition.pieces import AccountPieces, TerminalPieces
from exporter.exposition.stand import Stand, Written
from exporter.exposition.states import GAUGES, GaugeColumns, configured_labels, gauges
from exporter.exposition.supervision import SupervisionPieces
from exporter.exposition.withdrawal import ALWAYS, NEVER, last_shown
from exporter.model import Instant, Owner, Snapshot


class Writer:
    """Keeps the lines of the last snapshot by terminal and family. For one thread at a time."""

    def __init__(self) -> None:
        self.terminals: dict[str, TerminalPieces] = {}
        self._accounts: dict[str, AccountPieces] = {}
        self._gauges = GaugeColumns()
        self._configured: tuple[str, ...] = ()
        self._supervision = SupervisionPieces()
        self._first, self._last = ALWAYS, NEVER
        self._picture = Picture({}, {})

    def written(self, snapshot: Snapshot, now: Instant) -> Stand:
        """The lines of a snapshot as they are at a moment."""
        self._first, self._last = NEVER, ALWAYS
        self._update_terminals(snapshot, now)
        self._update_accounts(snapshot)
        self._supervision.bring_to(snapshot.supervision, now)
        self._hold(*self._supervision.holds)
        terminals, accounts = Written.of(self.terminals.values()), Written.of(self._accounts.values())
        columns = columns_of(terminals.texts, accounts.texts)
        columns.update(zip(GAUGES, ((text,) for text in self._gauges.texts), strict=True))
        columns[catalogue.ALERT_THRESHOLD] = self._supervision.thresholds
        columns[catalogue.CALENDAR_ACTIVE] = self._supervision.calendar
        self._picture = Picture(columns, self._picture.blocks)
        return Stand(snapshot, self._first, self._last, self._picture, terminals, accounts)

    def _update_terminals(self, snapshot: Snapshot, now: Instant) -> None:
        before, self.terminals = self.terminals, {}
        if (configured := configured_labels(snapshot.terminals)) != self._configured:
            self._configured = configured
        lasts = [last_shown(each, snapshot) for each in snapshot.terminals]
        shown = [now <= last for last in lasts]
        totals_of, born_of = snapshot.totals.of, snapshot.born.of
        for each, here in zip(snapshot.terminals, shown, strict=True):
            name = each.terminal.name
            pieces = self.terminals[name] = before.get(name) or TerminalPieces(name)
            owner = pieces.owner
            pieces.bring_to(each, totals_of(owner), born_of(owner), self._configured, shown=here)
        labels = [pieces.label for pieces in self.terminals.values()]
        self._gauges.bring_to(labels, gauges(snapshot.terminals, shown))
        self._hold(
            max([last + 1 for last, here in zip(lasts, shown, strict=True) if not here], default=NEVER),
            min([last for last, here in zip(lasts, shown, strict=True) if here], default=ALWAYS),
        )

    def _update_accounts(self, snapshot: Snapshot) -> None:
        before, self._accounts = self._accounts, {}
        for name in dict.fromkeys(each.terminal.account for each in snapshot.terminals if each.read):
            pieces = self._accounts[name] = before.get(name) or AccountPieces(name)
            owner = Owner(True, name)
            pieces.bring_to(snapshot.totals.of(owner), snapshot.born.of(owner))

    def _hold(self, first: Instant, last: Instant) -> None:
        """What has just been written is true between these two instants only: a clock may be set back, too."""
        self._first, self._last = max(self._first, first), min(self._last, last)
