"""Logging in: one at a time, in time, and never in a loop."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from exporter.bank import BankError, Garbled, LoginRefused, Refused, ServerFailed, Throttled, Unauthorized, Unreachable
from exporter.config.records import Secret, TokenBody
from exporter.model import SECOND, RequestMade
from tests.client_bank import ASSIGNMENT, NOW, SECRETS, TOKEN, Desk, FakeBank, json_answer, now, row, run

ALL_FOUR = "username, password, client_id and client_secret"


def refuse(status: int, content: Any = None) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: json_answer(
        {"error": "invalid_grant", "error_description": "S3CRET"} if content is None else content, status
    )


async def poll_until(desk: Desk, end: float, every: float = 0.25) -> list[str]:
    """Poll far more often than anybody would, and name what each poll raised."""
    kinds = []
    while now() < end:
        try:
            await desk.client.read(ASSIGNMENT)
            kinds.append("success")
        except BankError as error:
            kinds.append(error.kind)
        await asyncio.sleep(every if now() < 120 else 40 * every)
    return kinds


def test_the_form_is_multipart_and_secrets_arrive_unharmed() -> None:
    bank = FakeBank()

    async def scenario() -> None:
        await Desk(bank).client.read(ASSIGNMENT)

    run(scenario())
    (request,) = bank.login_requests
    assert request.method == "POST"
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert "authorization" not in request.headers
    body = request.content.decode()
    for name, value in zip(("username", "password", "client_id", "client_secret"), SECRETS, strict=True):
        assert f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' in body
    assert 'name="grant_type"\r\n\r\npassword\r\n' in body
    assert 'name="scope"\r\n\r\ntransfer\r\n' in body


def test_the_form_is_urlencoded_where_the_account_says_so() -> None:
    bank = FakeBank()

    async def scenario() -> None:
        await Desk(bank, token_body=TokenBody.URLENCODED, scope="a b").client.read(ASSIGNMENT)

    run(scenario())
    (request,) = bank.login_requests
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode(), strict_parsing=True) == {
        "grant_type": ["password"],
        "username": [SECRETS[0]],
        "password": [SECRETS[1]],
        "scope": ["a b"],
        "client_id": [SECRETS[2]],
        "client_secret": [SECRETS[3]],
    }


def test_concurrent_reads_cause_one_login_and_share_its_token() -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], delay=0.5)
        desk = Desk(bank)
        await asyncio.gather(*(desk.client.read(ASSIGNMENT) for _ in range(10)))
        assert len(bank.logins) == 1
        assert {request.headers["authorization"] for _, request in bank.requests} == {f"Bearer {TOKEN}-1"}

    run(scenario())


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        (7200, 7200),
        ("1200", 1200),
        ("1200.5", 1200.5),
        (None, 300),
        ("soon", 300),
        (0, 300),
        (-5, 300),
        ([], 300),
        ("nan", 300),
        ("1e999", 30 * 86_400),
        (10**400, 300),
    ],
)
def test_the_end_of_a_token_is_understood_in_every_spelling(life: Any, seconds: float) -> None:
    async def scenario() -> None:
        desk = Desk(FakeBank(life=life))
        await desk.client.read(ASSIGNMENT)
        (login,) = desk.witness.logins
        assert (login.account, login.result) == ("main", "success")
        assert login.expires == pytest.approx(NOW + seconds * SECOND, abs=1)

    run(scenario())


def test_a_token_is_renewed_shortly_before_its_end_and_not_earlier() -> None:
    async def scenario() -> None:
        bank = FakeBank(life=7200)
        await poll_until(Desk(bank), 7200 * 3, every=1.5)
        assert len(bank.logins) == 4
        assert all(7200 - 75 < later - earlier <= 7200 - 45 for earlier, later in pairwise(bank.logins))

    run(scenario())


def test_tokens_of_five_seconds_are_enough() -> None:
    bank = FakeBank([row(n) for n in range(40)], cap=4, life="5", delay=0.3)

    async def scenario() -> None:
        bank.valid = set()
        desk = Desk(bank)
        asyncio.get_running_loop().call_later(7.0, bank.valid.clear)
        assert set(await poll_until(desk, 30)) == {"success"}
        assert len(bank.logins) <= 10

    run(scenario())


def test_a_renewal_that_fails_costs_nothing_while_the_old_token_is_good() -> None:
    async def scenario() -> None:
        bank = FakeBank(life=100)
        desk = Desk(bank)
        await desk.client.read(ASSIGNMENT)
        bank.login = refuse(401)
        await asyncio.sleep(91)
        assert await poll_until(desk, 99) == ["success"] * 32
        assert len(bank.logins) <= 1 + 5
        await asyncio.sleep(2)
        with pytest.raises(LoginRefused):
            await desk.client.read(ASSIGNMENT)

    run(scenario())


@pytest.mark.parametrize("jitter", [0.0, 1.0])
@pytest.mark.parametrize(
    ("status", "content"),
    [(400, None), (401, None), (403, {}), (200, {}), (200, {"code": 5, "message": "S3CRET"}), (404, [])],
)
def test_wrong_credentials_are_tried_a_handful_of_times_and_then_once_in_minutes(
    status: int, content: Any, jitter: float
) -> None:
    async def scenario() -> None:
        bank = FakeBank(login=refuse(status, content))
        desk = Desk(bank, jitter=jitter)
        kinds = await poll_until(desk, 3600)
        assert set(kinds) == {"login_refused"}
        tried = bank.logins
        assert len([t for t in tried if t <= 9]) <= 5
        assert 3 <= len([t for t in tried if t <= 60]) <= 6
        assert len([t for t in tried if t > 600]) <= 11
        assert all(later - earlier >= 299 for earlier, later in pairwise(tried[9:]))
        assert bank.requests == []
        assert {login.result for login in desk.witness.logins} == {"refused"}
        assert set(desk.witness.results("token")) == {"login_refused"}

    run(scenario())


def test_other_credentials_are_tried_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "password"
        file.write_text("wrong\n")
        bank = FakeBank(login=refuse(401))
        desk = Desk(bank, password=Secret("accounts[0].password", file=file))
        await poll_until(desk, 100)
        before = len(bank.logins)
        bank.login = None
        file.write_text("right\n")
        await desk.client.read(ASSIGNMENT)
        assert len(bank.logins) == before + 1

    run(scenario())


def test_a_secret_that_cannot_be_read_is_a_refused_login_without_a_request(tmp_path: Path) -> None:
    async def scenario() -> None:
        bank = FakeBank()
        desk = Desk(bank, password=Secret("accounts[0].password", file=tmp_path / "missing"))
        with pytest.raises(LoginRefused, match=r"accounts\[0\]\.password_file: .*missing: No such file"):
            await desk.client.read(ASSIGNMENT)
        assert bank.logins == []
        assert [login.result for login in desk.witness.logins] == ["refused"]
        (tmp_path / "missing").write_text("found")
        await desk.client.read(ASSIGNMENT)

    run(scenario())


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


FAILED_LOGINS: list[tuple[Callable[[httpx.Request], httpx.Response], type[BankError], str]] = [
    (lambda _: json_answer({}, 500), ServerFailed, "server_error"),
    (lambda _: httpx.Response(503, text="<html>"), ServerFailed, "server_error"),
    (lambda _: json_answer({"error": "temporarily_unavailable"}, 400), ServerFailed, "server_error"),
    (lambda _: json_answer({"code": 500, "message": "S3CRET"}, 500), ServerFailed, "server_error"),
    (lambda _: httpx.Response(200, text="<html>S3CRET"), Garbled, "not_json"),
    (lambda _: httpx.Response(200, text='{"access_token": "S3CR'), Garbled, "not_json"),
    (lambda _: json_answer([1]), Garbled, "malformed"),
    (lambda _: json_answer({"access_token": "S3CRET\r\nevil: 1"}), Garbled, "malformed"),
    (lambda _: httpx.Response(302, headers={"location": "https://evil.example/"}), Garbled, "malformed"),
    (raising(httpx.ReadError("S3CRET")), Unreachable, "reset"),
    (raising(httpx.ConnectError("S3CRET")), Unreachable, "connect"),
    (raising(httpx.ReadTimeout("S3CRET")), Unreachable, "timeout"),
    (lambda _: httpx.Response(429, headers={"retry-after": "2"}), Throttled, "rate_limited"),
]


@pytest.mark.parametrize(("answer", "error", "kind"), FAILED_LOGINS)
def test_a_login_that_failed_is_tried_again_with_growing_pauses(
    answer: Callable[[httpx.Request], httpx.Response], error: type[BankError], kind: str
) -> None:
    async def scenario() -> None:
        bank = FakeBank(login=answer)
        desk = Desk(bank)
        with pytest.raises(error) as caught:
            await desk.client.read(ASSIGNMENT)
        assert caught.value.kind == kind
        assert "S3CRET" not in str(caught.value)
        assert set(await poll_until(desk, 600)) == {kind}
        assert len(bank.logins) <= 30
        assert 3 <= len([t for t in bank.logins if t < 10]) <= 4
        assert {login.result for login in desk.witness.logins} == {kind}
        bank.login = None
        await asyncio.sleep(31)
        await desk.client.read(ASSIGNMENT)

    run(scenario())


@pytest.mark.parametrize("content", [{"error": "invalid_client"}, {"code": 17, "message": "S3CRET"}])
def test_a_server_error_that_means_the_credentials_is_a_refusal(content: Any) -> None:
    async def scenario() -> None:
        with pytest.raises(LoginRefused):
            await Desk(FakeBank(login=refuse(500, content))).client.read(ASSIGNMENT)

    run(scenario())


@pytest.mark.parametrize(
    ("status", "content", "text"),
    [
        (401, {"error": "invalid_grant"}, "(401 invalid_grant): check username, password, client_id and client_secret"),
        (
            403,
            {},
            f"(403): check {ALL_FOUR}, and whether this address is on the bank's allow-list",
        ),
        (400, {"error": "invalid_scope"}, "(400 invalid_scope): check scope"),
        (404, {"error": "S3CRET"}, "(404): check token_url and token_body"),
        (400, {"error": "unsupported_grant_type"}, "(400 unsupported_grant_type): check token_url and token_body"),
        (400, {"error": ["S3CRET"]}, "(400): check username, password, client_id and client_secret"),
    ],
)
def test_a_refused_login_says_what_to_check_and_nothing_else_of_the_banks(status: int, content: Any, text: str) -> None:
    async def scenario() -> None:
        with pytest.raises(LoginRefused) as caught:
            await Desk(FakeBank(login=refuse(status, content))).client.read(ASSIGNMENT)
        assert str(caught.value) == f"the bank refused the login of account main {text}"

    run(scenario())


def test_a_token_that_was_revoked_is_replaced_and_the_request_repeated() -> None:
    async def scenario() -> None:
        bank = FakeBank([row(1)], valid=set())
        desk = Desk(bank)
        await desk.client.read(ASSIGNMENT)
        bank.valid = set()
        readings = await asyncio.gather(*(desk.client.read(ASSIGNMENT) for _ in range(4)))
        assert all(reading.complete for reading in readings)
        assert len(bank.logins) == 2
        assert "unauthorized" in desk.witness.results("operations")

    run(scenario())


@pytest.mark.parametrize("status", [401, 403])
def test_a_list_that_never_accepts_us_does_not_make_every_poll_a_login(status: int) -> None:
    async def scenario() -> None:
        bank = FakeBank(listing=lambda _: json_answer({"message": "S3CRET"}, status))
        desk = Desk(bank)
        with pytest.raises(Unauthorized) as caught:
            await desk.client.read(ASSIGNMENT)
        assert "allow-list" in str(caught.value)
        assert "S3CRET" not in str(caught.value)
        assert len(bank.logins) == 1
        assert set(await poll_until(desk, 3600)) == {"unauthorized"}
        assert 3 <= len([t for t in bank.logins if t <= 60]) <= 6
        assert len(bank.logins) <= 22
        bank.listing = None  # mended: no login is needed, and no pause kept
        assert (await desk.client.read(ASSIGNMENT)).complete
        assert len(bank.logins) <= 22

    run(scenario())


def test_a_list_that_stops_accepting_us_is_tried_with_one_new_login_and_then_seldom() -> None:
    async def scenario() -> None:
        bank = FakeBank()
        desk = Desk(bank)
        await desk.client.read(ASSIGNMENT)
        bank.listing = lambda _: json_answer({}, 403)
        with pytest.raises(Unauthorized):
            await desk.client.read(ASSIGNMENT)
        assert len(bank.logins) == 2
        await poll_until(desk, 3600)
        assert len(bank.logins) <= 22
        bank.listing = None
        assert (await desk.client.read(ASSIGNMENT)).complete

    run(scenario())


@pytest.mark.parametrize(("status", "error"), [(403, Refused), (401, Unauthorized)])
def test_one_request_that_is_not_allowed_neither_costs_the_others_their_token_nor_many_logins(
    status: int, error: type[BankError]
) -> None:
    def listing(request: httpx.Request) -> httpx.Response:
        return json_answer({}, status) if b"uuid-of-shop" in request.content else bank.page(request)

    bank = FakeBank([row(1)], listing=listing)

    async def scenario() -> None:
        desk = Desk(bank)
        good = ASSIGNMENT._replace(terminals=("wallet",))
        bad = ASSIGNMENT._replace(terminals=("shop",))
        await desk.client.read(good)
        await asyncio.gather(desk.client.read(bad), return_exceptions=True)
        await asyncio.sleep(3)
        failed = 0
        while now() < 3600:
            reading, refusal = await asyncio.gather(
                desk.client.read(good), desk.client.read(bad), return_exceptions=True
            )
            failed += isinstance(reading, BaseException)
            assert isinstance(refusal, BankError)
            await asyncio.sleep(5)
        assert failed <= 5
        assert isinstance(refusal, error)
        assert len(bank.logins) <= 24

    run(scenario())


def test_the_token_request_is_observed_with_its_duration() -> None:
    async def scenario() -> None:
        desk = Desk(FakeBank(delay=0.25))
        await desk.client.read(ASSIGNMENT)
        request = desk.witness.events[0]
        assert isinstance(request, RequestMade)
        assert (request.account, request.endpoint, request.result, request.skew) == ("main", "token", "success", None)
        assert request.seconds == pytest.approx(0.25)

    run(scenario())
