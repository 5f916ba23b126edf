"""The web side in a thread with an event loop of its own: no poll keeps a scrape or a health check waiting.

A poll decides about thousands of operations and then publishes thousands of terminals, each at one go, so that nobody
sees the half of it. In one loop with the web side every answer waited for that several times. Two threads take turns
in parts of a millisecond.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from socket import socket
from typing import Final, TypeVar

from starlette.types import ASGIApp

from exporter.web import Protection, serve

_T = TypeVar("_T")

_BEAT: Final = 1.0
_STANDING_STILL_AFTER: Final = 60.0
"""Seconds without a turn of the polls' loop, after which a health check says that they stand still: many times what
the longest step of a poll takes, and less than a supervisor's patience."""


class Pulse:
    """Whether the loop that polls still turns: its health checks are answered by another one."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = monotonic()

    def standing_still(self) -> float:
        """For how many seconds the loop has not turned; zero where that is nothing unusual."""
        since = self._monotonic() - self._last
        return since if since > _STANDING_STILL_AFTER else 0.0

    async def beat(self) -> None:
        """Turn, until cancelled."""
        while True:
            self._last = self._monotonic()
            await asyncio.sleep(_BEAT)


def told(listener: Callable[[_T], None]) -> Callable[[_T], None]:
    """A listener of this loop, for who is in another thread: it is told at this loop's next turn."""
    loop = asyncio.get_running_loop()

    def tell(news: _T) -> None:
        loop.call_soon_threadsafe(listener, news)

    return tell


def asked(question: Callable[[], Awaitable[_T]]) -> Callable[[], Awaitable[_T]]:
    """A question to this loop, for who is in another one: it is asked here, and its answer awaited there."""
    loop = asyncio.get_running_loop()

    async def answer() -> _T:
        return await question()

    return lambda: asyncio.wrap_future(asyncio.run_coroutine_threadsafe(answer(), loop))


async def serve_apart(app: ASGIApp, sockets: Sequence[socket], protection: Protection | None = None) -> None:
    """`web.serve` in a thread of its own. Ends as that does, when this is cancelled; what it raises is raised here.

    `app` is called in that thread, and so is all that it calls.
    """
    there, over = asyncio.new_event_loop(), asyncio.Event()

    async def serving() -> None:
        task, waiting = asyncio.create_task(serve(app, sockets, protection)), asyncio.create_task(over.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: there) as runner:
            runner.run(serving())

    with ThreadPoolExecutor(1, thread_name_prefix="web") as executor:
        ended = asyncio.get_running_loop().run_in_executor(executor, work)
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            with contextlib.suppress(RuntimeError):  # it has ended by itself meanwhile
                there.call_soon_threadsafe(over.set)
            await ended
            raise
