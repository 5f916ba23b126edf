"""From snapshots to pictures: what has changed is written anew, all else is kept."""

import threading
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.picture import Picture, columns_of, texts_of
from exporter.exposition.pieces import AccountPieces, TerminalPieces
from exporter.exposition.states import GAUGES, GaugeColumns, configured_labels, gauges
from exporter.exposition.supervision import SupervisionPieces
from exporter.exposition.withdrawal import ALWAYS, NEVER, last_shown
from exporter.model import MINUTE, Duration, Instant, Owner, Snapshot

_WANTED_FOR: Final[Duration] = 10 * MINUTE
"""For how long after a format was last asked for, compressed, it is compressed beforehand."""


class Exposition:
    """Keeps the lines of the last snapshot by terminal and family. May be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._terminals: dict[str, TerminalPieces] = {}
        self._accounts: dict[str, AccountPieces] = {}
        self._gauges = GaugeColumns()
        self._configured: tuple[str, ...] = ()
        self._supervision = SupervisionPieces()
        self._first, self._last = ALWAYS, NEVER
        self._picture = Picture({}, {})
        self._wanted: dict[bool, Instant] = {}

    def prepare(self, snapshot: Snapshot, now: Instant) -> None:
        """Do beforehand what the next scrapes will ask for."""
        with self._lock:
            self._bring_to(snapshot, now)
            for openmetrics, asked in self._wanted.items():
                if now - asked < _WANTED_FOR:
                    self._picture.zipped(openmetrics=openmetrics)

    def plain(self, snapshot: Snapshot, now: Instant, exposed: int, own: bytes, *, openmetrics: bool) -> bytes:
        """The body for a scraper whose last snapshot was `exposed`; `own` comes last."""
        with self._lock:
            picture = self._shown(snapshot, now, exposed)
        return picture.plain(own, openmetrics=openmetrics)

    def zipped(self, snapshot: Snapshot, now: Instant, exposed: int, own: bytes, *, openmetrics: bool) -> bytes:
        """The same, compressed: one gzip member."""
        with self._lock:
            picture = self._shown(snapshot, now, exposed)
            self._wanted[openmetrics] = now
            begun = picture.zipped(openmetrics=openmetrics)
        return begun.ended(own)

    def _shown(self, snapshot: Snapshot, now: Instant, exposed: int) -> Picture:
        """The picture as a scraper is to see it. In most scrapes nothing is new to it, and it is the one for all."""
        self._bring_to(snapshot, now)
        terminals, accounts = self._terminals.values(), self._accounts.values()
        youngest = [each.counted.youngest for each in terminals] + [each.counted.youngest for each in accounts]
        if max(youngest, default=0) <= exposed:
            return self._picture
        return self._picture.with_others(texts_of(terminals, exposed), texts_of(accounts, exposed))

    def _bring_to(self, snapshot: Snapshot, now: Instant) -> None:
        if snapshot is self._snapshot and self._first <= now <= self._last:
            return
        self._first, self._last = NEVER, ALWAYS
        self._update_terminals(snapshot, now)
        self._update_accounts(snapshot)
        self._supervision.bring_to(snapshot.supervision, now)
        self._hold(*self._supervision.holds)
        self._snapshot = snapshot
        terminals, accounts = self._terminals.values(), self._accounts.values()
        columns = columns_of([each.texts for each in terminals], [each.texts for each in accounts])
        columns.update(zip(GAUGES, ((text,) for text in self._gauges.texts), strict=True))
        columns[catalogue.ALERT_THRESHOLD] = self._supervision.thresholds
        columns[catalogue.CALENDAR_ACTIVE] = self._supervision.calendar
        self._picture = Picture(columns, self._picture.blocks)

    def _update_terminals(self, snapshot: Snapshot, now: Instant) -> None:
        before, self._terminals = self._terminals, {}
        if (configured := configured_labels(snapshot.terminals)) != self._configured:
            self._configured = configured
        lasts = [last_shown(each, snapshot) for each in snapshot.terminals]
        shown = [now <= last for last in lasts]
        totals_of, born_of = snapshot.totals.of, snapshot.born.of
        for each, here in zip(snapshot.terminals, shown, strict=True):
            name = each.terminal.name
            pieces = self._terminals[name] = before.get(name) or TerminalPieces(name)
            owner = pieces.owner
            pieces.bring_to(each, totals_of(owner), born_of(owner), self._configured, shown=here)
        labels = [pieces.label for pieces in self._terminals.values()]
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
