"""The bank over HTTP: login, list of operations and, beside them, the truth."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from random import Random
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from exporter.simulator.faults import Faults
from exporter.simulator.records import record
from exporter.simulator.search import METHOD_MISSING, Refusal, search
from exporter.simulator.selection import Selection
from exporter.simulator.settings import Settings
from exporter.simulator.tokens import LoginRefused, Tokens
from exporter.simulator.truth import truth
from exporter.simulator.world import World

# Where the server leaves a way to drop the connection; without it (in tests) the application raises.
ABORT = "epay.simulator.abort"

_MAINTENANCE = "<!DOCTYPE html><html><head><title>Технические работы</title></head><body><h1>503</h1></body></html>"
_MAX_BODY = 1 << 20

Clock = Callable[[], int]
Sleep = Callable[[float], Awaitable[None]]


class Dropped:
    """An answer that never comes: the connection is closed instead."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Drop the connection, and wait until it is gone so that nothing is sent in its place."""
        abort = scope.get(ABORT)
        if abort is None:
            raise ConnectionResetError("the bank closed the connection")
        abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class Bank:
    """The endpoints, their tokens and their faults."""

    def __init__(self, world: World, settings: Settings, clock: Clock, sleep: Sleep) -> None:
        self._world = world
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._tokens = Tokens(settings)
        self._faults = Faults(settings.faults, settings.seed)
        self._shuffle = Random(f"{settings.seed}/shuffle")

    def now(self) -> int:
        """The bank's own time, which may differ from everybody else's."""
        return self._clock() + self._settings.skew

    async def token(self, request: Request) -> Any:
        """`POST /oauth2/token`."""
        struck = self._faults.strike(at_login=True)
        if (broken := await self._obstacle(struck)) is not None:
            return broken
        if self._world.timeline.at(self.now()).door == "login-refused":
            return _json(401, {"error": "invalid_client", "error_description": "access is suspended"})
        try:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            # Starlette turns another type of body into an empty form, and a broken one into an HTTPException.
            form = await request.form(max_files=0, max_fields=20)
            answer = self._tokens.login(kind, _fields(form), self.now())
        except HTTPException as error:
            return _json(400, {"error": "invalid_request", "error_description": error.detail})
        except LoginRefused as refused:
            return _json(refused.status, {"error": refused.error, "error_description": str(refused)})
        return self._finished(_json(200, answer), struck)

    async def operations(self, request: Request) -> Any:
        """`POST /api/p2p/operations`."""
        struck = self._faults.strike(at_login=False)
        if "revoked-token" in struck or self._world.timeline.at(self.now()).door == "login-refused":
            self._tokens.forget()
        if (broken := await self._obstacle(struck)) is not None:
            return broken
        if not self._tokens.holds(request.headers.get("authorization", ""), self.now()):
            headers = {"www-authenticate": 'Bearer error="invalid_token"'}
            return _json(401, {"error": "invalid_token", "error_description": "token is not known"}, headers)
        if "error-200" in struck:
            return _json(200, {"code": 232, "message": METHOD_MISSING})
        try:
            answer = await self._answer(request, poison="poison" in struck)
        except Refusal as refusal:
            # Header values are latin-1; what the client sent may not be.
            reason = refusal.detail.encode("ascii", "backslashreplace").decode().replace("\n", " ")
            body = {"code": 232, "message": refusal.message}
            return _json(self._settings.error_status, body, {"x-simulator-reason": reason})
        return self._finished(_json(200, answer), struck)

    async def truth(self, request: Request) -> Response:
        """`GET /truth`; with `at`, as it was at an earlier moment."""
        try:
            now = int(request.query_params.get("at", self.now()))
            begin = int(request.query_params.get("from", self._world.start))
            end = int(request.query_params.get("to", now + 1))
        except ValueError:
            return _json(400, {"error": "from, to and at are microseconds since the epoch"})
        return _json(200, truth(self._world, begin, end, now))

    async def _answer(self, request: Request, *, poison: bool) -> dict[str, Any]:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal("the body must be application/json", "Некорректный запрос")
        body = await request.body()
        if len(body) > _MAX_BODY:
            raise Refusal("the body is too large", "Некорректный запрос")
        now = self.now()
        found = Selection(self._world, search(body, self._settings), now)
        page: list[Any] = [record(operation, now, self._settings) for operation in found.page(self._shuffle)]
        if poison:
            page = self._faults.poisoned(page)
        answer: dict[str, Any] = {"totalCount": found.total}
        if page or self._settings.empty_records == "list":
            answer["records"] = page
        elif self._settings.empty_records == "null":
            answer["records"] = None
        return answer

    async def _obstacle(self, struck: frozenset[str]) -> Any:
        """What comes instead of an answer; None where nothing stands in the way."""
        door = self._world.timeline.at(self.now()).door
        if door == "down":
            return _html(503)
        if door == "slow" or "slow" in struck:
            await self._sleep(self._settings.slow_seconds)
        if "reset" in struck:
            return Dropped()
        if "http-500" in struck:
            return _json(500, {"code": 500, "message": "Internal Server Error"})
        if "html" in struck:
            return _html(self._faults.html_status())
        if "rate-limit" in struck:
            headers = {"retry-after": str(self._settings.retry_after)}
            return _json(429, {"code": 429, "message": "Too Many Requests"}, headers)
        return None

    @staticmethod
    def _finished(response: Response, struck: frozenset[str]) -> Response:
        if "truncated" not in struck:
            return response
        body = bytes(response.body)
        return Response(body[: len(body) * 2 // 3], response.status_code, media_type="application/json")


def create_app(world: World, settings: Settings, clock: Clock, sleep: Sleep = asyncio.sleep) -> Starlette:
    """The bank as an ASGI application; `clock` gives microseconds since the epoch, without the skew."""
    bank = Bank(world, settings, clock, sleep)
    return Starlette(
        routes=[
            Route("/oauth2/token", _dated(bank.token, bank.now), methods=["POST"]),
            Route("/api/p2p/operations", _dated(bank.operations, bank.now), methods=["POST"]),
            Route("/truth", _dated(bank.truth, bank.now), methods=["GET"]),
        ]
    )


def _dated(endpoint: Callable[[Request], Awaitable[Any]], now: Clock) -> Callable[[Request], Awaitable[Any]]:
    """The endpoint with a Date header from the bank's clock."""

    async def answer(request: Request) -> Any:
        try:
            response = await endpoint(request)
        except ClientDisconnect:  # nobody waits for an answer, and that is no mistake of the bank's
            return Dropped()
        if isinstance(response, Response):
            response.headers["date"] = formatdate(now() // 1_000_000, usegmt=True)
        return response

    return answer


def _fields(form: FormData) -> list[tuple[str, str]]:
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def _html(status: int) -> Response:
    return Response(_MAINTENANCE, status, media_type="text/html")
