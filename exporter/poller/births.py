"""What scrapers have been shown is kept with the state: after a restart no series begins twice, none without a 0."""

import asyncio

from exporter.model import Clock, Decision
from exporter.poller.committing import finished
from exporter.poller.publication import Publication
from exporter.state.base import CommitFailed, Store


async def keep_births(publication: Publication, store: Store, clock: Clock) -> None:
    """Commit first showings as they happen, until cancelled: between two scrapes, not at the next poll.

    Shown as 0, then as 5, then killed and shown as 0 again, a series would look reset and its 5 be counted twice.
    """
    while True:
        await publication.news.wait()
        shown = publication.newly_scraped()
        try:
            await finished(asyncio.to_thread(store.commit, Decision(now=clock(), scraped=shown)))
        except CommitFailed:  # a poll says that the state is lost; the next showing tries again
            publication.not_kept(shown)


def keep_last_births(publication: Publication, store: Store, clock: Clock) -> None:
    """The same for what was shown while the process was stopping, or could not be committed before."""
    shown = publication.newly_scraped()
    try:
        if shown:
            store.commit(Decision(now=clock(), scraped=shown))
    except CommitFailed:
        return  # nobody is left to try again
