"""What is exposed of one snapshot, written: a scrape is answered from it while the next one is being written."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from exporter.exposition.picture import Picture
from exporter.exposition.pieces import AccountPieces, Counted, TerminalPieces, Texts
from exporter.model import Instant, Snapshot, TerminalSnapshot

_state_of: Final = attrgetter("terminal", "read", "tried", "failing")
_MOST_OTHERS: Final = 4
"""Pictures of a stand that are kept for scrapers to whom something of it is new."""


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of terminals, or of accounts, and their counters as they were then."""

    texts: tuple[Texts, ...]
    counted: tuple[Counted, ...]

    @classmethod
    def of(cls, pieces: Iterable[TerminalPieces | AccountPieces]) -> "Written":
        """What there is of them now; they move on, this does not."""
        pieces = tuple(pieces)
        return cls(tuple([each.texts for each in pieces]), tuple([each.counted for each in pieces]))

    def youngest(self) -> int:
        """The sequence of the snapshot that has shown a total for the first time, of the last such."""
        return max([each.youngest for each in self.counted], default=0)

    def as_met_by(self, exposed: int) -> list[Texts]:
        """The texts for a scraper that has met the totals up to a snapshot: it is shown a 0 for the younger ones."""
        return [
            _with_counters(texts, counted.as_met_by(exposed)) if counted.youngest > exposed else texts
            for texts, counted in zip(self.texts, self.counted, strict=True)
        ]


def _with_counters(texts: Texts, counters: Texts) -> Texts:
    return counters + texts[len(counters) :]


@dataclass(frozen=True, slots=True)
class Stand:
    """A snapshot's lines, which are true from `first` to `last`. May be asked from any thread."""

    snapshot: Snapshot
    first: Instant
    last: Instant
    picture: Picture
    terminals: Written
    accounts: Written
    _making: threading.Lock = field(default_factory=threading.Lock, compare=False)
    _others: dict[int, Picture] = field(default_factory=dict, compare=False)

    def holds(self, now: Instant) -> bool:
        """Whether its lines are true at this moment."""
        return self.first <= now <= self.last

    def plain(self, exposed: int, own: bytes, *, openmetrics: bool) -> bytes:
        """The body for a scraper whose last snapshot was `exposed`; `own` comes last."""
        with self._making:
            picture = self._shown_to(exposed)
        return picture.plain(own, openmetrics=openmetrics)

    def zipped(self, exposed: int, own: bytes, *, openmetrics: bool) -> bytes:
        """The same, compressed: one gzip member."""
        with self._making:
            begun = self._shown_to(exposed).zipped(openmetrics=openmetrics)
        return begun.ended(own)

    def prepare(self, exposed: int, *, openmetrics: bool) -> None:
        """Do beforehand what such a scraper will ask for compressed, and what it will ask for after that."""
        with self._making:
            for picture in (self.picture, self._shown_to(exposed)):
                picture.zipped(openmetrics=openmetrics)

    def _shown_to(self, exposed: int) -> Picture:
        """The picture as a scraper is to see it. In most scrapes nothing is new to it, and it is the one for all."""
        if max(self.terminals.youngest(), self.accounts.youngest()) <= exposed:
            return self.picture
        found = self._others.get(exposed)
        if found is None:
            if len(self._others) >= _MOST_OTHERS:
                self._others.clear()
            found = self.picture.with_others(self.terminals.as_met_by(exposed), self.accounts.as_met_by(exposed))
            self._others[exposed] = found
        return found


def only_numbers_moved(before: Snapshot, after: Snapshot) -> bool:
    """Whether one may be shown in place of the other for a moment.

    Not where anything has come or gone: terminals of a share that was lost, windows of one that has begun to fail or is
    read again, what a reload has changed.
    """
    return (
        before.stale_after == after.stale_after
        and len(before.terminals) == len(after.terminals)
        and all(map(_alike, before.terminals, after.terminals))
        and before.supervision == after.supervision
    )


def _alike(one: TerminalSnapshot, other: TerminalSnapshot) -> bool:
    return one is other or (
        _state_of(one) == _state_of(other)
        and [each.window for each in one.windows] == [each.window for each in other.windows]
    )
