"""Listening, serving, and ending when told to."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.web import AddressUnusable, bind, serve
from tests.listening import listening


class Bank:
    """An application with an answer that takes as long as the test likes."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.app = Starlette(routes=[Route("/", self.quick), Route("/slow", self.slow)])

    async def quick(self, _: Request) -> Response:
        return PlainTextResponse("OK")

    async def slow(self, _: Request) -> Response:
        self.asked.set()
        await self.go_on.wait()
        return PlainTextResponse("late")


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


@contextlib.asynccontextmanager
async def serving(app: Starlette, address: str = "127.0.0.1:0") -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    async with listening(partial(serve, app), address) as (port, task):
        yield f"http://127.0.0.1:{port}", task


async def test_serves_until_cancelled() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with serving(Bank().app) as (base, task), httpx.AsyncClient() as client:
        assert (await client.get(base)).text == "OK"
        assert "server" not in (await client.get(base)).headers
        assert signal.getsignal(signal.SIGTERM) is before

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(httpx.ConnectError):
            await client.get(base)


async def test_an_answer_under_way_is_finished() -> None:
    bank = Bank()
    async with serving(bank.app) as (base, task), httpx.AsyncClient() as client:
        answer = asyncio.create_task(client.get(f"{base}/slow"))
        await bank.asked.wait()

        task.cancel()
        bank.go_on.set()

        assert (await answer).text == "late"


async def test_an_answer_that_never_comes_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    bank = Bank()
    caplog.set_level(logging.CRITICAL)
    async with serving(bank.app) as (base, task), httpx.AsyncClient() as client:
        answer = asyncio.create_task(client.get(f"{base}/slow"))
        await bank.asked.wait()
        begun = time.monotonic()

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert time.monotonic() - begun < 3
        with contextlib.suppress(httpx.HTTPError):
            await answer


def answers(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5):
        return True
    return False


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.parametrize(
    ("address", "ipv4", "ipv6"),
    [
        (":0", True, True),
        ("127.0.0.1:0", True, False),
        ("0.0.0.0:0", True, False),
        ("localhost:0", True, False),
        ("[::1]:0", False, True),
        ("[::]:0", False, True),
    ],
)
def test_which_hosts_an_address_listens_on(address: str, ipv4: bool, ipv6: bool) -> None:
    if not has_ipv6():
        if not ipv4:
            pytest.skip("this machine has no IPv6")
        ipv6 = False
    with bind(address) as listener:
        assert answers("127.0.0.1", port_of(listener)) is ipv4
        assert answers("::1", port_of(listener)) is ipv6


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_taken_port_gives_one_clear_line(host: str) -> None:
    with bind("127.0.0.1:0") as taken:
        address = f"{host}:{port_of(taken)}"
        with pytest.raises(AddressUnusable) as caught:
            bind(address)

    assert str(caught.value) == f"cannot listen on {address}: address already in use"


def test_a_port_is_free_again_at_once() -> None:
    with bind("127.0.0.1:0") as first:
        port = port_of(first)
        with socket.create_connection(("127.0.0.1", port)):
            first.setblocking(True)
            first.accept()[0].close()  # ours to close first: its TIME_WAIT stays behind
    with bind(f"127.0.0.1:{port}") as second:
        assert port_of(second) == port


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "not an address like"),
        ("10084", "not an address like"),
        ("localhost", "not an address like"),
        ("localhost:", "not an address like"),
        ("localhost:http", "not an address like"),
        ("127.0.0.1:-1", "not an address like"),
        ("::1:10084", "not an address like"),
        (":²", "not an address like"),
        (":65536", "65536 is no port"),
        ("192.0.2.1:0", "cannot assign requested address"),
        ("no-such-host.invalid:0", "name"),
        ("a" * 64 + ".invalid:0", ""),
        (f"{'ä' * 80}:0", "not a host name"),
    ],
)
def test_an_unusable_address_gives_one_clear_line(address: str, reason: str) -> None:
    with pytest.raises(AddressUnusable) as caught:
        bind(address)

    assert str(caught.value).startswith(f"cannot listen on {address}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
