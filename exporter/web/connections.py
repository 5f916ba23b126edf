"""Connections that cost little until they have proved to be of use: slow, silent and countless ones are ended."""

import asyncio
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

LARGEST_HEADERS: Final = 16 * 1024
"""Bytes of a request line and its headers together, give or take as many: more is answered with 400."""
_HANDSHAKE: Final = 10.0
"""Seconds for TLS to be agreed upon."""
_REQUEST: Final = 10.0
"""Seconds for a request to arrive whole, from its first byte on, or from the connection's beginning."""
_READING: Final = 30.0
"""Seconds that a client may take to read anything more of its answer."""
_GOODBYE: Final = 1.0
"""Seconds that a client is given to agree to the end of TLS."""
_STRANGERS: Final = 64
"""Connections without a whole request yet. One with TLS takes a quarter of a MiB, most of it asyncio's buffer."""
_GUESTS: Final = 128
"""Connections that have made a request."""


class _Member(Protocol):
    """A connection that can be ended. `busy`: it is being answered."""

    @property
    def busy(self) -> bool: ...

    def abort(self) -> None: ...


class Crowd:
    """A bounded number of connections. One too many ends the oldest of the host that has most of them, idle ones first.

    So a flood ends its own connections, and whoever comes from elsewhere, or comes and asks at once, is served.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members = OrderedDict[_Member, str]()

    def __len__(self) -> int:
        return len(self._members)

    def enter(self, member: _Member, host: str) -> None:
        """A new one, or one that has shown signs of life."""
        self._members.pop(member, None)
        self._members[member] = host
        if len(self._members) > self._limit:
            self._make_room(member)

    def leave(self, member: _Member) -> None:
        self._members.pop(member, None)

    def end(self) -> None:
        """All of them."""
        for member in list(self._members):
            member.abort()
        self._members.clear()

    def _make_room(self, newcomer: _Member) -> None:
        crowded = Counter(self._members.values()).most_common(1)[0][0]
        others = [each for each, host in self._members.items() if host == crowded and each is not newcomer]
        others = others or [each for each in self._members if each is not newcomer]
        victim = next((each for each in others if not each.busy), others[0])
        self.leave(victim)
        victim.abort()


class Reception:
    """What connections of all listeners have in common: how many there may be, and who is let in."""

    def __init__(self, admits: Callable[[Mapping[str, Any] | None], bool] = lambda _: True) -> None:
        self.strangers = Crowd(_STRANGERS)
        self.guests = Crowd(_GUESTS)
        self.admits = admits


class Connection(H11Protocol):
    """uvicorn's connection with deadlines: it has none for requests that never end and answers that nobody reads."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: ServerState,
        reception: Reception,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, state, {}, loop)
        self._reception = reception
        self._host = ""
        self._request_due: asyncio.TimerHandle | None = None
        self._reading_due: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's type does not say that there may be none yet
        return cycle is not None and not cycle.response_complete

    def abort(self) -> None:
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        if not self._reception.admits(transport.get_extra_info("peercert")):
            transport.abort()
            return
        self._reception.strangers.enter(self, self._host)
        self._watch_request()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        for start in range(0, len(data), LARGEST_HEADERS):  # h11 only compares with its limit what is not whole yet
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + LARGEST_HEADERS])
        if self.cycle is not before:
            self._reception.strangers.leave(self)
            self._reception.guests.enter(self, self._host)
        self._watch_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reception.strangers.leave(self)
        self._reception.guests.leave(self)
        self._request_due = _cancelled(self._request_due)
        self._reading_due = _cancelled(self._reading_due)
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reading_due is None:
            self._reading_due = self.loop.call_later(_READING, self.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading_due = _cancelled(self._reading_due)

    def _watch_request(self) -> None:
        """A deadline while the client owes us the rest of a request; between two requests uvicorn has its own."""
        theirs = self.conn.their_state
        owes = theirs is h11.SEND_BODY or (theirs is h11.IDLE and self.timeout_keep_alive_task is None)
        if owes and not self.transport.is_closing():
            if self._request_due is None:
                self._request_due = self.loop.call_later(_REQUEST, self.abort)
        else:
            self._request_due = _cancelled(self._request_due)


class Handshake(asyncio.Protocol):
    """A connection before TLS is agreed upon; then the real one takes its place.

    asyncio could do that by itself, but then nobody would know of such connections, and of how many there are.
    """

    busy = False

    def __init__(
        self,
        context: Callable[[], ssl.SSLContext | None],
        reception: Reception,
        connection: Callable[[], Connection],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._context = context
        self._reception = reception
        self._connection = connection
        self._loop = loop
        self._early = bytearray()
        self._lost = False
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        transport.pause_reading()
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._reception.strangers.enter(self, str(peer[0]) if peer else "")
        self._task = self._loop.create_task(self._shake_hands())

    def data_received(self, data: bytes) -> None:
        """What comes with the handshake's last message, before the real connection is there."""
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._lost = True
        self._reception.strangers.leave(self)

    def abort(self) -> None:
        self._transport.abort()

    async def _shake_hands(self) -> None:
        try:
            context = self._context()
            if context is None:
                self.abort()
                return
            encrypted = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE,
                ssl_shutdown_timeout=_GOODBYE,
            )
        except OSError as error:  # no TLS, no common version, no or a wrong certificate, gone, too slow
            # Its traceback refers to asyncio's buffer and that to it: a flood's buffers would wait for the collector.
            error.__traceback__ = None
            self.abort()
            return
        finally:
            self._reception.strangers.leave(self)
        if encrypted is None or self._lost:
            return
        connection = self._connection()
        encrypted.set_protocol(connection)
        connection.connection_made(encrypted)
        if self._early and not encrypted.is_closing():
            connection.data_received(bytes(self._early))


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What is left of a timer: none."""
    if timer is not None:
        timer.cancel()
    return None
