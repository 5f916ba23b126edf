"""Who will come again: how far the scrapers have been shown what there is."""

import threading
from typing import Final, NamedTuple

from exporter.model import MINUTE, Duration, Instant

_COMES_WITHIN: Final[Duration] = 10 * MINUTE
_MOST: Final = 3
"""So many kinds of scrapers are prepared for; others are answered as well, and wait a little longer."""


class Seat(NamedTuple):
    """A format, and the last snapshot that a scraper of it has been shown."""

    openmetrics: bool
    exposed: int


class Audience:
    """The scrapers that ask for compressed answers, told by what they have last been shown. For any thread.

    Who has been shown one snapshot comes next with that as the last one: so what is prepared for can be foreseen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seats: dict[Seat, tuple[int, Instant]] = {}

    def moved(self, before: Seat, after: Seat, now: Instant) -> None:
        """A scraper that came with the one will come with the other."""
        with self._lock:
            for seat, more in ((before, -1), (after, 1)):
                taken, since = self._seats.pop(seat, (0, now))
                if taken + more > 0:
                    self._seats[seat] = taken + more, now if more > 0 else since

    def expected(self, now: Instant) -> list[Seat]:
        """Those to prepare for, of which some scraper has lately come."""
        with self._lock:
            self._seats = {seat: kept for seat, kept in self._seats.items() if now - kept[1] < _COMES_WITHIN}
            return sorted(self._seats, key=lambda seat: self._seats[seat][1], reverse=True)[:_MOST]
