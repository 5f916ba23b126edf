"""Replicas in one process, on one real PostgreSQL, before a bank that lists what a test has made happen."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg

from exporter.app.clock import lasting_clock, wall_clock
from exporter.app.fleet import Fleet
from exporter.app.sharing import Sharing
from exporter.config import Config
from exporter.instrumentation import Instruments
from exporter.model import HOUR, Family, Instant
from exporter.poller import Publication
from exporter.state import Database, Leases

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEASE = 2.0


class ListingBank:
    """Gives a token to whoever asks, and lists the operations that have happened."""

    def __init__(self) -> None:
        self.happened: list[tuple[Instant, str]] = []

    def happen(self, numbers: Iterable[str]) -> None:
        """An operation at each of these terminals, now."""
        now = wall_clock()
        self.happened += [(now, number) for number in numbers]

    def since(self, number: str, instant: Instant) -> int:
        """How many there have been at a terminal."""
        return sum(1 for created, where in self.happened if where == number and created >= instant)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "token", "expires_in": 7200})
        asked = json.loads(request.content)
        by_name = {each["name"]: each["searchParameter"] for each in asked["searchParameters"]}
        start, end = (
            (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) for text in by_name["created_at"]
        )
        numbers, page, size = set(by_name["terminal_id"]), asked["paging"]["page"], asked["paging"]["size"]
        found = [
            self._record(place, *each)
            for place, each in enumerate(self.happened)
            if start <= each[0] < end and each[1] in numbers
        ]
        return httpx.Response(200, json={"totalCount": len(found), "records": found[page : page + size]})

    def _record(self, place: int, created: Instant, number: str) -> dict[str, Any]:
        return {
            "id": str(UUID(int=place)),
            "dateTime": (_EPOCH + timedelta(microseconds=created)).isoformat(timespec="microseconds"),
            "amount": 200,
            "currency": "KZT",
            "terminal": number,
            "status": "ok",
            "code": "00",
            "reasonCode": 0,
        }


class Crew:
    """The replicas by name, each with all that a process has of its own."""

    def __init__(self, database: str, bank: Callable[[httpx.Request], httpx.Response]) -> None:
        self._database = database
        self._bank = bank
        self._held: dict[str, contextlib.AsyncExitStack] = {}
        self._instruments: dict[str, Instruments] = {}
        self.running: dict[str, Sharing] = {}

    async def start(self, name: str, config: Config) -> None:
        """Begin with a configuration. It takes shares from the next look on."""
        held = self._held[name] = contextlib.AsyncExitStack()
        publication, instruments = Publication(stale_after=HOUR), Instruments((), "test")
        leases = Leases(Database(self._database), name, LEASE, lasting_clock)
        held.callback(leases.close)
        http = await held.enter_async_context(httpx.AsyncClient(transport=httpx.MockTransport(self._bank)))
        sharing = Sharing(
            leases, publication, instruments, lambda store_of: Fleet(store_of, publication, instruments, http)
        )
        held.push_async_callback(sharing.close)
        await sharing.apply(config)
        await held.enter_async_context(_running(sharing.run()))
        self.running[name], self._instruments[name] = sharing, instruments

    async def stop(self, name: str) -> None:
        """End in order."""
        del self.running[name]
        await self._held.pop(name).aclose()

    async def stop_all(self) -> None:
        for name in tuple(self.running):
            await self.stop(name)

    def living(self, name: str) -> float:
        """How many replicas one of them sees."""
        return self._instruments[name].registry.get_sample_value("epay_replicas") or 0

    def moves(self, reason: str) -> float:
        """How many shares have been moved for a reason, by all that run or ran."""
        return sum(
            each.registry.get_sample_value("epay_share_handovers_total", {"reason": reason}) or 0
            for each in self._instruments.values()
        )

    def shown(self) -> Counter[tuple[str, str]]:
        """How many replicas show a terminal as read, by account and terminal."""
        return Counter(
            (each.terminal.account, each.terminal.name)
            for sharing in self.running.values()
            for each in sharing.current().terminals
            if each.read and not each.failing
        )

    def counted(self) -> Counter[str]:
        """Operations by terminal, as all replicas together show them at this moment."""
        found: Counter[str] = Counter()
        for sharing in self.running.values():
            for total, value in sharing.current().totals.items():
                if total.family is Family.OPERATIONS:
                    found[total.labels[0]] += value
        return found

    def counting_since(self) -> dict[str, Instant]:
        """By terminal, as the state has it."""
        with psycopg.connect(self._database) as connection:
            return dict(connection.execute("SELECT name, counting_since FROM epay.terminals").fetchall())


@contextlib.asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object], meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
    """Wait for a condition; fails after half a minute."""
    async with asyncio.timeout(30):
        while not condition():
            if meanwhile:
                await meanwhile()
            await asyncio.sleep(0.05)
