"""Who has seen what: the last snapshot that each scraper was shown."""

from collections import OrderedDict, deque
from typing import NamedTuple

from exporter.model import MINUTE, Instant


class Scraper(NamedTuple):
    """Who reads us, as well as can be told: two servers behind one address differ at most by their agent."""

    host: str
    agent: str


class Scrapers:
    """The sequence of the last snapshot that each scraper has seen, for a bounded number of scrapers.

    A series new to a scraper is first shown to it as 0. One that is unknown, or was forgotten, is taken to have seen
    what any other had seen a minute ago: it shall not be shown zeros of series that have long been counting, but of a
    pair of servers both shall see a new one begin.
    """

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._seen = OrderedDict[Scraper, int]()
        self._settled = 0
        self._recent: deque[tuple[Instant, int]] = deque()

    def seen(self, scraper: Scraper, now: Instant) -> int:
        """The sequence of the last snapshot that it has seen."""
        while self._recent and self._recent[0][0] <= now - MINUTE:
            self._settled = max(self._settled, self._recent.popleft()[1])
        return self._seen.get(scraper, self._settled)

    def note(self, scraper: Scraper, sequence: int, now: Instant) -> None:
        """It has been shown this snapshot. Answers that overtake each other never take it back."""
        self._seen[scraper] = max(sequence, self._seen.get(scraper, 0))
        self._seen.move_to_end(scraper)
        if not self._recent or sequence > self._recent[-1][1]:
            self._recent.append((now, sequence))
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
