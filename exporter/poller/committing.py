"""Writing to the store from a task that may be cancelled at any moment."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def finished(writing: Coroutine[Any, Any, None]) -> None:
    """Run it to its end even where the caller is cancelled meanwhile, who is cancelled then.

    A commit that nobody waits for could meet the one of whoever goes on in the caller's place, or a closed store.
    """
    task = asyncio.create_task(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # if it failed, nothing has changed, and nobody is left to be told
        raise
