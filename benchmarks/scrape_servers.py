"""The two sides of `benchmarks.scrape` as processes: `ours`, `theirs`, each with its port; theirs is given a file.

ours: the exporter's web side over some 100,000 series that a real poller has published, in threads as the exporter has
them. `/-/change` has a tenth of the terminals get new operations, `/-/flat-out` reads operations of all as fast as it
can until it is asked again, `/-/steady` does so once a second.
theirs: prometheus_client's own ASGI app, with a collector that has the same samples ready.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, Metric, make_asgi_app
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from benchmarks.sizing_bank import Traffic
from benchmarks.stage import POLICY, T0, PagedBank, Stage
from exporter import logs
from exporter.app.collecting import collect_rarely
from exporter.app.preparing import keep_prepared
from exporter.app.running import GIVE_WAY_AFTER
from exporter.app.serving import asked, serve_apart, told
from exporter.exposition import Exposition
from exporter.model import SECOND, Instant
from exporter.state import SqliteStore
from exporter.web import bind, create_app

TERMINALS = 1150
A_SECOND = 0.5
"""Operations of each terminal."""
PAST = 120
"""Seconds of them. For three minutes none of them leaves the shortest window, so what does not change stays clean."""
STEP = 2


class Ours:
    """The exporter's web side, and what sets it in motion."""

    def __init__(self) -> None:
        self.now = T0 - PAST * SECOND
        traffic = Traffic(TERMINALS, A_SECOND * 3600)
        self._bank = PagedBank(traffic, lambda: self.now, since=self.now)
        self._state = tempfile.TemporaryDirectory()
        store = SqliteStore(Path(self._state.name) / "state.sqlite")
        self._stage = Stage(traffic, self._clock, self._monotonic, self._bank, store, covered=POLICY.reach)
        self._exposition = Exposition(prepared=True)
        self._polling: asyncio.Task[None] | None = None

    def _clock(self) -> Instant:
        return self.now

    def _monotonic(self) -> float:
        return self.now / SECOND

    async def run(self, port: int) -> None:
        """Read the past, then serve."""
        while self.now < T0:
            await self._poll(10)
        published = self._stage.publication
        current = published.current
        metrics = create_app(
            current, CollectorRegistry(), self._clock, scraped=told(published.scraped), exposition=self._exposition
        )
        orders = {
            "/-/change": asked(self._change),
            "/-/flat-out": asked(partial(self._begin_or_end, 5, 0.0)),
            "/-/steady": asked(partial(self._begin_or_end, STEP, 1.0)),
        }

        async def app(scope: Any, receive: Any, send: Any) -> None:
            order = orders.get(scope.get("path", ""))
            if order is None:
                await metrics(scope, receive, send)
                return
            await order()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"OK"})

        sys.setswitchinterval(GIVE_WAY_AFTER)
        collect_rarely()
        await asyncio.gather(
            serve_apart(app, [bind(f"127.0.0.1:{port}")]),
            keep_prepared(published, current, self._exposition, self._clock),
        )

    async def _poll(self, seconds: int) -> None:
        self.now += seconds * SECOND
        await self._stage.poller.poll()

    async def _change(self) -> None:
        self._bank.every = 10
        await self._poll(STEP)

    async def _begin_or_end(self, step: int, pause: float) -> None:
        self._bank.every = 1
        if self._polling is None:
            self._polling = asyncio.create_task(self._ingest(step, pause))
        else:
            self._polling.cancel()
            self._polling = None

    async def _ingest(self, step: int, pause: float) -> None:
        while True:
            await self._poll(step)
            await asyncio.sleep(pause)


class _Ready(Collector):
    """Families that have been made beforehand."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def theirs(port: int, file: Path) -> None:
    """prometheus_client's app, and a health check beside it."""
    registry = CollectorRegistry()
    registry.register(_Ready(text_string_to_metric_families(file.read_text(encoding="utf-8"))))
    metrics = make_asgi_app(registry)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/-/healthy":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"OK"})
        else:
            await metrics(scope, receive, send)

    uvicorn.run(app, port=port, lifespan="off", log_level="error")


def main() -> None:
    side, port, *rest = sys.argv[1:]
    logs.configure("error", "logfmt")
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        if side == "ours":
            asyncio.run(Ours().run(int(port)))
        else:
            theirs(int(port), Path(rest[0]))


if __name__ == "__main__":
    main()
