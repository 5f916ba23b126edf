"""The simulated bank on a real port: it says when it is ready, drops connections, and stops when told to."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from exporter.simulator.server import serve
from exporter.simulator.settings import Settings

START = 1_749_636_000_000_000
LOGIN = {
    "grant_type": "password",
    "username": "demo",
    "password": "demo",
    "scope": "transfer",
    "client_id": "demo",
    "client_secret": "demo",
}


@asynccontextmanager
async def a_server(settings: Settings | None = None) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(settings or Settings(), lambda: START, "127.0.0.1", 0, ready.set_result))
    try:
        yield await asyncio.wait_for(ready, 10), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_it_serves_at_the_address_it_tells_and_stops_when_cancelled() -> None:
    async with a_server() as (url, task), httpx.AsyncClient() as client:
        response = await client.post(f"{url}/oauth2/token", data=LOGIN)
        assert response.status_code == 200
        assert response.headers.get_list("date") == ["Wed, 11 Jun 2025 10:00:00 GMT"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/truth")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_returns_on_a_signal_and_gives_the_handlers_back(number: signal.Signals) -> None:
    async with a_server() as (_, task):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(task, 10)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_a_taken_port_is_told_clearly() -> None:
    async with a_server() as (url, _):
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError, match=f"the simulator cannot listen on 127.0.0.1:{port}: Address already in use"):
            await serve(Settings(), lambda: START, "127.0.0.1", port)


async def test_an_address_that_is_not_ours_is_told_clearly() -> None:
    with pytest.raises(OSError, match=r"the simulator cannot listen on 203\.0\.113\.1:8900: "):
        await serve(Settings(), lambda: START, "203.0.113.1", 8900)


async def test_a_reset_closes_the_connection_without_an_answer() -> None:
    async with a_server(Settings(faults={"reset": 1.0})) as (url, _), httpx.AsyncClient() as client:
        for _ in range(3):
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await client.post(f"{url}/oauth2/token", data=LOGIN)
        assert (await client.get(f"{url}/truth")).status_code == 200
