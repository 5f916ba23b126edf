"""The listening socket, and uvicorn as a coroutine that ends when it is cancelled."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from exporter.web.application import SECURITY_HEADERS
from exporter.web.connections import LARGEST_HEADERS, Connection, Handshake, Reception
from exporter.web.protection import Protection

_GRACE: Final = 2
"""Seconds that answers under way are given at the end; uvicorn itself needs some more, and three are promised."""
_BACKLOG: Final = 128
_AT_ONCE: Final = 8
_KEEP_ALIVE: Final = 75
"""Seconds; longer than the usual scrape interval, so that Prometheus keeps its connection."""


class AddressUnusable(Exception):
    """An address cannot be listened on; the text is one line for a person."""


def bind(address: str) -> socket.socket:
    """A listening socket for `:10084`, `127.0.0.1:0`, `[::1]:10084`; no host means all of IPv4 and IPv6.

    Raises AddressUnusable.
    """
    host, port = _host_and_port(address)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a host name"
        raise AddressUnusable(f"cannot listen on {address}: {_uncapitalised(reason)}") from None
    # Of a name's addresses IPv4 comes first, as elsewhere in the Prometheus world; for all hosts IPv6 takes both in.
    first = socket.AF_INET if host else socket.AF_INET6
    candidates = sorted(found, key=lambda each: each[0] != first)
    failures: list[OSError] = []
    for family, _, _, _, where in candidates:
        try:
            return _listening(family, where, dual=not host)
        except OSError as error:
            failures.append(error)
            if error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                break  # in use or forbidden: another family would only hide it
    reason = os.strerror(failures[-1].errno or 0)
    raise AddressUnusable(f"cannot listen on {address}: {_uncapitalised(reason)}")


async def serve(app: ASGIApp, sockets: Sequence[socket.socket], protection: Protection | None = None) -> None:
    """Answer requests until cancelled; then finish those under way, for three seconds at most. Closes the sockets.

    With a protection that has TLS there is no plain text on any of the sockets.
    """
    config = uvicorn.Config(
        protection.around(app, SECURITY_HEADERS) if protection else app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # junk of strangers is no news
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=LARGEST_HEADERS,
    )
    server = _Server(config, protection)
    serving = asyncio.create_task(server.serve(sockets=list(sockets)), name="uvicorn")
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await asyncio.wait({serving}, timeout=_GRACE + 0.7)
        if not serving.done():
            serving.cancel()
            await asyncio.wait({serving})
        raise
    finally:
        for each in sockets:
            each.close()


class _Server(uvicorn.Server):
    """uvicorn with our own connections, and without its signal handlers: signals are the application's business."""

    def __init__(self, config: uvicorn.Config, protection: Protection | None) -> None:
        super().__init__(config)
        self._protection = protection
        self._reception = Reception(protection.admits) if protection else Reception()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()

        def connection() -> Connection:
            return Connection(self.config, self.server_state, self._reception, loop)

        def incoming() -> asyncio.Protocol:
            if self._protection is not None and self._protection.scheme == "https":
                return Handshake(self._protection.context, self._reception, connection, loop)
            return connection()

        self.servers = []
        for each in sockets or ():
            # asyncio accepts as many at once as it is told of a backlog, before it ends any that are too many.
            self.servers.append(await loop.create_server(incoming, sock=each, backlog=_AT_ONCE))
            each.listen(_BACKLOG)
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._reception.strangers.end()
        await super().shutdown(sockets)


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit()) or (":" in host and not bracketed):
        raise AddressUnusable(f"cannot listen on {address}: not an address like :10084, 127.0.0.1:10084 or [::1]:10084")
    if int(port) > 65_535:
        raise AddressUnusable(f"cannot listen on {address}: {port} is no port, they end at 65535")
    return (host[1:-1] if bracketed else host), int(port)


def _listening(family: int, where: object, *, dual: bool) -> socket.socket:
    # asyncio only sends at once (TCP_NODELAY) where the protocol is named; else every scrape waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not dual))
        listener.bind(where)  # type: ignore[arg-type]  # getaddrinfo's own, whatever its family
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
