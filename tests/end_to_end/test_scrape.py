"""A real Prometheus scrapes a hundred thousand series, compressed and in OpenMetrics, while they move."""

import asyncio
import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from benchmarks.fleet_of_series import fleet, moved
from exporter.app import wall_clock
from exporter.exposition import Exposition
from exporter.model import Outcome, Snapshot
from exporter.web import bind, create_app, serve
from tests.end_to_end.pages import servers
from tests.plain.families import families
from tests.processes import eventually

TERMINALS = 600
TERMINAL = "terminal-0007"


class Served:
    """The web application with a snapshot that the test moves on."""

    def __init__(self) -> None:
        now = wall_clock()
        self.snapshot: Snapshot = fleet(TERMINALS, now=now)
        self.scrapes = 0

    def scraped(self, _: int) -> None:
        self.scrapes += 1

    def move(self) -> None:
        self.snapshot = moved(self.snapshot, 0.1, self.snapshot.sequence)


@pytest.fixture
async def served() -> AsyncIterator[tuple[Served, int]]:
    served = Served()
    app = create_app(
        lambda: served.snapshot, CollectorRegistry(), wall_clock, scraped=served.scraped, exposition=Exposition()
    )
    listener = bind("127.0.0.1:0")
    task = asyncio.create_task(serve(app, [listener]))
    yield served, listener.getsockname()[1]
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.contextmanager
def prometheus(directory: Path, port: int) -> Iterator[str]:
    config = {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s"},
        "scrape_configs": [{"job_name": "epay", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    with servers.prometheus(path, directory / "tsdb") as address:
        yield address


def ask(url: str, path: str, **parameters: str) -> Any:
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
        return json.load(answer)["data"]


def value(url: str, expression: str) -> float | None:
    found = ask(url, "query", query=expression)["result"]
    return float(found[0]["value"][1]) if found else None


def total(snapshot: Snapshot) -> float:
    """What one counter stands at."""
    return sum(
        sample.value
        for family in families(snapshot, wall_clock(), snapshot.sequence)
        if family.name == "epay_operations"
        for sample in family.samples
        if sample.labels["terminal"] == TERMINAL and sample.labels["outcome"] == Outcome.SUCCESS
    )


async def test_prometheus_reads_every_one_of_a_hundred_thousand_series(
    served: tuple[Served, int], tmp_path: Path
) -> None:
    world, port = served
    exposed = sum(len(family.samples) for family in families(world.snapshot, wall_clock(), world.snapshot.sequence))
    assert exposed > 100_000

    with prometheus(tmp_path, port) as url:
        for _ in range(3):  # the second and third find nearly all of it prepared
            await until_scraped(world, 2)  # one may have been under way
            world.move()
        expected = total(world.snapshot)
        query = f'sum(epay_operations_total{{terminal="{TERMINAL}",outcome="success"}})'
        await asyncio.to_thread(eventually, lambda: value(url, query) == expected)
        (target,) = (await asyncio.to_thread(ask, url, "targets"))["activeTargets"]
        samples = await asyncio.to_thread(value, url, "scrape_samples_scraped")
        up = await asyncio.to_thread(value, url, "min_over_time(up[1m])")
        log = (tmp_path / "tsdb/prometheus.log").read_text()

    assert (target["health"], target["lastError"]) == ("up", "")
    assert (samples, up) == (exposed, 1)
    assert [line for line in log.splitlines() if "level=warn" in line or "level=error" in line] == []


async def until_scraped(world: Served, times: int) -> None:
    end = world.scrapes + times
    await asyncio.to_thread(eventually, lambda: world.scrapes >= end)
