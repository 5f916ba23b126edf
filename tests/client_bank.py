"""A bank behind httpx's own seam, and a loop whose time passes only when everybody waits: nothing really sleeps."""

import asyncio
import json
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import UUID

import httpx

from exporter.client import EpayClient, http_client
from exporter.config.records import Account, Limits, Poll, Secret
from exporter.model import SECOND, Assignment, Event, LoginMade, RequestMade, Span, Terminal
from exporter.payload import Decoder

T = TypeVar("T")

NOW = 1_700_000_000 * SECOND
SPAN = Span(NOW - 60 * SECOND, NOW)
ASSIGNMENT = Assignment(SPAN, ("wallet", "shop"))
SECRETS = ("user-S3CRET", "pa#$&*:%+S3CRET", "client-S3CRET", "hush-S3CRET")
TOKEN = "TOKEN-S3CRET"


_THREADS = 10.0
"""Real seconds that threads are given."""


class _SkippingSelector(selectors.DefaultSelector):
    """Lets the time that the loop would sleep pass at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:  # at most a thread can still bring something, as the one that ends the executor at the end
            if events := super().select(_THREADS):
                return events
            raise AssertionError("everybody waits for something that never comes")
        self.now += max(timeout, 1e-9)  # never quite still: who asks again and again must get on, too
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """The scenario's result, in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario)


def now() -> float:
    """The loop's own time: seconds since the scenario began."""
    return asyncio.get_running_loop().time()


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A record as the bank lists it."""
    return {
        "id": str(UUID(int=number)),
        "dateTime": f"2023-11-14T22:12:{number % 60:02}.5Z",
        "amount": 200,
        "currency": "KZT",
        "terminal": "98151552",
        "name": "Sergey S3CRET",
        "status": "ok",
        "code": "00",
        "reasonCode": 0,
        **changes,
    }


def json_answer(content: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=content, headers={k.replace("_", "-"): v for k, v in headers.items()})


Answering = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


@dataclass
class FakeBank:
    """Gives tokens, lists rows; scripted answers come first. `cap` is the largest page, `by_index` how it pages."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    cap: int = 10_000
    by_index: bool = False
    life: Any = 7200
    script: list[Answering] = field(default_factory=list)
    token_script: list[Answering] = field(default_factory=list)
    login: Answering | None = None
    listing: Answering | None = None
    delay: float = 0.0
    logins: list[float] = field(default_factory=list)
    login_requests: list[httpx.Request] = field(default_factory=list)
    requests: list[tuple[float, httpx.Request]] = field(default_factory=list)
    valid: set[str] | None = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.delay:
            await asyncio.sleep(self.delay)
        if request.url.path == "/token":
            self.logins.append(now())
            self.login_requests.append(request)
            answering = self.token_script.pop(0) if self.token_script else self.login or (lambda _: self.token())
        else:
            self.requests.append((now(), request))
            answering = self.script.pop(0) if self.script else self.listing or self.page
        answer = answering(request)
        return answer if isinstance(answer, httpx.Response) else await answer

    def token(self) -> httpx.Response:
        token = f"{TOKEN}-{len(self.logins)}"
        if self.valid is not None:
            self.valid.add(token)
        return json_answer({"access_token": token, "expires_in": self.life, "token_type": "bearer"})

    def page(self, request: httpx.Request) -> httpx.Response:
        if self.valid is not None and request.headers["authorization"].removeprefix("Bearer ") not in self.valid:
            return json_answer({"message": "S3CRET"}, 401)
        paging = json.loads(request.content)["paging"]
        size = min(paging["size"], self.cap)
        start = paging["page"] * (size if self.by_index else 1)
        return json_answer({"totalCount": len(self.rows), "records": self.rows[start : start + size] or None})

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for _, request in self.requests]

    @property
    def pages(self) -> list[tuple[int, int]]:
        return [(body["paging"]["page"], body["paging"]["size"]) for body in self.bodies]


@dataclass
class Witness:
    """An observer that keeps everything."""

    events: list[Event] = field(default_factory=list)

    def observe(self, event: Event) -> None:
        self.events.append(event)

    def results(self, endpoint: str) -> list[str]:
        return [event.result for event in self.events if isinstance(event, RequestMade) and event.endpoint == endpoint]

    @property
    def logins(self) -> list[LoginMade]:
        return [event for event in self.events if isinstance(event, LoginMade)]


ACCOUNT = Account(
    name="main",
    token_url="https://oauth.example/token",
    operations_url="https://epay.example/operations",
    username=Secret("accounts[0].username", SECRETS[0]),
    password=Secret("accounts[0].password", SECRETS[1]),
    client_id=Secret("accounts[0].client_id", SECRETS[2]),
    client_secret=Secret("accounts[0].client_secret", SECRETS[3]),
    terminals=(
        Terminal("98151552", "98151552", "wallet", "main"),
        Terminal("uuid-of-shop", "98151553", "shop", "main"),
    ),
)
POLL = Poll(requests_per_second=1000.0)


class Desk:
    """A client at a fake bank, with every dependency in the test's hands."""

    def __init__(
        self,
        bank: FakeBank,
        account: Account = ACCOUNT,
        poll: Poll = POLL,
        limits: Limits | None = None,
        slots: int = 4,
        jitter: float = 0.0,
        max_records: int = 20_000,
        met: Mapping[int, bytes] | None = None,
        **changes: Any,
    ) -> None:
        self.bank = bank
        self.witness = Witness()
        self.http = http_client(poll.timeout)
        # The one seam that httpx gives for this: the transport beneath the client.
        self.http._transport = httpx.MockTransport(bank)
        self.http._mounts = {}
        self.client = EpayClient(
            account=replace(account, **changes),
            poll=poll,
            limits=limits or Limits(),
            http=self.http,
            slots=asyncio.Semaphore(slots),
            observer=self.witness,
            clock=lambda: NOW + int(now() * SECOND),
            monotonic=now,
            random=lambda: jitter,
            max_records=max_records,
            compare=Decoder(met=met).compare,
        )


class Drip(httpx.AsyncByteStream):
    """A body that comes in pieces, with a pause before each."""

    def __init__(self, pieces: list[bytes], pause: float = 0.0, error: Exception | None = None) -> None:
        self._pieces = pieces
        self._pause = pause
        self._error = error
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(self._pause)
            self.sent += 1
            yield piece
        if self._error is not None:
            raise self._error
