"""The web side in a thread of its own: answered whatever the polls do, and ended with them."""

import asyncio
import contextlib
import http.client
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from exporter.app.serving import Pulse, asked, serve_apart, told
from exporter.poller import Publication
from exporter.web import bind, create_app
from tests.listening import listening


def app_of(answer: Callable[[Request], Response]) -> Starlette:
    async def endpoint(request: Request) -> Response:
        return answer(request)

    return Starlette(routes=[Route("/", endpoint)])


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[tuple[int, "asyncio.Task[None]"]]:
    async with listening(partial(serve_apart, app)) as served:
        yield served


def get(port: int, path: str = "/") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def web_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("web")]


async def test_who_asks_is_answered_while_the_loop_of_the_polls_computes() -> None:
    async with serving(app_of(lambda _: PlainTextResponse("OK"))) as (port, _):
        assert get(port) == "OK"  # this loop is blocked until the answer is there


async def test_ends_with_its_thread_when_cancelled() -> None:
    async with serving(app_of(lambda _: PlainTextResponse("OK"))) as (port, task):
        await asyncio.to_thread(get, port)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not web_threads()
        with pytest.raises(ConnectionRefusedError):
            get(port)


async def test_cancelled_before_it_serves_it_ends_all_the_same() -> None:
    async with serving(app_of(lambda _: PlainTextResponse("OK"))) as (_, task):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not web_threads()


async def test_what_goes_wrong_in_the_thread_is_raised_where_it_is_waited_for() -> None:
    listener = bind("127.0.0.1:0")
    listener.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await serve_apart(app_of(lambda _: PlainTextResponse("OK")), [listener])


async def test_news_reach_the_loop_of_the_polls_in_its_own_thread() -> None:
    heard: asyncio.Future[tuple[str, bool]] = asyncio.get_running_loop().create_future()
    here = threading.current_thread()

    def hear(news: str) -> None:
        heard.set_result((news, threading.current_thread() is here))

    tell = told(hear)

    def answer(_: Request) -> Response:
        tell("scraped")
        return PlainTextResponse("OK")

    async with serving(app_of(answer)) as (port, _):
        await asyncio.to_thread(get, port)
        assert await heard == ("scraped", True)


async def test_a_question_is_answered_in_the_loop_of_the_polls() -> None:
    here = threading.current_thread()

    async def question() -> str:
        return "here" if threading.current_thread() is here else "elsewhere"

    put = asked(question)

    async def endpoint(_: Request) -> Response:
        return PlainTextResponse(await put())

    async with serving(Starlette(routes=[Route("/", endpoint)])) as (port, _):
        assert await asyncio.to_thread(get, port) == "here"


async def test_an_exporter_whose_polls_stand_still_says_that_it_is_not_healthy() -> None:
    now = 1000.0
    pulse = Pulse(lambda: now)
    publication = Publication(stale_after=1)
    app = create_app(publication.current, CollectorRegistry(), lambda: 0, standing_still=pulse.standing_still)
    async with serving(app) as (port, _):
        now += 59
        assert get(port, "/-/healthy") == "OK"
        now += 31
        assert get(port, "/-/healthy") == "the polls have stood still for 90 seconds"
        beating = asyncio.create_task(pulse.beat())
        await asyncio.sleep(0)
        assert get(port, "/-/healthy") == "OK"
        beating.cancel()


async def test_an_exporter_that_was_stopped_as_a_whole_is_healthy_when_it_goes_on() -> None:
    seen = iter((90.0, 0.0))  # the health check had its turn before the polls had theirs
    publication = Publication(stale_after=1)
    app = create_app(publication.current, CollectorRegistry(), lambda: 0, standing_still=lambda: next(seen))
    async with serving(app) as (port, _):
        assert await asyncio.to_thread(get, port, "/-/healthy") == "OK"
