"""One request: capped, paced, classified, tried again, observed, and silent about what nobody may see."""

import asyncio
import gzip
import json
import socket
import ssl
import traceback
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import httpx
import pytest

from exporter.bank import BankError, Garbled, Refused, ServerFailed, Throttled, Unreachable
from exporter.client import EpayClient, http_client
from exporter.client.pauses import retry_after
from exporter.config.records import Limits, Poll
from exporter.model import SECOND, RequestMade
from tests.client_bank import (
    ACCOUNT,
    ASSIGNMENT,
    NOW,
    SECRETS,
    Answering,
    Desk,
    Drip,
    FakeBank,
    json_answer,
    now,
    row,
    run,
)

MIB = 1024 * 1024


def caused(error: httpx.TransportError, cause: BaseException) -> httpx.TransportError:
    error.__cause__ = cause
    return error


def raising(error: Exception) -> Answering:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def text(status: int, content: str) -> Answering:
    return lambda _: httpx.Response(status, text=content)


def body(status: int, content: Any) -> Answering:
    return lambda _: json_answer(content, status)


def streamed(*pieces: bytes, pause: float = 0.0, error: Exception | None = None, **headers: str) -> Answering:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(200, headers=named, stream=Drip(list(pieces), pause, error))


GOOD = json.dumps({"totalCount": 0, "records": None}).encode()
ERROR = {"code": 232, "message": "S3CRET Метод поиска отсутствует"}

Case = tuple[Answering, type[BankError], str, int, str]
CASES: list[Case] = [
    (raising(httpx.ConnectError("S3CRET")), Unreachable, "connect", 3, "cannot connect to epay.example: no connection"),
    (
        raising(caused(httpx.ConnectError(""), socket.gaierror(-2, "S3CRET"))),
        Unreachable,
        "connect",
        3,
        "not known to DNS",
    ),
    (raising(caused(httpx.ConnectError(""), ConnectionRefusedError())), Unreachable, "connect", 3, "is refused"),
    (raising(caused(httpx.ConnectError(""), ssl.SSLError("S3CRET"))), Unreachable, "connect", 3, "TLS fails"),
    (raising(httpx.ProxyError("S3CRET")), Unreachable, "connect", 3, "proxy"),
    (raising(httpx.ReadError("S3CRET")), Unreachable, "reset", 3, "broke the connection off"),
    (raising(httpx.WriteError("S3CRET")), Unreachable, "reset", 3, "broke"),
    (raising(httpx.RemoteProtocolError("S3CRET")), Unreachable, "reset", 3, "broke"),
    (raising(OSError("S3CRET")), Unreachable, "reset", 3, "broke"),
    (streamed(GOOD[:5], error=httpx.ReadError("S3CRET")), Unreachable, "reset", 3, "broke"),
    (raising(httpx.ReadTimeout("S3CRET")), Unreachable, "timeout", 3, "in time"),
    (raising(httpx.ConnectTimeout("S3CRET")), Unreachable, "timeout", 3, "in time"),
    (raising(httpx.PoolTimeout("S3CRET")), Unreachable, "timeout", 3, "in time"),
    (body(500, {}), ServerFailed, "server_error", 3, "(500)"),
    (text(503, "<html>S3CRET</html>"), ServerFailed, "server_error", 3, "(503)"),
    (body(500, {"code": 500, "message": "S3CRET"}), ServerFailed, "server_error", 3, "(500)"),
    (body(502, {"message": "S3CRET"}), ServerFailed, "server_error", 3, "(502)"),
    (text(200, "<html>S3CRET</html>"), Garbled, "not_json", 3, "HTML"),
    (text(200, '{"totalCount": 1, "records": [{"id": "S3CR'), Garbled, "not_json", 3, "cut short"),
    (text(200, ""), Garbled, "not_json", 3, "cut short"),
    (streamed(b"S3CRET", content_encoding="gzip"), Garbled, "not_json", 3, "compression"),
    (body(200, ["S3CRET"]), Garbled, "malformed", 3, "no list"),
    (body(200, {"totalCount": -1}), Garbled, "malformed", 3, "no list"),
    (lambda _: httpx.Response(302, headers={"location": "https://evil/S3CRET"}), Garbled, "malformed", 3, "(302)"),
    (body(200, ERROR), Refused, "refused", 2, "with code 232 (200): check period_field"),
    (body(400, ERROR), Refused, "refused", 2, "with code 232 (400)"),
    (body(500, ERROR), Refused, "refused", 2, "with code 232 (500)"),
    (body(400, {"code": "S3CRET", "message": "S3CRET"}), Refused, "refused", 2, "with an error (400)"),
    (body(404, {"totalCount": 0, "records": []}), Refused, "refused", 2, "(404): check operations_url"),
    (text(404, "<html>S3CRET</html>"), Refused, "refused", 2, "(404)"),
]


@pytest.mark.parametrize(("answer", "error", "kind", "attempts", "said"), CASES)
def test_every_way_of_failing_has_a_name_and_its_number_of_attempts(
    answer: Answering, error: type[BankError], kind: str, attempts: int, said: str
) -> None:
    async def scenario() -> None:
        bank = FakeBank(listing=answer)
        desk = Desk(bank, jitter=0.5)
        with pytest.raises(error) as caught:
            await desk.client.read(ASSIGNMENT)
        assert caught.value.kind == kind
        assert said in str(caught.value)
        assert len(bank.requests) == attempts
        assert desk.witness.results("operations") == [kind] * attempts
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(desk.witness)
        assert "S3CRET" not in shown
        waits = [later - earlier for (earlier, _), (later, _) in pairwise(bank.requests)]
        assert waits == [pytest.approx(wait, abs=0.01) for wait in (0.75, 1.5)[: attempts - 1]]

    run(scenario())


@pytest.mark.parametrize(("answer", "error", "kind", "attempts", "said"), CASES)
def test_one_failure_among_good_answers_costs_nothing_but_time(
    answer: Answering, error: type[BankError], kind: str, attempts: int, said: str
) -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], script=[answer])
        desk = Desk(bank)
        assert (await desk.client.read(ASSIGNMENT)).complete
        assert desk.witness.results("operations") == [kind, "success"]

    run(scenario())


def test_the_code_of_a_refusal_is_kept_where_it_is_a_number() -> None:
    async def code(content: Any) -> int | None:
        with pytest.raises(Refused) as caught:
            await Desk(FakeBank(listing=body(400, content))).client.read(ASSIGNMENT)
        return caught.value.code

    assert [run(code(content)) for content in (ERROR, {"code": "232"}, {"code": "x"}, {})] == [232, 232, None, None]


def test_a_body_that_drips_is_cut_off_at_the_time_out() -> None:
    async def scenario() -> None:
        bank = FakeBank(listing=streamed(*[b" "] * 1000, pause=1.0))
        desk = Desk(bank)
        with pytest.raises(Unreachable) as caught:
            await desk.client.read(ASSIGNMENT)
        assert caught.value.kind == "timeout"
        assert now() == pytest.approx(3 * 10 + 0.5 + 1, abs=0.1)
        seconds = [e.seconds for e in desk.witness.events if isinstance(e, RequestMade) and e.endpoint == "operations"]
        assert seconds == [pytest.approx(10)] * 3

    run(scenario())


def test_a_bank_that_never_answers_is_cut_off_at_the_time_out() -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10**6)
        raise AssertionError

    async def scenario() -> None:
        with pytest.raises(Unreachable):
            await Desk(FakeBank(listing=never), poll=Poll(timeout=2 * SECOND)).client.read(ASSIGNMENT)
        assert now() < 10

    run(scenario())


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_is_capped_by_its_unpacked_size_and_not_asked_for_again(packed: bool) -> None:
    drip = Drip([gzip.compress(b" " * 5 * MIB)] if packed else [b" " * 65536] * 80)
    headers = {"content-encoding": "gzip"} if packed else {}

    async def scenario() -> None:
        bank = FakeBank(listing=lambda _: httpx.Response(200, headers=headers, stream=drip))
        desk = Desk(bank, limits=Limits(max_response_bytes=MIB))
        with pytest.raises(Garbled) as caught:
            await desk.client.read(ASSIGNMENT)
        assert caught.value.kind == "too_large"
        assert len(bank.requests) == 1
        assert drip.sent <= 17

    run(scenario())


def test_a_packed_body_is_unpacked() -> None:
    async def scenario() -> None:
        bank = FakeBank(listing=streamed(gzip.compress(GOOD), content_encoding="gzip"))
        assert (await Desk(bank).client.read(ASSIGNMENT)).complete

    run(scenario())


def throttled(value: str | None) -> Answering:
    return lambda _: httpx.Response(429, headers={} if value is None else {"retry-after": value})


@pytest.mark.parametrize(
    ("value", "pause"),
    [("3", 3), (formatdate(NOW / SECOND + 4, usegmt=True), 4), (None, 1), ("0", 1), ("soon", 1)],
)
def test_a_short_pause_that_the_bank_asks_for_is_waited_for(value: str | None, pause: float) -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], script=[throttled(value)])
        desk = Desk(bank)
        assert (await desk.client.read(ASSIGNMENT)).complete
        (first, _), (second, _) = bank.requests
        assert pause - 0.1 <= second - first <= pause + 0.1
        assert desk.witness.results("operations") == ["rate_limited", "success"]

    run(scenario())


@pytest.mark.parametrize(
    ("value", "pause"),
    [("60", 60), (formatdate(NOW / SECOND + 120, usegmt=True), 120), ("86400", 300)],
)
def test_during_a_long_pause_nothing_is_asked_and_everybody_is_told_at_once(value: str, pause: float) -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], script=[throttled(value)])
        desk = Desk(bank)
        while now() < pause - 6:
            before = now()
            with pytest.raises(Throttled):
                await desk.client.read(ASSIGNMENT)
            assert now() - before < 0.1
            await asyncio.sleep(1)
        assert len(bank.requests) == 1
        await asyncio.sleep(3)  # what is left now is short enough to be waited for
        assert (await desk.client.read(ASSIGNMENT)).complete
        assert pause <= bank.requests[1][0] <= pause + 1

    run(scenario())


def test_requests_that_wait_their_turn_respect_a_pause_that_begins_meanwhile() -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], script=[throttled("60")], delay=0.1)
        desk = Desk(bank, slots=1)
        results = await asyncio.gather(*(desk.client.read(ASSIGNMENT) for _ in range(6)), return_exceptions=True)
        assert all(isinstance(result, Throttled) for result in results)
        assert len(bank.requests) == 1

    run(scenario())


def test_a_date_of_retry_after_is_understood_by_the_banks_own_clock() -> None:
    assert retry_after("Tue, 14 Nov 2023 22:13:30 GMT", 1_700_000_000.0) == 10
    assert retry_after("Tue, 14 Nov 2023 22:13:10 GMT", 1_700_000_000.0) == 1
    assert retry_after("Tue, 99 Nov 2023", 1_700_000_000.0) == 1


def test_requests_keep_to_the_budget_of_their_account_without_bursts() -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], delay=0.05)
        desk = Desk(bank, poll=Poll(requests_per_second=5))
        await asyncio.sleep(30)
        await asyncio.gather(*(desk.client.read(ASSIGNMENT) for _ in range(20)))
        times = sorted([at for at, _ in bank.requests] + bank.logins)
        assert all(later - earlier >= 0.199 for earlier, later in pairwise(times))
        assert times[-1] - times[0] == pytest.approx(20 * 0.2, abs=0.2)

    run(scenario())


def test_requests_in_flight_are_bounded_over_all_accounts() -> None:
    flying: list[int] = [0, 0]

    async def scenario() -> None:
        bank = FakeBank([row(1)])

        async def slow(request: httpx.Request) -> httpx.Response:
            flying[0] += 1
            flying[1] = max(flying)
            await asyncio.sleep(1)
            flying[0] -= 1
            return bank.page(request)

        bank.listing = slow
        first = Desk(bank, slots=3)
        second = Desk(bank, name="second")
        second.client._transport._slots = first.client._transport._slots
        await asyncio.gather(*(desk.client.read(ASSIGNMENT) for desk in (first, second) for _ in range(6)))

    run(scenario())
    assert flying == [0, 3]


def test_a_cancelled_read_gives_its_place_back_and_is_not_counted_against_the_bank() -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], delay=1.0)
        desk = Desk(bank, slots=1)
        reading = asyncio.ensure_future(desk.client.read(ASSIGNMENT))
        await asyncio.sleep(1.5)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert desk.witness.results("operations") == []
        assert (await desk.client.read(ASSIGNMENT)).complete

    run(scenario())


def dated(offset: float, headers: dict[str, str] | None = None) -> Callable[[httpx.Request], httpx.Response]:
    value = formatdate(NOW / SECOND + offset, usegmt=True) if headers is None else headers["date"]
    return lambda _: httpx.Response(200, content=GOOD, headers={"date": value})


@pytest.mark.parametrize("offset", [0, 90, -7200])
def test_the_banks_clock_is_compared_with_ours_in_the_middle_of_the_request(offset: float) -> None:
    async def scenario() -> None:
        desk = Desk(FakeBank(listing=dated(offset), delay=1.0))
        await desk.client.read(ASSIGNMENT)  # asked at 1 s after the login, answered at 2 s
        (event,) = [e for e in desk.witness.events if isinstance(e, RequestMade) and e.endpoint == "operations"]
        assert event.skew == pytest.approx(offset + 0.5 - 1.5, abs=0.01)
        assert event.seconds == pytest.approx(1.0)

    run(scenario())


def test_a_date_that_is_none_tells_nothing_of_the_banks_clock() -> None:
    async def scenario() -> None:
        desk = Desk(FakeBank(listing=dated(0, {"date": "today"})))
        await desk.client.read(ASSIGNMENT)
        assert [e.skew for e in desk.witness.events if isinstance(e, RequestMade)] == [None, None]

    run(scenario())


def test_server_errors_tell_the_time_too() -> None:
    async def scenario() -> None:
        answer = httpx.Response(500, headers={"date": formatdate(NOW / SECOND, usegmt=True)})
        desk = Desk(FakeBank(listing=lambda _: answer))
        with pytest.raises(ServerFailed):
            await desk.client.read(ASSIGNMENT)
        assert desk.witness.events[-1].skew is not None  # type: ignore[union-attr]  # the last is a request

    run(scenario())


def test_no_secret_shows_in_the_repr_of_anything_that_holds_one() -> None:
    async def scenario() -> None:
        desk = Desk(FakeBank([row(1)]))
        await desk.client.read(ASSIGNMENT)
        tokens = desk.client.tokens
        shown = repr([tokens.session, vars(tokens), vars(desk.client), vars(desk.client._transport), ACCOUNT])
        assert not [secret for secret in (*SECRETS, "S3CRET") if secret in shown]

    run(scenario())


def test_the_http_client_keeps_no_cookies_and_follows_no_redirects() -> None:
    async def scenario() -> None:
        bank = FakeBank(listing=lambda _: httpx.Response(200, content=GOOD, headers={"set-cookie": "a=b"}))
        desk = Desk(bank)
        await desk.client.read(ASSIGNMENT)
        assert list(desk.http.cookies.jar) == []
        assert not desk.http.follow_redirects
        assert desk.http.trust_env
        await desk.http.aclose()

    run(scenario())


def test_against_a_real_socket_nothing_is_there() -> None:
    async def scenario() -> BankError:
        http = http_client(SECOND)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{unused.getsockname()[1]}/token"
            desk = Desk(FakeBank(), token_url=address)
            client = EpayClient(
                account=desk.client._account,
                poll=Poll(requests_per_second=1000),
                limits=Limits(),
                http=http,
                slots=asyncio.Semaphore(1),
                observer=desk.witness,
                clock=lambda: NOW,
                monotonic=asyncio.get_running_loop().time,
                random=lambda: 0.0,
                sleep=lambda _: asyncio.sleep(0),
            )
            with pytest.raises(Unreachable) as caught:
                await client.read(ASSIGNMENT)
        await http.aclose()
        return caught.value

    assert str(asyncio.run(scenario())) == "cannot connect to 127.0.0.1: the connection is refused"
