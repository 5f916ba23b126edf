"""A web configuration in use: real sockets, real certificates, and files that change meanwhile."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import bcrypt
import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.config import ConfigInvalid
from exporter.web import Protection, bind, serve
from tests.certificates import Pair, pair, trusting
from tests.listening import listening

HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users: {{alice: '{HASH}'}}\n"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.web.protection._PAUSE", 0.02)


@pytest.fixture
def server(tmp_path: Path) -> Pair:
    return pair(tmp_path, "server")


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    return pair(tmp_path, "authority")


def application() -> Starlette:
    async def hello(_: Request) -> Response:
        return PlainTextResponse("OK", headers={"X-Frame-Options": "sameorigin"})

    return Starlette(routes=[Route("/", hello)])


def tls(more: str = "") -> str:
    return f"tls_server_config: {{cert_file: server.crt, key_file: server.key{more}}}\n"


@contextlib.asynccontextmanager
async def serving(directory: Path, text: str) -> AsyncIterator[tuple[str, Protection, Path]]:
    """The address without its scheme, the protection, and the file to change."""
    file = directory / "web.yaml"
    file.write_text(text)
    protection = Protection(file)
    async with listening(partial(serve, application(), protection=protection)) as (port, _):
        yield f"127.0.0.1:{port}", protection, file


def client(context: ssl.SSLContext | None = None, **options: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=context or True, **options)  # type: ignore[arg-type]


async def status(where: str, context: ssl.SSLContext, auth: tuple[str, str] | None = None) -> int:
    """What a new connection is answered; 0 for nothing."""
    async with client(context) as one:
        try:
            return (await one.get(f"https://{where}/", auth=auth)).status_code
        except httpx.TransportError:
            return 0


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not look():  # noqa: ASYNC110  # what it waits for sets no event
            await asyncio.sleep(0.02)


@pytest.fixture
def log() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines  # type: ignore[misc]


def complaints(log: list[dict[str, object]]) -> list[str]:
    return [str(line["reason"]) for line in log if line["log_level"] == "error"]


# TLS


async def test_beside_tls_nothing_is_said_in_plain_text(tmp_path: Path, server: Pair) -> None:
    async with serving(tmp_path, tls()) as (where, _, _):
        assert await status(where, trusting(server)) == 200
        async with client() as plain:
            with pytest.raises(httpx.TransportError):
                await plain.get(f"http://{where}/")
        reader, writer = await asyncio.open_connection(*where.split(":"))
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert b"HTTP" not in await reader.read()
        writer.close()


async def test_older_versions_are_not_spoken(tmp_path: Path, server: Pair) -> None:
    async with serving(tmp_path, tls(", min_version: TLS13")) as (where, _, _):
        older = trusting(server)
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await status(where, older) == 0
        assert await status(where, trusting(server)) == 200


async def test_named_suites_are_the_only_ones(tmp_path: Path, server: Pair) -> None:
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    async with serving(tmp_path, tls(f", max_version: TLS12, cipher_suites: [{suite}]")) as (where, _, _):
        context = trusting(server)
        assert await status(where, context) == 200
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        assert await status(where, context) == 0


@pytest.mark.parametrize(
    ("policy", "none", "known", "stranger"),
    [
        ("RequireAndVerifyClientCert", 0, 200, 0),
        ("VerifyClientCertIfGiven", 200, 200, 0),
        ("RequestClientCert", 200, 200, 200),
    ],
)
async def test_client_certificates(
    tmp_path: Path, server: Pair, authority: Pair, policy: str, none: int, known: int, stranger: int
) -> None:
    mine, other = pair(tmp_path, "mine", authority), pair(tmp_path, "other")
    text = tls(f", client_auth_type: {policy}, client_ca_file: authority.crt")
    async with serving(tmp_path, text) as (where, _, _):
        assert await status(where, trusting(server)) == none
        assert await status(where, trusting(server, showing=mine)) == known
        assert await status(where, trusting(server, showing=other)) == stranger


async def test_only_named_clients_are_let_in(tmp_path: Path, server: Pair, authority: Pair) -> None:
    mine = pair(tmp_path, "mine", authority, "DNS:prometheus,IP:::1")
    other = pair(tmp_path, "other", authority, "DNS:grafana")
    required = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.crt"
    async with serving(tmp_path, tls(f'{required}, client_allowed_sans: ["0:0:0::1"]')) as (where, _, _):
        assert await status(where, trusting(server, showing=mine)) == 200
        assert await status(where, trusting(server, showing=other)) == 0


async def test_another_authority_counts_from_the_next_connection_on(
    tmp_path: Path, server: Pair, authority: Pair
) -> None:
    mine = pair(tmp_path, "mine", authority)
    text = tls(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.crt")
    async with serving(tmp_path, text) as (where, _, _):
        assert await status(where, trusting(server, showing=mine)) == 200
        authority.certificate.write_bytes(pair(tmp_path, "successor").certificate.read_bytes())
        await asyncio.sleep(0.05)
        assert await status(where, trusting(server, showing=mine)) == 0


async def test_a_certificate_is_replaced_under_load_without_a_failed_scrape(
    tmp_path: Path, server: Pair, log: list[dict[str, object]]
) -> None:
    (tmp_path / "old").mkdir()
    old = Pair(tmp_path / "old" / "server.crt", server.key)
    old.certificate.write_bytes(server.certificate.read_bytes())
    new = pair(tmp_path, "new")
    both, only_new = trusting(old, new), trusting(new)
    answers: list[int] = []
    over = False

    async def load(where: str) -> None:
        while not over:
            answers.append(await status(where, both))

    async with serving(tmp_path, tls()) as (where, _, _):
        loads = [asyncio.create_task(load(where)) for _ in range(4)]
        await until(lambda: len(answers) > 20)
        server.certificate.write_bytes(new.certificate.read_bytes()[:100])  # half written
        await until(lambda: complaints(log))
        server.certificate.write_bytes(new.certificate.read_bytes())  # whole, but the key is the old one
        await until(lambda: len(complaints(log)) == 2)
        assert await status(where, only_new) == 0
        before = len(answers)
        await until(lambda: len(answers) > before + 20)
        new.key.replace(server.key)
        before = len(answers)
        await until(lambda: len(answers) > before + 20)
        assert await status(where, only_new) == 200
        over = True
        await asyncio.gather(*loads)

    assert set(answers) == {200}
    assert "has no PEM certificate" in complaints(log)[0] or "OpenSSL cannot use it" in complaints(log)[0]
    assert "the key does not belong to the certificate" in complaints(log)[1]
    assert [line["event"] for line in log if line["log_level"] == "info"] == ["web configuration applied"]


async def test_an_open_connection_outlives_the_certificate(tmp_path: Path, server: Pair) -> None:
    async with serving(tmp_path, tls()) as (where, _, _), client(trusting(server)) as kept:
        await kept.get(f"https://{where}/")
        new = pair(tmp_path, "new")
        new.certificate.replace(server.certificate)
        new.key.replace(server.key)
        await asyncio.sleep(0.05)
        assert (await kept.get(f"https://{where}/")).status_code == 200


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: (d / "server.crt").unlink(), "cert_file: * cannot be read: No such file"),
        (lambda d: (d / "server.key").write_text("nonsense"), "key_file: * has no PEM private key in it"),
        (lambda d: pair(d, "x").key.replace(d / "server.key"), "key_file: the key does not belong"),
        (
            lambda d: (d / "server.key").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
            "key_file: * is encrypted with a passphrase",
        ),
    ],
)
def test_files_that_cannot_be_used_are_refused_at_the_start(
    tmp_path: Path, server: Pair, spoil: Callable[[Path], object], words: str
) -> None:
    (tmp_path / "web.yaml").write_text(tls())
    spoil(tmp_path)

    with pytest.raises(ConfigInvalid) as caught:
        Protection(tmp_path / "web.yaml")

    (problem,) = caught.value.problems
    assert problem.line == 1
    for word in words.split(" * "):
        assert word in f"{problem}"


# Passwords


async def test_the_right_password_opens_and_nothing_else_does(tmp_path: Path) -> None:
    async with serving(tmp_path, USERS) as (where, protection, _), client(base_url=f"http://{where}") as one:
        for path in ("/", "/nowhere"):
            bare = await one.get(path)
            assert (bare.status_code, bare.text) == (401, "Unauthorized")
            assert bare.headers["www-authenticate"].startswith("Basic ")
            assert bare.headers["x-content-type-options"] == "nosniff"
        assert protection.bcrypt_checks == 0
        for user, password in (("alice", "wrong"), ("bob", "right"), ("", ""), ("alice", "right" + "x" * 100)):
            assert (await one.get("/", auth=(user, password))).status_code == 401
        for header in ("Basic", "Basic !", "Basic YWxpY2U=", "Bearer x", "Basic " + "x" * 9000):
            assert (await one.get("/", headers={"Authorization": header})).status_code == 401
        assert (await one.get("/", auth=("alice", "right"))).status_code == 200
        assert (await one.get("/nowhere", auth=("alice", "right"))).status_code == 404


async def test_a_password_costs_one_bcrypt_right_or_wrong(tmp_path: Path) -> None:
    async with serving(tmp_path, USERS) as (where, protection, _), client(base_url=f"http://{where}") as one:
        together = await asyncio.gather(*(one.get("/", auth=("alice", "right")) for _ in range(4)))
        assert {answer.status_code for answer in together} == {200}
        for _ in range(20):
            assert (await one.get("/", auth=("alice", "right"))).status_code == 200
            assert (await one.get("/", auth=("alice", "wrong"))).status_code == 401
        assert protection.bcrypt_checks == 2


async def test_a_password_taken_away_is_refused_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path, USERS) as (where, _, file), client(base_url=f"http://{where}") as one:
        assert (await one.get("/", auth=("alice", "right"))).status_code == 200
        file.write_text(f"basic_auth_users: {{alice: '{bcrypt.hashpw(b'new', bcrypt.gensalt(4)).decode()}'}}\n")
        await asyncio.sleep(0.05)
        assert (await one.get("/", auth=("alice", "right"))).status_code == 401
        assert (await one.get("/", auth=("alice", "new"))).status_code == 200


async def test_guessing_does_not_hold_up_who_is_known(tmp_path: Path) -> None:
    slow = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    text = f"basic_auth_users: {{alice: '{slow}'}}\n"
    async with serving(tmp_path, text) as (where, protection, _), client(base_url=f"http://{where}") as one:
        assert (await one.get("/", auth=("alice", "right"))).status_code == 200
        guesses = [asyncio.create_task(one.get("/", auth=("alice", str(guess)))) for guess in range(40)]
        await until(lambda: protection.bcrypt_checks > 1)
        assert (await one.get("/", auth=("alice", "right"))).status_code == 200
        refused = [answer.status_code for answer in await asyncio.gather(*guesses)]

    assert set(refused) == {401, 429}
    assert protection.bcrypt_checks < 41


# Headers, rate


async def test_headers_are_set_on_every_answer(tmp_path: Path) -> None:
    text = USERS + "http_server_config: {headers: {X-Frame-Options: deny, X-XSS-Protection: '0'}}\n"
    async with serving(tmp_path, text) as (where, _, _), client(base_url=f"http://{where}") as one:
        for auth in (None, ("alice", "right")):
            answer = await one.get("/", auth=auth)
            assert answer.headers["x-frame-options"] == "deny"
            assert answer.headers["x-xss-protection"] == "0"


async def test_requests_beyond_the_rate_get_429(tmp_path: Path) -> None:
    text = "rate_limit: {interval: 200ms, burst: 3}\n"
    async with serving(tmp_path, text) as (where, _, _), client(base_url=f"http://{where}") as one:
        statuses = [(await one.get("/")).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        await asyncio.sleep(0.25)
        assert (await one.get("/")).status_code == 200


# Changes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("basic_auth_users: {alice: plain}\n", "not a bcrypt hash"),
        ("basic_auth_users: {alice: '", "not YAML"),
        ("", "basic_auth_users: switched on or off, or removed"),
        (USERS + "tls_server_config: {cert_file: server.crt, key_file: server.key}\n", "tls_server_config: switched"),
        (USERS + "nonsense: 1\n", "unknown key"),
    ],
)
async def test_a_bad_change_is_kept_out_and_said_once(
    tmp_path: Path, server: Pair, log: list[dict[str, object]], change: str, words: str
) -> None:
    async with serving(tmp_path, USERS) as (where, _, file), client(base_url=f"http://{where}") as one:
        file.write_text(change)
        for _ in range(4):
            await asyncio.sleep(0.03)
            assert (await one.get("/")).status_code == 401
            assert (await one.get("/", auth=("alice", "right"))).status_code == 200
        (said,) = complaints(log)
        assert words in said
        assert str(file) in said

        file.write_text(USERS)
        await asyncio.sleep(0.05)
        assert (await one.get("/", auth=("alice", "right"))).status_code == 200
        assert [line["event"] for line in log if line["log_level"] == "info"] == ["web configuration applied"]


async def test_the_certificate_is_renewed_even_while_the_file_is_bad(tmp_path: Path, server: Pair) -> None:
    async with serving(tmp_path, tls()) as (where, _, file):
        file.write_text("nonsense: 1\n")
        await asyncio.sleep(0.05)
        assert await status(where, trusting(server)) == 200
        new = pair(tmp_path, "new")
        context = trusting(new)
        new.certificate.replace(server.certificate)
        new.key.replace(server.key)
        await asyncio.sleep(0.05)
        assert await status(where, context) == 200


async def test_a_directory_swapped_by_link_as_kubernetes_does_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    pairs = []
    for directory in (first, second):
        directory.mkdir()
        pairs.append(pair(directory, "server"))
        (directory / "web.yaml").write_text(tls())
    (tmp_path / "data").symlink_to(first)
    protection = Protection(tmp_path / "data" / "web.yaml")
    listener = bind("127.0.0.1:0")
    task = asyncio.create_task(serve(application(), [listener], protection))
    where = f"127.0.0.1:{listener.getsockname()[1]}"
    assert await status(where, trusting(pairs[0])) == 200

    (tmp_path / "next").symlink_to(second)
    (tmp_path / "next").replace(tmp_path / "data")
    await asyncio.sleep(0.05)

    assert await status(where, trusting(pairs[1])) == 200
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
