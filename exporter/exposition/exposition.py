"""What scrapes are answered with: never half a snapshot, and nobody waits for the next one to be written."""

import threading
from typing import NamedTuple

from exporter.exposition.audience import Audience, Seat
from exporter.exposition.stand import Stand, only_numbers_moved
from exporter.exposition.writer import Writer
from exporter.model import Instant, Snapshot


class Answer(NamedTuple):
    """A body, and the sequence of the snapshot that it shows."""

    body: bytes
    sequence: int


class Exposition:
    """Answers scrapes with what was written last. May be asked from any thread.

    `prepared`: somebody prepares each snapshot as it comes. Until that is done a scrape is answered with the one
    before, which is whole and says itself how old it is. Only where something has come or gone since, or ceases to be
    shown at this very moment, is the newest one waited for: what is withdrawn is withdrawn at once.
    """

    def __init__(self, *, prepared: bool = False) -> None:
        self._prepared = prepared
        self._writing = threading.Lock()
        self._writer = Writer()
        self._stand: Stand | None = None
        self._audience = Audience()

    def prepare(self, snapshot: Snapshot, now: Instant) -> None:
        """Write a snapshot, and do beforehand what the next scrapes will ask for."""
        with self._writing:
            stand = self._stand
            if stand is not None and stand.snapshot.sequence > snapshot.sequence:
                return  # a scrape has not waited for this
            try:
                if stand is None or stand.snapshot is not snapshot or not stand.holds(now):
                    stand = self._writer.written(snapshot, now)
                for openmetrics, exposed in self._audience.expected(now):
                    stand.prepare(exposed, openmetrics=openmetrics)
            except BaseException:
                self._stand = None  # a defect must be seen: what is older and older would hide it
                raise
            self._stand = stand

    def plain(self, snapshot: Snapshot, now: Instant, exposed: int, own: bytes, *, openmetrics: bool) -> Answer:
        """The answer for a scraper whose last snapshot was `exposed`; `own` comes last."""
        stand = self._standing(snapshot, now)
        return Answer(stand.plain(exposed, own, openmetrics=openmetrics), stand.snapshot.sequence)

    def zipped(self, snapshot: Snapshot, now: Instant, exposed: int, own: bytes, *, openmetrics: bool) -> Answer:
        """The same, compressed: one gzip member."""
        stand = self._standing(snapshot, now)
        sequence = stand.snapshot.sequence
        self._audience.moved(Seat(openmetrics, exposed), Seat(openmetrics, max(exposed, sequence)), now)
        return Answer(stand.zipped(exposed, own, openmetrics=openmetrics), sequence)

    def _standing(self, snapshot: Snapshot, now: Instant) -> Stand:
        return self._good(snapshot, now) or self._written(snapshot, now)

    def _good(self, snapshot: Snapshot, now: Instant) -> Stand | None:
        """What there is, where it may be shown for a snapshot at this moment."""
        stand = self._stand
        if stand is None or not stand.holds(now):
            return None
        shown = stand.snapshot
        return stand if shown is snapshot or (self._prepared and only_numbers_moved(shown, snapshot)) else None

    def _written(self, snapshot: Snapshot, now: Instant) -> Stand:
        with self._writing:
            stand = self._stand
            if stand is not None and stand.snapshot.sequence > snapshot.sequence:
                snapshot = stand.snapshot  # has come meanwhile; a counter must not go back for who has seen it
            stand = self._good(snapshot, now)  # may have been written while it was waited for
            if stand is None:
                stand = self._stand = self._writer.written(snapshot, now)
            return stand
