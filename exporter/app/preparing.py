"""What is published is prepared for scrapes at once, so that a scrape finds it ready."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from exporter.exposition import Exposition
from exporter.model import Clock, Snapshot
from exporter.poller import Publication

_PAUSE: Final = 9
"""So many times as long as it took is nothing prepared afterwards: a tenth of a core, however much is published.

A preparation puts everything together, and each of a hundred shares publishes for itself. A scrape that comes before
the next one is answered with the last.
"""
_LONGEST_PAUSE: Final = 5.0


async def keep_prepared(
    publication: Publication,
    current: Callable[[], Snapshot],
    exposition: Exposition,
    clock: Clock,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Prepare each snapshot in a thread as it comes, until cancelled; of several at once only the newest.

    `current`: what of it may be shown now. It is one thread for all of them: texts that one thread has made and another
    one makes anew leave a hole of their size in the memory of the first.
    """
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(1, thread_name_prefix="prepare")
    try:
        while True:
            await publication.published.wait()
            publication.published.clear()
            began = monotonic()
            try:
                await loop.run_in_executor(executor, exposition.prepare, current(), clock())
            except Exception:  # noqa: BLE001  a defect of ours costs the scrapes that meet it, and never the polls
                structlog.get_logger("epay.app").exception("defect")
            await sleep(min(_PAUSE * (monotonic() - began), _LONGEST_PAUSE))
    finally:
        executor.shutdown(wait=False, cancel_futures=True)  # the loop has shares to hand over meanwhile
