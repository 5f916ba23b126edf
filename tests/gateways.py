"""What may stand between an exporter and its bank: a server that speaks TLS for another, and a proxy."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.certificates import Pair

_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Gateway:
    """One that listens on 127.0.0.1. `asked`: the first lines of what a proxy was sent; `open`: connections now."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    refused: int = 0
    open: int = 0


@asynccontextmanager
async def tls_before(port: int, server: Pair) -> AsyncIterator[Gateway]:
    """A server with this certificate, and behind it what listens on a port without TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _joined(reader, writer, "127.0.0.1", port)

    async with _listening(Gateway(), handle, context) as gateway:
        yield gateway


@asynccontextmanager
async def proxy(user: str = "", password: str = "", server: Pair | None = None) -> AsyncIterator[Gateway]:
    """A proxy that knows CONNECT, wants this user if one is given, and speaks TLS itself if it has a certificate."""
    gateway = Gateway()
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    context = None
    if server is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.certificate, server.key)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        gateway.asked.append(lines[0])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        if user and headers.get("proxy-authorization") != wanted:
            gateway.refused += 1
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            return
        host, _, port = lines[0].split()[1].rpartition(":")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _joined(reader, writer, host, int(port))

    async with _listening(gateway, handle, context):
        yield gateway


@asynccontextmanager
async def _listening(gateway: Gateway, handle: _Handler, context: ssl.SSLContext | None) -> AsyncIterator[Gateway]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway.open += 1
        try:
            await handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            gateway.open -= 1
            writer.transport.abort()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=context)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Pass on in both directions until one side ends."""
    beyond_reader, beyond_writer = await asyncio.open_connection(host, port)
    try:
        directions = {
            asyncio.create_task(_copied(reader, beyond_writer)),
            asyncio.create_task(_copied(beyond_reader, writer)),
        }
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for each in directions:
            each.cancel()
        await asyncio.gather(*directions, return_exceptions=True)
    finally:
        beyond_writer.transport.abort()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
