"""The telemetry endpoint: what Prometheus scrapes."""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from exporter.exposition import FAMILIES, Answer, Exposition, is_openmetrics, render
from exporter.model import Clock, Snapshot
from exporter.web.scrapers import Scraper, Scrapers

_CONCURRENT = 2
"""Answers in the making at a time: more would only take the processor from each other and from the polls."""

_TAKEN = frozenset(definition.family for definition in FAMILIES)


class Metrics:
    """Answers scrapes. Puts answers together in a thread, so that nothing else waits: health checks least of all."""

    def __init__(
        self,
        snapshots: Callable[[], Snapshot],
        registry: CollectorRegistry,
        clock: Clock,
        scraped: Callable[[int], None],
        exposition: Exposition,
    ) -> None:
        self._snapshots = snapshots
        self._exposition = exposition
        self._registry = registry
        self._clock = clock
        self._scraped = scraped
        self._scrapers = Scrapers()
        self._turns = asyncio.Semaphore(_CONCURRENT)

    async def __call__(self, request: Request) -> Response:
        """The current snapshot in the format and encoding that the scraper asks for."""
        scraper = Scraper(request.client.host if request.client else "", request.headers.get("user-agent", ""))
        zipped = accepts_gzip(request.headers.get("accept-encoding", ""))
        async with self._turns:
            snapshot, exposed = self._snapshots(), self._scrapers.seen(scraper, self._clock())
            accept = request.headers.get("accept", "")
            answer, content_type = await asyncio.to_thread(self._rendered, snapshot, exposed, accept, zipped)
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
        # Noted once the answer is out. Who asked for the head only, or hung up meanwhile, has seen nothing.
        seen = request.method == "GET" and not await request.is_disconnected()
        noting = BackgroundTask(self._note, scraper, answer.sequence) if seen else None
        return Response(answer.body, headers=headers, background=noting)

    def _rendered(self, snapshot: Snapshot, exposed: int, accept: str, zipped: bool) -> tuple[Answer, str]:
        own, content_type = render([self._registry.collect()], accept, _TAKEN)
        ask = self._exposition.zipped if zipped else self._exposition.plain
        return ask(snapshot, self._clock(), exposed, own, openmetrics=is_openmetrics(content_type)), content_type

    async def _note(self, scraper: Scraper, sequence: int) -> None:
        """A coroutine, so that it runs in the loop at once and not in a thread some time."""
        self._scrapers.note(scraper, sequence, self._clock())
        self._scraped(sequence)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header asks for gzip: named, and not with a weight of zero."""
    for offer in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in offer.split(";"))
        if coding == "gzip":
            return not any(parameter.replace(" ", "").rstrip("0") in {"q=", "q=0."} for parameter in parameters)
    return False
