"""An account's own way to the bank, with real TLS and a real proxy: whom it trusts, what it says, when it follows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from exporter.app.fleet import Fleet
from exporter.bank import Unreachable
from exporter.client import EpayClient, http_client, http_clients
from exporter.config import Account, Config, Limits, Poll, Secret
from exporter.config.keys import SECRETS
from exporter.instrumentation import Instruments
from exporter.model import SECOND, Assignment, Span, Terminal
from exporter.poller import Publication
from exporter.simulator.server import serve
from exporter.simulator.settings import Settings
from exporter.state import MemoryStore
from tests import certificates
from tests.builders import OUTCOMES
from tests.client_bank import Witness
from tests.gateways import Gateway, proxy, tls_before

START = 1_749_636_000 * SECOND
POLL = Poll(interval=SECOND // 10, requests_per_second=1000, timeout=5 * SECOND)


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    structlog.reset_defaults()
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@dataclass
class Street:
    """A bank behind TLS, and the private authority that its certificate is of."""

    directory: Path
    authority: certificates.Pair
    front: Gateway
    without_tls: int

    def account(self, host: str = "127.0.0.1", name: str = "main", **way: Any) -> Account:
        secrets: dict[str, Any] = {key: Secret(key, "demo") for key in SECRETS}
        return Account(
            name=name,
            token_url=f"https://{host}:{self.front.port}/oauth2/token",
            operations_url=f"https://{host}:{self.front.port}/api/p2p/operations",
            **secrets,
            terminals=(Terminal("98151552", "98151552", name, name),),
            **way,
        )


@asynccontextmanager
async def a_street(directory: Path, san: str = "DNS:localhost,IP:127.0.0.1") -> AsyncIterator[Street]:
    authority = certificates.pair(directory, "authority")
    server = certificates.pair(directory, "server", authority, san)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    bank = asyncio.create_task(serve(Settings(), lambda: START, "127.0.0.1", 0, ready.set_result))
    try:
        port = int((await asyncio.wait_for(ready, 10)).rpartition(":")[2])
        async with tls_before(port, server) as front:
            yield Street(directory, authority, front, port)
    finally:
        bank.cancel()
        with suppress(asyncio.CancelledError):
            await bank


@asynccontextmanager
async def a_client(account: Account) -> AsyncIterator[EpayClient]:
    async with http_clients((account,), POLL) as ways:
        yield EpayClient(
            account=account,
            poll=POLL,
            limits=Limits(),
            http=ways[account.name],
            slots=asyncio.Semaphore(4),
            observer=Witness(),
            clock=lambda: START,
            monotonic=asyncio.get_running_loop().time,
            random=lambda: 0.0,
            sleep=lambda _: asyncio.sleep(0),
        )


async def read(client: EpayClient) -> int:
    """How many operations of the last minute the bank has."""
    reading = await client.read(Assignment(Span(START - 60 * SECOND, START), ("main",)))
    return len(reading.operations)


async def trouble(account: Account) -> str:
    async with a_client(account) as client:
        with pytest.raises(Unreachable) as caught:
            await read(client)
    assert caught.value.kind == "connect"
    return str(caught.value)


# Trust


async def test_a_bank_of_a_private_authority_is_read_with_its_ca_file(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street, a_client(street.account(ca_file=street.authority.certificate)) as client:
        assert await read(client) > 0


async def test_without_a_ca_file_it_is_not_trusted_and_the_error_says_why(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street:
        said = await trouble(street.account())
    assert said == (
        "cannot connect to 127.0.0.1: its certificate is not trusted: unable to get local issuer certificate "
        "(ca_file is not set)"
    )


async def test_another_authority_is_not_trusted_and_the_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = certificates.pair(tmp_path / "other", "authority").certificate
    async with a_street(tmp_path) as street:
        said = await trouble(street.account(ca_file=other))
    assert said.startswith("cannot connect to 127.0.0.1: its certificate is not trusted: ")
    assert said.endswith(f"(only the certificates of {other} are)")


async def test_a_ca_file_is_in_place_of_the_authorities_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    other = certificates.pair(tmp_path / "other", "authority").certificate
    async with a_street(tmp_path) as street:
        monkeypatch.setenv("SSL_CERT_FILE", str(street.authority.certificate))
        async with a_client(street.account()) as client:
            assert await read(client) > 0
        assert str(other) in await trouble(street.account(ca_file=other))


async def test_a_certificate_of_another_host_is_not_accepted(tmp_path: Path) -> None:
    async with a_street(tmp_path, san="DNS:elsewhere.example") as street:
        said = await trouble(street.account(ca_file=street.authority.certificate))
    assert "IP address mismatch, certificate is not valid for '127.0.0.1' (only" in said


async def test_a_certificate_that_is_no_root_is_trusted_for_what_it_is(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street, a_client(street.account(ca_file=tmp_path / "server.crt")) as client:
        assert await read(client) > 0


async def test_a_server_without_tls_is_told_from_one_without_trust(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street:
        account = street.account(ca_file=street.authority.certificate)
        elsewhere = account.token_url.replace(str(street.front.port), str(street.without_tls))
        said = await trouble(replace(account, token_url=elsewhere))
    assert said == "cannot connect to 127.0.0.1: TLS fails: wrong version number"


async def test_a_ca_file_may_hold_several_and_one_in_use_outlives_a_broken_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    (tmp_path / "other").mkdir()
    other = certificates.pair(tmp_path / "other", "authority").certificate
    async with a_street(tmp_path) as street:
        file.write_text("not yet")
        account = street.account(ca_file=file)
        assert await trouble(account) == f"ca_file {file}: no PEM certificate is in it"
        _replace(file, (tmp_path / "server.key").read_text() + other.read_text())
        async with a_client(account) as client:
            with pytest.raises(Unreachable, match="not trusted"):
                await read(client)
        _replace(file, other.read_text() + street.authority.certificate.read_text())
        async with a_client(account) as client:
            assert await read(client) > 0
            _replace(file, "broken")
            with capture_logs() as logs:
                assert await read(client) > 0
                assert await read(client) > 0
            assert [(each["log_level"], each["reason"]) for each in logs] == [
                ("error", f"ca_file {file}: no PEM certificate is in it")
            ]


def _replace(file: Path, content: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(content)
    new.replace(file)


async def test_a_ca_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    async with a_street(tmp_path) as street:
        file.write_text(street.authority.certificate.read_text())
        async with a_client(street.account(ca_file=file)) as client:
            assert await read(client) > 0
            (tmp_path / "other").mkdir()
            _replace(file, certificates.pair(tmp_path / "other", "authority").certificate.read_text())
            with pytest.raises(Unreachable, match="not trusted"):
                await read(client)
            _replace(file, street.authority.certificate.read_text())
            assert await read(client) > 0


# Proxies


def through(gateway: Gateway, userinfo: str = "", scheme: str = "http") -> Secret:
    return Secret("accounts[0].proxy_url", f"{scheme}://{userinfo}127.0.0.1:{gateway.port}")


async def test_the_bank_is_read_through_a_proxy(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street, proxy() as way:
        account = street.account(ca_file=street.authority.certificate, proxy_url=through(way))
        async with a_client(account) as client:
            assert await read(client) > 0
        assert set(way.asked) == {f"CONNECT 127.0.0.1:{street.front.port} HTTP/1.1"}


async def test_a_proxy_gets_its_credentials_decoded(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street, proxy("user", "hu#s@h") as way:
        account = street.account(ca_file=street.authority.certificate, proxy_url=through(way, "user:hu%23s%40h@"))
        async with a_client(account) as client:
            assert await read(client) > 0
        assert (len(way.asked) > 0, way.refused) == (True, 0)


async def test_a_proxy_that_wants_other_credentials_is_told_from_the_bank_and_none_are_shown(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street, proxy("user", "right") as way:
        account = street.account(ca_file=street.authority.certificate, proxy_url=through(way, "user:hush@"))
        said = await trouble(account)
    assert said == (
        f"cannot connect to 127.0.0.1 through the proxy 127.0.0.1:{way.port}: "
        "the proxy wants a user name and password, or others than it got (HTTP 407)"
    )
    assert "hush" not in repr(account)


async def test_a_proxy_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with proxy() as way:
        pass
    async with a_street(tmp_path) as street:
        said = await trouble(street.account(proxy_url=through(way)))
    assert said == f"cannot connect to 127.0.0.1 through the proxy 127.0.0.1:{way.port}: the connection is refused"


async def test_a_proxy_that_speaks_tls_is_trusted_by_the_same_file(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street:
        server = certificates.Pair(tmp_path / "server.crt", tmp_path / "server.key")
        async with proxy("user", "hush", server) as way:
            account = street.account(
                ca_file=street.authority.certificate, proxy_url=through(way, "user:hush@", "https")
            )
            async with a_client(account) as client:
                assert await read(client) > 0
            assert way.asked


async def test_the_environments_proxy_is_the_default_and_the_key_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_street(tmp_path) as street, proxy() as environments, proxy() as own:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{environments.port}")
        async with a_client(street.account(ca_file=street.authority.certificate)) as client:
            assert await read(client) > 0
        asked = len(environments.asked)
        assert asked > 0
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        account = street.account(ca_file=street.authority.certificate, proxy_url=through(own))
        async with a_client(account) as client:
            assert await read(client) > 0
        assert (len(environments.asked), len(own.asked) > 0) == (asked, True)


async def test_a_file_with_the_proxy_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "proxy_url"
    async with a_street(tmp_path) as street, proxy("user", "old") as first, proxy("user", "new") as second:
        file.write_text(f"http://user:old@127.0.0.1:{first.port}\n")
        account = street.account(
            ca_file=street.authority.certificate, proxy_url=Secret("accounts[0].proxy_url", file=file)
        )
        async with a_client(account) as client:
            assert await read(client) > 0
            _replace(file, f"http://user:new@127.0.0.1:{second.port}\n")
            with capture_logs() as logs:
                assert await read(client) > 0
        assert (first.refused, second.refused, bool(second.asked)) == (0, 0, True)
        assert [each["event"] for each in logs] == ["way to the bank renewed"]
        assert "new" not in str([each for each in logs if each["event"] != "way to the bank renewed"])


# Fleet


async def test_an_account_that_a_reload_removes_closes_its_own_connections(tmp_path: Path) -> None:
    async with a_street(tmp_path) as street:
        authority = street.authority.certificate
        first, second = (street.account(name=name, ca_file=authority) for name in ("first", "second"))
        config = Config((first, second), OUTCOMES, poll=POLL, state_url="memory:")
        instruments, publication = Instruments((), "1"), Publication(stale_after=SECOND)

        def polled() -> set[str]:
            return {each.terminal.name for each in publication.current().terminals if each.read}

        async with http_client(POLL.timeout) as shared:
            store = MemoryStore()
            fleet = Fleet(lambda _: store, publication, instruments, shared)
            await fleet.apply(config)
            running = asyncio.create_task(fleet.run())
            try:
                await until(lambda: polled() == {"first", "second"})
                both = street.front.open
                assert both >= 2
                await fleet.apply(replace(config, accounts=(first,)))
                await until(lambda: street.front.open <= both // 2)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
                await fleet.close()
            await until(lambda: street.front.open == 0)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  any state may be waited for
            await asyncio.sleep(0.01)
