"""What is published is prepared for scrapes at once, so that a scrape finds it ready."""

import asyncio
import time
from collections.abc import Callable

import structlog

from exporter.exposition import Exposition
from exporter.model import Clock, Snapshot
from exporter.poller import Publication


async def keep_prepared(
    publication: Publication, current: Callable[[], Snapshot], exposition: Exposition, clock: Clock
) -> None:
    """Prepare each snapshot in a thread as it comes, until cancelled; of several at once only the newest.

    `current`: what of it may be shown now. After each one as much time is left to others as it took: where polls follow
    each other without a pause, the preparing would else never leave the interpreter to health checks and scrapes, which
    have the snapshot before.
    """
    while True:
        await publication.published.wait()
        publication.published.clear()
        began = time.monotonic()
        try:
            await asyncio.to_thread(exposition.prepare, current(), clock())
        except Exception:  # noqa: BLE001  a defect of ours costs the scrapes that meet it, and never the polls
            structlog.get_logger("epay.app").exception("defect")
        await asyncio.sleep(time.monotonic() - began)
