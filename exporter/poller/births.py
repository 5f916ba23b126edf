"""What scrapers have been shown is kept with the state: after a restart no series begins twice, none without a 0."""

import asyncio

from exporter.model import Clock, Decision
from exporter.poller.publication import Publication
from exporter.state.base import CommitFailed, Store


async def keep_births(publication: Publication, store: Store, clock: Clock) -> None:
    """Commit first showings as they happen, until cancelled: between two scrapes, not at the next poll.

    Shown as 0, then as 5, then killed and shown as 0 again, a series would look reset and its 5 be counted twice.
    """
    while True:
        await publication.news.wait()
        await asyncio.shield(asyncio.to_thread(_keep, publication, store, clock))


def keep_last_births(publication: Publication, store: Store, clock: Clock) -> None:
    """The same for what was shown while the process was stopping."""
    if publication.news.is_set():
        _keep(publication, store, clock)


def _keep(publication: Publication, store: Store, clock: Clock) -> None:
    shown = publication.newly_scraped()
    try:
        store.commit(Decision(now=clock(), scraped=shown))
    except CommitFailed:
        return  # a poll will say that the state is lost; at worst a series begins with a second zero
