"""The bank on a port, until it is cancelled or interrupted."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.simulator.api import ABORT, Clock, create_app
from exporter.simulator.settings import Settings
from exporter.simulator.world import World

__all__ = ["Settings", "serve"]


async def serve(
    settings: Settings,
    clock: Clock,
    host: str,
    port: int,
    on_ready: Callable[[str], None] | None = None,
    *,
    signals: bool = True,
) -> None:
    """Serve the bank; port 0 takes a free one, and `on_ready` is told the address.

    Raises OSError with a clear text where it cannot listen. Returns on SIGINT and SIGTERM unless `signals` is off,
    and stops when cancelled.
    """
    listening = _listening_socket(host, port)
    world = World(settings, start=clock() + settings.skew)
    config = uvicorn.Config(
        create_app(world, settings, clock),
        http=_DroppableProtocol,
        lifespan="off",
        access_log=False,
        log_config=None,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # a slow answer must not keep the simulator from stopping
    )
    server = _Server(config, on_ready, _address(listening))
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="bank simulator")
    try:
        with _stopped_by_signals(server) if signals else contextlib.nullcontext():
            await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
        listening.close()


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None] | None, address: str) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready(self._address)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _DroppableProtocol(H11Protocol):
    """Hands the application a way to close the connection without an answer, which ASGI has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        answer: Callable[[Scope, Receive, Send], Awaitable[None]] = self.app

        async def droppable(scope: Scope, receive: Receive, send: Send) -> None:
            scope[ABORT] = transport.abort
            await answer(scope, receive, send)

        self.app = droppable


@contextlib.contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Finish in order on SIGINT and SIGTERM; only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    stopping = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        server.should_exit = True

    for number in stopping:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in stopping:
            loop.remove_signal_handler(number)


def _listening_socket(host: str, port: int) -> socket.socket:
    """Bound before anything else starts, so that a taken port is a plain error."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(error.errno, f"the simulator cannot listen on {host}:{port}: {error.strerror}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, f"the simulator cannot listen on {host}:{port}: {reason}") from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
