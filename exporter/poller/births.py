"""What scrapers have been shown is kept with the state: after a restart no series begins twice, none without a 0."""

import asyncio
from typing import Final, Protocol

from exporter.model import Clock, Decision
from exporter.poller.committing import finished
from exporter.poller.publication import Publication
from exporter.state.base import CommitFailed

_PAUSE: Final = 1.0
"""Seconds until what could not be committed is tried again."""


class Keeper(Protocol):
    """Where decisions are kept: a store, or the stores of several shares."""

    def commit(self, decision: Decision) -> None:
        """Store a decision. Raises CommitFailed."""


async def keep_births(publication: Publication, store: Keeper, clock: Clock) -> None:
    """Commit first showings as they happen, until cancelled: between two scrapes, not at the next poll.

    Shown as 0, then as 5, then killed and shown as 0 again, a series would look reset and its 5 be counted twice.
    """
    while True:
        await publication.news.wait()
        if not await keep_shown(publication, store, clock):
            await asyncio.sleep(_PAUSE)


async def keep_shown(publication: Publication, store: Keeper, clock: Clock) -> bool:
    """Commit what has been shown for the first time; False where that could not be, and is left for the next time.

    Only the commit is made in a thread: what scrapes show is noted in the loop, and none of it may be overlooked.
    """
    shown = publication.newly_scraped()
    try:
        if shown:
            await finished(asyncio.to_thread(store.commit, Decision(now=clock(), scraped=shown)))
    except CommitFailed:  # a poll says that the state is lost
        publication.not_kept(shown)
        return False
    return True
