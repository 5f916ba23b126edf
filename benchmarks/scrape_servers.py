"""The two sides of `benchmarks.scrape` as processes: `ours`, `theirs`, each with its port; theirs is given a file.

ours: the exporter's web side over some 100,000 series that a real poller has published. `/-/change` has a tenth of the
terminals get new operations, `/-/flat-out` reads operations of all as fast as it can until it is asked again.
theirs: prometheus_client's own ASGI app, with a collector that has the same samples ready.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, Metric, make_asgi_app
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from benchmarks.sizing_bank import Traffic
from benchmarks.stage import POLICY, T0, PagedBank, Stage
from exporter import logs
from exporter.model import SECOND
from exporter.web import bind, serve

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
        self._stage = Stage(traffic, lambda: self.now, self._monotonic, self._bank, covered=POLICY.reach, bare=True)
        self._flat_out: asyncio.Task[None] | None = None

    def _monotonic(self) -> float:
        return self.now / SECOND

    async def run(self, port: int) -> None:
        """Read the past, then serve."""
        while self.now < T0:
            await self._poll(10)
        await asyncio.gather(serve(self, [bind(f"127.0.0.1:{port}")], None))

    async def _poll(self, seconds: int) -> None:
        self.now += seconds * SECOND
        await self._stage.poller.poll()

    async def _ingest(self) -> None:
        while True:
            await self._poll(5)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if path == "/-/change":
            self._bank.every = 10
            await self._poll(STEP)
        elif path == "/-/flat-out":
            self._bank.every = 1
            if self._flat_out is None:
                self._flat_out = asyncio.create_task(self._ingest())
            else:
                self._flat_out.cancel()
                self._flat_out = None
        else:
            await self._stage.app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"OK"})


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
