"""The doctor at the simulated bank, in virtual time; and its proposals put into practice."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from exporter.client import EpayClient
from exporter.config import Config, load
from exporter.doctor import AccountReport, Doctor, Finding, snippet
from exporter.model import HOUR, MINUTE, SECOND, Assignment, Instant, Reading, Span
from exporter.simulator.api import create_app
from exporter.simulator.settings import Settings
from exporter.simulator.world import TERMINALS, World
from tests.client_bank import Witness, now

START: Instant = 1_749_636_000 * SECOND
"""Wednesday 2025-06-11 15:00 in Kazakhstan."""

BUSY = ("98151552", "98151553")


def terminal(number: str, **more: Any) -> dict[str, Any]:
    return {"id": number, **more}


def document(*terminals: Mapping[str, Any], poll: Mapping[str, Any] | None = None, **account: Any) -> dict[str, Any]:
    """A configuration file as data: the simulator's account, but for what is said."""
    entry = {
        "name": "main",
        "token_url": "http://bank/oauth2/token",
        "operations_url": "http://bank/api/p2p/operations",
        **dict.fromkeys(("username", "password", "client_id", "client_secret"), "demo"),
        "terminals": list(terminals) or [terminal(number) for number in BUSY],
        **account,
    }
    return {"accounts": [entry], "poll": {"requests_per_second": 100, **(poll or {})}}


def merged(present: Any, changes: Any) -> Any:
    """The changes put into the file, as a person would: accounts and terminals are found by their names."""
    if isinstance(present, dict) and isinstance(changes, dict):
        return {**present, **{key: merged(present.get(key), value) for key, value in changes.items()}}
    if isinstance(present, list) and isinstance(changes, list) and all(isinstance(each, dict) for each in changes):
        known = {each["name"]: each for each in changes}
        return [merged(each, known.get(each.get("name", each.get("id")), {})) for each in present]
    return changes


@dataclass
class Clinic:
    """A simulated bank that has been up for half an hour, and everybody's clock."""

    directory: Path
    settings: Settings
    requests: list[httpx.Request] = field(default_factory=list)
    logins: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(self.settings, START + self.settings.skew)
        app = create_app(self.world, self.settings, self.clock)
        self.inner: httpx.AsyncBaseTransport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/oauth2/token":
            self.logins.append(request)
        return await self.inner.handle_async_request(request)

    def clock(self) -> Instant:
        return START + 30 * MINUTE + int(now() * SECOND)

    def config(self, content: Any) -> Config:
        path = self.directory / "config.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return load(path, {})

    async def examine(self, content: Any, **settings: Any) -> AccountReport:
        """What the doctor says about the first account."""
        config = self.config(content)
        doctor = Doctor(config, self.clock, now, asyncio.sleep, **settings)
        return await doctor.examine(config.accounts[0], self.http)

    async def read(self, content: Any, span: Span) -> Reading:
        """All operations of the account in a span, by the client that the exporter reads with."""
        config = self.config(content)
        (account,) = config.accounts
        client = EpayClient(
            account=account,
            poll=config.poll,
            limits=config.limits,
            http=self.http,
            slots=asyncio.Semaphore(4),
            observer=Witness(),
            clock=self.clock,
            monotonic=now,
            random=lambda: 0.0,
        )
        return await client.read(Assignment(span, tuple(each.name for each in account.terminals)))

    def known(self, span: Span, numbers: tuple[str, ...]) -> int:
        """How many operations the world itself knows in a span that has come to rest."""
        indexes = [index for index, each in enumerate(TERMINALS) if each.number in numbers]
        slots = range(self.world.slot_of(span.start), self.world.slot_of(span.end) + 1)
        operations = (each for slot in slots for each in self.world.slot(tuple(indexes), slot))
        return sum(span.start <= each.created < span.end for each in operations)


SPAN = Span(START - 2 * HOUR, START - HOUR)
"""An hour that has come to rest."""


def about(report: AccountReport, question: str) -> Finding:
    """The one finding about a question."""
    (found,) = (each for each in report.findings if each.question == question)
    return found


def proposal(report: AccountReport) -> Any:
    """The changes that the report asks for, as data."""
    return yaml.safe_load(snippet([report])) or {}
