"""What is published is prepared for scrapes at once, so that a scrape finds it ready."""

import asyncio

from exporter.exposition import Exposition
from exporter.model import Clock
from exporter.poller import Publication


async def keep_prepared(publication: Publication, exposition: Exposition, clock: Clock) -> None:
    """Prepare each snapshot in a thread as it comes, until cancelled; of several at once only the newest."""
    while True:
        await publication.published.wait()
        publication.published.clear()
        await asyncio.to_thread(exposition.prepare, publication.current(), clock())
