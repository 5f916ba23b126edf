"""Who has seen what: the last snapshot that each scraper was shown."""

from collections import OrderedDict
from typing import NamedTuple


class Scraper(NamedTuple):
    """Who reads us, as well as can be told: two servers behind one address differ at most by their agent."""

    host: str
    agent: str


class Scrapers:
    """The sequence of the last snapshot that each scraper has seen, for a bounded number of scrapers.

    A series new to a scraper is first shown to it as 0. One that is unknown, or was forgotten, is taken to have seen
    what any other has: it shall not be shown zeros of series that have long been counting.
    """

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._seen = OrderedDict[Scraper, int]()
        self._highest = 0

    def seen(self, scraper: Scraper) -> int:
        """The sequence of the last snapshot that it has seen."""
        return self._seen.get(scraper, self._highest)

    def note(self, scraper: Scraper, sequence: int) -> None:
        """It has been shown this snapshot. Answers that overtake each other never take it back."""
        self._seen[scraper] = max(sequence, self._seen.get(scraper, 0))
        self._seen.move_to_end(scraper)
        self._highest = max(sequence, self._highest)
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
