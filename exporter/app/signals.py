"""Signals end what runs in order, or have the configuration read again."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Sequence


@contextlib.asynccontextmanager
async def until_signalled(on_hangup: Callable[[], object] | None = None) -> AsyncIterator[Sequence[int]]:
    """SIGTERM and SIGINT end the body where it waits next; the list that it is given then holds the signal's number.

    SIGHUP calls `on_hangup`. Without that it is left to what the process was started with, as by nohup.
    """
    loop, body = asyncio.get_running_loop(), asyncio.current_task()
    received: list[int] = []

    def stop(number: int) -> None:
        if not received and body is not None:
            received.append(number)
            body.cancel()

    handled = [signal.SIGTERM, signal.SIGINT]
    for number in handled:
        loop.add_signal_handler(number, stop, number)
    if on_hangup is not None:
        handled.append(signal.SIGHUP)
        loop.add_signal_handler(signal.SIGHUP, on_hangup)
    try:
        yield received
        if received:
            await asyncio.sleep(0)  # the body has ended by itself before it could be
    except asyncio.CancelledError:
        if not received:
            raise
        if body is not None:
            body.uncancel()
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
