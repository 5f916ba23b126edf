"""A web side that listens on a free port of this machine, and ends with the test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from socket import socket
from typing import Any

from exporter.web import bind


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[Sequence[socket]], Coroutine[Any, Any, None]], address: str = "127.0.0.1:0"
) -> AsyncIterator[tuple[int, "asyncio.Task[None]"]]:
    """The port, and the task that serves the sockets that it is given; both are gone at the end."""
    listener = bind(address)
    port = int(listener.getsockname()[1])
    task = asyncio.create_task(serve([listener]))
    await asyncio.sleep(0)  # what has a thread of its own has it now, and needs this loop no more
    try:
        yield port, task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert listener.fileno() == -1
