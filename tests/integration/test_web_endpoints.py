"""The endpoints over HTTP semantics, without a socket."""

import asyncio
import gzip
import re
import threading
from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.registry import Collector

from exporter.model import MINUTE, Family, Outcome, Snapshot, Total
from exporter.web import create_app
from exporter.web.metrics import accepts_gzip
from exporter.web.scrapers import Scraper, Scrapers
from tests.tools import NOW, series, snapshot, terminal_snapshot

FAILURE = Total(Family.OPERATIONS, series("wallet", Outcome.FAILURE, "failed", "51", "51", "funds"))
OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}

Client = httpx.AsyncClient


def client_of(app: object, **options: object) -> Client:
    transport = httpx.ASGITransport(app=app, **options)  # type: ignore[arg-type]
    return Client(transport=transport, base_url="http://exporter")


class World:
    """What the application is given: the test changes the snapshot as it goes."""

    def __init__(self) -> None:
        self.snapshot: Snapshot = snapshot(terminal_snapshot())
        self.now = NOW
        self.registry = CollectorRegistry()
        Gauge("own", "A metric of the exporter's own.", registry=self.registry).set(3)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    app = create_app(lambda: world.snapshot, world.registry, lambda: world.now, version="1.2.3")
    async with client_of(app) as client:
        yield client


async def shown(client: Client, agent: str = "Prometheus/2.42", method: str = "GET") -> float | None:
    """The value of the failure series as a scraper sees it."""
    answer = await client.request(method, "/metrics", headers={"User-Agent": agent})
    found = re.search(r'^epay_operations_total\{code="51".* (\S+)$', answer.text, re.MULTILINE)
    return float(found[1]) if found else None


async def test_metrics_of_the_snapshot_and_of_the_exporter(client: Client) -> None:
    answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'epay_poll_success{terminal="wallet"} 1.0' in answer.text
    assert "own 3.0" in answer.text


async def test_openmetrics_when_asked_for(client: Client) -> None:
    answer = await client.get("/metrics", headers=OPENMETRICS)

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


async def test_gzip_only_when_asked_for(client: Client) -> None:
    plain = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
    async with client.stream("GET", "/metrics", headers={"Accept-Encoding": "gzip"}) as zipped:
        raw = b"".join([part async for part in zipped.aiter_raw()])

    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=1.0", True),
        ("deflate", False),
        ("*", False),
        ("identity;q=1, ;;", False),
    ],
)
def test_who_accepts_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


async def test_a_new_series_is_zero_to_each_scraper_once(client: Client, world: World) -> None:
    assert await shown(client, "a") is None
    assert await shown(client, "b") is None
    world.snapshot = snapshot(terminal_snapshot(), totals={FAILURE: 7}, born={FAILURE: 11}, sequence=11)

    assert [await shown(client, "a"), await shown(client, "a")] == [0, 7]
    assert [await shown(client, "b"), await shown(client, "b")] == [0, 7]
    assert [await shown(client, "c, just started"), await shown(client, "c, just started")] == [0, 7]
    world.now += MINUTE
    assert await shown(client, "curl, who came late") == 7


async def test_a_scraper_that_missed_several_polls_sees_zero_first(client: Client, world: World) -> None:
    await shown(client)
    world.snapshot = snapshot(terminal_snapshot(), totals={FAILURE: 7}, born={FAILURE: 11}, sequence=15)

    assert [await shown(client), await shown(client)] == [0, 7]


async def test_the_first_scrape_ever_sees_zero_first(client: Client, world: World) -> None:
    world.snapshot = snapshot(terminal_snapshot(), totals={FAILURE: 7}, born={FAILURE: 3}, sequence=15)

    assert [await shown(client), await shown(client)] == [0, 7]


async def test_a_head_counts_as_nothing(client: Client, world: World) -> None:
    world.snapshot = snapshot(terminal_snapshot(), totals={FAILURE: 7}, born={FAILURE: 3}, sequence=15)

    assert await shown(client, method="HEAD") is None
    assert await shown(client) == 0


async def test_a_scraper_that_hung_up_counts_as_nothing(world: World) -> None:
    world.snapshot = snapshot(terminal_snapshot(), totals={FAILURE: 7}, born={FAILURE: 3}, sequence=15)
    app = create_app(lambda: world.snapshot, world.registry, lambda: NOW)
    headers = [(b"user-agent", b"Prometheus/2.42")]
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers, "client": ("127.0.0.1", 123)}

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def nowhere(_: MutableMapping[str, Any]) -> None:
        pass

    await app(scope | {"query_string": b""}, gone, nowhere)

    async with client_of(app) as client:
        assert [await shown(client), await shown(client)] == [0, 7]


async def test_a_failed_rendering_counts_as_nothing(world: World) -> None:
    class Broken(Collector):
        broken = True

        def collect(self) -> Iterator[Metric]:
            if self.broken:
                raise RuntimeError("a bug")
            yield from ()

    broken = Broken()
    broken.broken = False
    world.registry.register(broken)
    broken.broken = True
    world.snapshot = snapshot(terminal_snapshot(), totals={FAILURE: 7}, born={FAILURE: 3}, sequence=15)
    app = create_app(lambda: world.snapshot, world.registry, lambda: NOW)
    async with client_of(app, raise_app_exceptions=False) as client:
        failed = await client.get("/metrics", headers={"User-Agent": "Prometheus/2.42"})
        broken.broken = False

        assert (failed.status_code, failed.text) == (500, "Internal Server Error")
        assert await shown(client) == 0


async def test_health_does_not_wait_for_a_rendering(world: World) -> None:
    rendering, go_on = threading.Event(), threading.Event()

    class Slow(Collector):
        def collect(self) -> Iterator[Metric]:
            rendering.set()
            assert go_on.wait(10)
            yield from ()

    go_on.set()
    world.registry.register(Slow())
    go_on.clear()
    rendering.clear()
    app = create_app(lambda: world.snapshot, world.registry, lambda: NOW)
    async with client_of(app) as client:
        scrapes = [asyncio.create_task(client.get("/metrics")) for _ in range(5)]
        assert await asyncio.to_thread(rendering.wait, 10)

        answers = [await client.get(path) for path in ("/-/healthy", "/-/ready", "/")]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert not any(scrape.done() for scrape in scrapes)

        go_on.set()
        assert {(await scrape).status_code for scrape in scrapes} == {200}


async def test_ready_once_every_terminal_was_tried(client: Client, world: World) -> None:
    tried = terminal_snapshot("tried", failing=True, read=False)
    untried = [terminal_snapshot(f"t{number}", tried=False, read=False) for number in range(7)]

    world.snapshot = replace(world.snapshot, terminals=(tried, *untried))
    waiting = await client.get("/-/ready")
    world.snapshot = replace(world.snapshot, terminals=(tried,))
    ready = await client.get("/-/ready")

    assert (waiting.status_code, waiting.text) == (
        503,
        "not ready: waiting for the first poll of t0, t1, t2, t3, t4, …",
    )
    assert (ready.status_code, ready.text) == (200, "OK")


async def test_healthy_whatever_the_terminals_do(client: Client, world: World) -> None:
    world.snapshot = snapshot(terminal_snapshot(tried=False, read=False, failing=True))

    answer = await client.get("/-/healthy")

    assert (answer.status_code, answer.text) == (200, "OK")


@pytest.mark.parametrize("path", ["/metrics/", "/nothing", "/-/", "/-/healthy/x", "/favicon.ico", "//"])
async def test_what_is_not_there_is_404_in_plain_text(client: Client, path: str) -> None:
    answer = await client.get(httpx.URL("http://exporter", raw_path=path.encode()))

    assert (answer.status_code, answer.text) == (404, "Not Found")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/metrics", "/-/healthy", "/-/ready", "/"])
async def test_only_reading_is_allowed(client: Client, path: str) -> None:
    answer = await client.post(path)

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert (await client.head(path)).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/-/healthy", "/-/ready", "/", "/nothing"])
async def test_every_answer_tells_the_browser_to_trust_nothing(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


async def test_another_telemetry_path_is_linked_from_the_page(world: World) -> None:
    app = create_app(lambda: world.snapshot, world.registry, lambda: NOW, telemetry_path="/-/stats", version="1.2.3")
    async with client_of(app) as client:
        assert "own 3.0" in (await client.get("/-/stats")).text
        assert (await client.get("/metrics")).status_code == 404
        page = await client.get("/")

    assert '<a href="/-/stats">' in page.text
    assert "epay-exporter 1.2.3" in page.text


async def test_the_page_escapes_what_it_shows(client: Client, world: World) -> None:
    world.snapshot = snapshot(terminal_snapshot("<script>alert(1)</script>", account='"><img src=x>'))

    text = (await client.get("/")).text

    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_scrapers_that_are_forgotten_have_seen_what_the_others_have() -> None:
    scrapers = Scrapers(limit=2)
    first, second, third = (Scraper("127.0.0.1", agent) for agent in "abc")

    scrapers.note(first, 5, NOW)
    scrapers.note(second, 3, NOW)
    assert [scrapers.seen(each, NOW) for each in (first, second, third)] == [5, 3, 0]
    later = NOW + MINUTE
    assert [scrapers.seen(each, later) for each in (first, second, third)] == [5, 3, 5]

    scrapers.note(first, 4, later)  # an answer that was overtaken
    assert scrapers.seen(first, later) == 5

    scrapers.note(third, 6, later)  # second is the one least recently here
    assert [scrapers.seen(each, later) for each in (first, second, third)] == [5, 5, 6]


class Reloading:
    """Something to be reloaded, that counts."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        self.asked = 0

    async def __call__(self) -> tuple[str, ...]:
        self.asked += 1
        return self.problems


async def reloaded(world: World, reloading: Reloading | None, method: str = "POST", **headers: str) -> httpx.Response:
    app = create_app(lambda: world.snapshot, world.registry, lambda: world.now, reload=reloading)
    async with client_of(app) as client:
        return await client.request(method, "/-/reload", headers=headers)


async def test_a_reload_that_was_applied_is_answered_with_ok(world: World) -> None:
    reloading = Reloading()
    answer = await reloaded(world, reloading)

    assert (answer.status_code, answer.text, reloading.asked) == (200, "OK", 1)


async def test_a_reload_that_was_refused_is_answered_with_every_mistake(world: World) -> None:
    answer = await reloaded(world, Reloading("config.yaml:3: poll: wrong", "config.yaml:5: windows: wrong"))

    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.splitlines()[1:] == ["config.yaml:3: poll: wrong", "config.yaml:5: windows: wrong"]


async def test_a_reload_that_is_not_enabled_is_forbidden(world: World) -> None:
    answer = await reloaded(world, None)

    assert answer.status_code == 403
    assert "Lifecycle API is not enabled" in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_reload_is_a_post_and_nothing_else(world: World, method: str) -> None:
    reloading = Reloading()

    assert (await reloaded(world, reloading, method)).status_code == 405
    assert reloading.asked == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://exporter"}, 200),
        ({"Origin": "http://elsewhere"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_a_page_of_another_site_cannot_have_it_reloaded(
    world: World, headers: dict[str, str], status: int
) -> None:
    reloading = Reloading()

    assert (await reloaded(world, reloading, **headers)).status_code == status
    assert reloading.asked == (status == 200)
