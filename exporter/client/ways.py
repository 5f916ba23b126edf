"""The ways to the bank: an HTTP client that all accounts share, and one for each that trusts or goes otherwise."""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import structlog

from exporter import __version__
from exporter.bank import Unreachable
from exporter.config.authorities import AuthoritiesUnusable, trust
from exporter.config.files import Signature, signature
from exporter.config.problems import Wrong
from exporter.config.proxies import proxy
from exporter.config.records import Account, Poll, SecretUnreadable
from exporter.model import SECOND, Duration


def http_client(
    timeout: Duration,
    verify: ssl.SSLContext | bool = True,
    through: httpx.Proxy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client that goes through this proxy, or else the environment's; cookies are refused.

    Without a context of its own it trusts the well-known authorities, or what SSL_CERT_FILE and SSL_CERT_DIR say. With
    a transport, all of that is the transport's business.
    """
    return httpx.AsyncClient(
        timeout=timeout / SECOND,
        verify=verify,
        proxy=through,
        transport=transport,
        follow_redirects=False,  # a redirect would take the token and the credentials elsewhere
        trust_env=True,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=60.0),
        headers={"user-agent": f"epay-exporter/{__version__}", "accept-encoding": "gzip, deflate"},
        # Accounts share connections, never a session.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
    )


def set_timeout(http: httpx.AsyncClient, timeout: Duration) -> None:
    """Another timeout for the requests from now on; connections stay open."""
    http.timeout = httpx.Timeout(timeout / SECOND)


def own_client(account: Account, timeout: Duration) -> httpx.AsyncClient | None:
    """A client for an account with a `ca_file` or a proxy, which follows their files; None where it has neither."""
    if account.ca_file is None and account.proxy_url is None:
        return None
    return http_client(timeout, transport=OwnWay(account, timeout))


@asynccontextmanager
async def http_clients(accounts: Iterable[Account], poll: Poll) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """The client of each account, by its name, closed at the end."""
    async with AsyncExitStack() as held:
        shared = await held.enter_async_context(http_client(poll.timeout))
        clients = {}
        for account in accounts:
            own = own_client(account, poll.timeout)
            clients[account.name] = shared if own is None else await held.enter_async_context(own)
        yield clients


class OwnWay(httpx.AsyncBaseTransport):
    """The way of one account, made anew when a file that it was made from has changed.

    The files are looked at before each request. What cannot be used is said once in the log, and the way in use stays;
    without one the requests fail and say why.
    """

    def __init__(self, account: Account, timeout: Duration, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._timeout = timeout
        self._monotonic = monotonic
        self._log = structlog.get_logger("epay.client")
        named = (account.ca_file, account.proxy_url.file if account.proxy_url else None)
        self._files = [file for file in named if file is not None]
        self._seen: Signature | None = None
        self._http: httpx.AsyncClient | None = None
        self._trouble = ""
        self._retired: list[tuple[float, httpx.AsyncClient]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it on; the answer's body is left to be read. Raises Unreachable where there is no way."""
        self._look()
        await self._close_retired()
        if self._http is None:
            raise Unreachable("connect", self._trouble)
        return await self._http.send(request, stream=True)

    async def aclose(self) -> None:
        """Close all connections."""
        for http in (*(each for _, each in self._retired), *((self._http,) if self._http else ())):
            await http.aclose()
        self._retired, self._http = [], None

    def _look(self) -> None:
        seen = signature(self._files)
        if seen == self._seen:
            return
        self._seen = seen  # of before the reading: what changes meanwhile is read again
        try:
            made = self._made()
        except _WayUnusable as unusable:
            if str(unusable) != self._trouble and self._http is not None:
                self._log.error(
                    "way to the bank cannot be used: the one in use is kept",
                    account=self._account.name,
                    reason=str(unusable),
                )
            self._trouble = str(unusable)
            return
        if self._http is not None:
            self._retired.append((self._monotonic(), self._http))
            self._log.info("way to the bank renewed", account=self._account.name)
        self._http, self._trouble = made, ""

    def _made(self) -> httpx.AsyncClient:
        context = _trust(self._account)
        through = _proxy(self._account, context)
        return http_client(self._timeout, True if context is None else context, through)

    async def _close_retired(self) -> None:
        """Close those in which nothing can be under way any more: no request lasts longer than the timeout."""
        before = self._monotonic() - self._timeout / SECOND - 1
        done = [each for each in self._retired if each[0] < before]
        self._retired = [each for each in self._retired if each[0] >= before]
        for _, http in done:
            await http.aclose()


class _WayUnusable(Exception):
    """A file, or what is in it, is no way to the bank; the text shows nothing of it."""


def _trust(account: Account) -> ssl.SSLContext | None:
    if account.ca_file is None:
        return None
    try:
        return trust(account.ca_file)
    except AuthoritiesUnusable as unusable:
        raise _WayUnusable(f"ca_file {account.ca_file}: {unusable.reason}") from None


def _proxy(account: Account, context: ssl.SSLContext | None) -> httpx.Proxy | None:
    """The proxy; as in Prometheus, one that speaks TLS itself is trusted by the same file as the bank."""
    if account.proxy_url is None:
        return None
    try:
        found = proxy(account.proxy_url.read())
        return httpx.Proxy(found.url, ssl_context=context if found.tls else None)
    except SecretUnreadable as unreadable:
        raise _WayUnusable(str(unreadable)) from None
    except Wrong as wrong:
        raise _WayUnusable(f"{account.proxy_url.key}: {wrong.text}") from None
    except (httpx.InvalidURL, ValueError):
        raise _WayUnusable(f"{account.proxy_url.key}: this is not a URL") from None
