"""What is published is prepared for scrapes at once, so that a scrape finds it ready."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from exporter.exposition import Exposition
from exporter.model import Clock, Snapshot
from exporter.poller import Publication


async def keep_prepared(
    publication: Publication, current: Callable[[], Snapshot], exposition: Exposition, clock: Clock
) -> None:
    """Prepare each snapshot in a thread as it comes, until cancelled; of several at once only the newest.

    `current`: what of it may be shown now. It is one thread for all of them: texts that one thread has made and another
    one makes anew leave a hole of their size in the memory of the first.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as executor:
        while True:
            await publication.published.wait()
            publication.published.clear()
            try:
                await loop.run_in_executor(executor, exposition.prepare, current(), clock())
            except Exception:  # noqa: BLE001  a defect of ours costs the scrapes that meet it, and never the polls
                structlog.get_logger("epay.app").exception("defect")
