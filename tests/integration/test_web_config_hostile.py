"""Slow, silent, countless and senseless clients: each costs little, and who asks properly is answered meanwhile."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.web import Protection, bind, serve
from exporter.web.connections import Crowd
from tests.certificates import Pair, pair, trusting
from tests.listening import listening

LARGE = 4 * 1024 * 1024


def application() -> Starlette:
    async def hello(_: Request) -> Response:
        return PlainTextResponse("OK")

    async def large(_: Request) -> Response:
        return PlainTextResponse("x" * LARGE)

    return Starlette(routes=[Route("/", hello), Route("/large", large)])


@pytest.fixture(params=["http", "https"])
def secured(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "https")


@pytest.fixture
def server(tmp_path: Path) -> Pair:
    return pair(tmp_path, "server")


@contextlib.asynccontextmanager
async def serving(protection: Protection | None = None) -> AsyncIterator[int]:
    async with listening(partial(serve, application(), protection=protection)) as (port, _):
        yield port


@contextlib.asynccontextmanager
async def exposed(directory: Path, server: Pair, *, secured: bool) -> AsyncIterator[tuple[int, ssl.SSLContext | None]]:
    """A port, and a context for those who know what they do."""
    (directory / "web.yaml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    async with serving(Protection(directory / "web.yaml") if secured else None) as port:
        yield port, trusting(server) if secured else None


async def raw(port: int, context: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost" if context else None
    )


async def hurried(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def rest(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(OSError):
        return await reader.read()
    return b""


async def ends_within(reader: asyncio.StreamReader, seconds: float) -> bytes:
    async with asyncio.timeout(seconds):
        return await rest(reader)


async def test_a_request_that_never_ends_is_cut_off_however_busily_it_trickles(
    tmp_path: Path, server: Pair, monkeypatch: pytest.MonkeyPatch, *, secured: bool
) -> None:
    monkeypatch.setattr("exporter.web.connections._REQUEST", 0.4)
    async with exposed(tmp_path, server, secured=secured) as (port, context):
        reader, writer = await raw(port, context)

        async def trickle() -> None:
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    writer.write(b"X")
                    await writer.drain()
                    await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        assert await ends_within(reader, 2) == b""
        trickling.cancel()
        await hurried(writer)


async def test_a_silent_connection_is_cut_off(
    tmp_path: Path, server: Pair, monkeypatch: pytest.MonkeyPatch, *, secured: bool
) -> None:
    monkeypatch.setattr("exporter.web.connections._REQUEST", 0.3)
    monkeypatch.setattr("exporter.web.connections._HANDSHAKE", 0.3)
    async with exposed(tmp_path, server, secured=secured) as (port, _):
        reader, writer = await raw(port)
        assert await ends_within(reader, 2) == b""
        await hurried(writer)


async def test_between_two_requests_a_scraper_may_take_its_time(
    tmp_path: Path, server: Pair, monkeypatch: pytest.MonkeyPatch, *, secured: bool
) -> None:
    monkeypatch.setattr("exporter.web.connections._REQUEST", 0.2)
    async with exposed(tmp_path, server, secured=secured) as (port, context):
        reader, writer = await raw(port, context)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(2):
                assert b"200 OK" in await reader.readuntil(b"\r\n\r\nOK")
            await asyncio.sleep(0.5)
        await hurried(writer)


async def test_an_answer_that_nobody_reads_is_given_up(
    tmp_path: Path, server: Pair, monkeypatch: pytest.MonkeyPatch, *, secured: bool
) -> None:
    monkeypatch.setattr("exporter.web.connections._READING", 0.3)
    async with exposed(tmp_path, server, secured=secured) as (port, context):
        assert await asyncio.to_thread(_read_late, port, context) < 4 * LARGE


def _read_late(port: int, context: ssl.SSLContext | None) -> int:
    """Ask for four large answers, read nothing for ten times the deadline, then all that is to be had: its size.

    A blocking client: asyncio's own reads ahead, and its TLS does not always tell of an end while reading is paused.
    """
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    with context.wrap_socket(plain, server_hostname="localhost") if context else plain as sock:
        sock.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
        time.sleep(3)
        size = 0
        try:
            while chunk := sock.recv(65536):
                size += len(chunk)
        except TimeoutError:
            raise
        except OSError:  # the connection was dropped, with or without TLS's goodbye
            return size
        return size


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n", b"400"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: nonsense\r\n\r\n", b"400"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"405"),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"405"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /%00%ff%2e%2e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", b"405"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n", b"200"),
    ],
)
async def test_junk_gets_a_short_answer_and_no_line_in_the_log(
    request_: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as port:
        reader, writer = await raw(port)
        writer.write(request_)
        answer = await ends_within(reader, 5)
        await hurried(writer)

    # What is refused before it has been read whole may be answered with a reset instead.
    assert answer[9:12] in (status, b"") if len(request_) > 20_000 else answer[9:12] == status
    assert b"Traceback" not in answer
    assert len(answer) < 700
    assert caplog.records == []


async def test_a_flood_of_idle_connections_keeps_nobody_out(tmp_path: Path, server: Pair, *, secured: bool) -> None:
    async with exposed(tmp_path, server, secured=secured) as (port, context):
        base = f"{'https' if secured else 'http'}://127.0.0.1:{port}"
        async with httpx.AsyncClient(verify=context or True, base_url=base) as kept:
            assert (await kept.get("/")).status_code == 200
            flood = [await raw(port) for _ in range(300)]
            for _, writer in flood[::2]:
                writer.write(b"GET / HTTP/1.1\r\nX")
            for _ in range(5):
                assert (await kept.get("/")).status_code == 200
                async with httpx.AsyncClient(verify=context or True, base_url=base) as new:
                    assert (await new.get("/")).status_code == 200
            # All but 64 have been ended by now.
            ended = [asyncio.create_task(rest(reader)) for reader, _ in flood]
            await asyncio.sleep(0.3)
            assert sum(task.done() for task in ended) >= 300 - 64
            await hurried(*(writer for _, writer in flood))
            await asyncio.gather(*ended)


async def test_the_end_does_not_wait_for_idlers(tmp_path: Path, server: Pair, *, secured: bool) -> None:
    loop = asyncio.get_running_loop()
    async with exposed(tmp_path, server, secured=secured) as (port, context):
        flood = [await raw(port) for _ in range(20)] + [await raw(port, context) for _ in range(20)]
        begun = loop.time()
    assert loop.time() - begun < 2.5
    await hurried(*(writer for _, writer in flood))


async def test_answers_are_sent_at_once() -> None:
    async with serving() as port:
        reader, writer = await raw(port)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for _ in range(25):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\nOK")
        assert loop.time() - begun < 25 * 0.04 / 2
        await hurried(writer)


class Member:
    def __init__(self, name: str, *, busy: bool = False) -> None:
        self.name = name
        self.busy = busy
        self.ended = False

    def abort(self) -> None:
        self.ended = True


def test_of_too_many_the_oldest_idle_one_of_the_host_with_the_most_goes() -> None:
    crowd = Crowd(3)
    lone, busy, idle, newcomer = Member("lone"), Member("busy", busy=True), Member("idle"), Member("newcomer")
    for member, host in ((lone, "a"), (busy, "b"), (idle, "b"), (newcomer, "b")):
        crowd.enter(member, host)
    assert [member.ended for member in (lone, busy, idle, newcomer)] == [False, False, True, False]
    assert len(crowd) == 3


def test_one_that_shows_itself_again_is_not_the_oldest() -> None:
    crowd = Crowd(2)
    first, second, third = Member("first"), Member("second"), Member("third")
    crowd.enter(first, "a")
    crowd.enter(second, "a")
    crowd.enter(first, "a")
    crowd.enter(third, "a")
    assert [member.ended for member in (first, second, third)] == [False, True, False]


def test_the_newcomer_stays_even_if_the_most_are_its_own_hosts() -> None:
    crowd = Crowd(1)
    old, newcomer = Member("old"), Member("newcomer")
    crowd.enter(old, "a")
    crowd.enter(newcomer, "b")
    assert old.ended
    assert not newcomer.ended


def test_the_named_protocol_makes_asyncio_send_at_once() -> None:
    with bind("127.0.0.1:0") as listener:
        assert listener.proto == socket.IPPROTO_TCP
