"""The endpoints, put together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.exposition import Exposition
from exporter.model import Clock, Snapshot
from exporter.web.languages import chosen
from exporter.web.metrics import Metrics
from exporter.web.page import Page
from exporter.web.reload import Reload
from exporter.web.status import Refusal

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_NOTHING_ALLOWED: Final = "default-src 'none'; frame-ancestors 'none'"
_SECOND_LOOK: Final = 1.0
"""Seconds until polls that seem to stand still are looked at again. A process that was stopped as a whole, and goes on,
may find a health check before its polls have had their turn: it must not be ended for that."""
_NAMED: Final = 5
"""Terminals that a probe's answer names; it is read in a terminal or an event, not as a list."""


def create_app(
    snapshots: Callable[[], Snapshot],
    registry: CollectorRegistry,
    clock: Clock,
    telemetry_path: str = "/metrics",
    version: str = "",
    scraped: Callable[[int], None] = lambda _: None,
    reload: Callable[[], Awaitable[Sequence[str]]] | None = None,
    refused: Callable[[], Refusal | None] = lambda: None,
    exposition: Exposition | None = None,
    standing_still: Callable[[], float] = lambda: 0.0,
) -> Starlette:
    """The web side of an exporter. `snapshots` gives the current snapshot and is asked at each request.

    `scraped` is told the sequence of each snapshot that a scraper has been shown. `reload` has the configuration read
    again and gives what is wrong with it; None where that is not allowed over HTTP. `refused` gives the last reload
    where that was refused, for the page. `exposition` is one that somebody prepares as snapshots are published; without
    it, each snapshot is written when it is first asked for. `standing_still` gives the seconds for which the polls have
    unaccountably not moved: the exporter is not healthy then, and should be started anew.
    """
    page = Page(telemetry_path, version)
    metrics = Metrics(snapshots, registry, clock, scraped, exposition or Exposition())

    async def healthy(_: Request) -> Response:
        if standing_still():
            await asyncio.sleep(_SECOND_LOOK)
        if seconds := standing_still():
            return PlainTextResponse(f"the polls have stood still for {seconds:.0f} seconds", status_code=503)
        return PlainTextResponse("OK")

    async def ready(_: Request) -> Response:
        waiting = [each.terminal.name for each in snapshots().terminals if not each.tried]
        if not waiting:
            return PlainTextResponse("OK")
        names = ", ".join(waiting[:_NAMED]) + (", …" if len(waiting) > _NAMED else "")
        return PlainTextResponse(f"not ready: waiting for the first poll of {names}", status_code=503)

    def status(request: Request) -> Response:
        # Not a coroutine: Starlette runs it in a thread, where it holds up nobody.
        accepted = ", ".join(request.headers.getlist("accept-language"))
        language = chosen(request.query_params.get("lang"), accepted)
        headers = {
            "Content-Security-Policy": page.content_security_policy,
            "Content-Language": language,
            "Vary": "Accept-Language",
        }
        return HTMLResponse(page.render(snapshots(), clock(), refused(), language=language), headers=headers)

    app = Starlette(
        routes=[
            Route(telemetry_path, metrics.__call__, methods=["GET"]),
            Route("/-/healthy", healthy, methods=["GET"]),
            Route("/-/ready", ready, methods=["GET"]),
            Route("/-/reload", Reload(reload).__call__, methods=["POST"]),
            Route("/", status, methods=["GET"]),
        ],
        middleware=[Middleware(_SecurityHeaders)],
    )
    app.router.redirect_slashes = False  # what is not there is not there
    return app


class _SecurityHeaders:
    """Headers that tell a browser to trust nothing of an answer but what it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.setdefault("Content-Security-Policy", _NOTHING_ALLOWED)
            await send(message)

        await self._app(scope, receive, send_with_headers)
