"""What a broken exchange is called. Nothing of httpx's own texts goes on: they may carry addresses and bodies."""

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator

import httpx

from exporter.bank import BankError, Garbled, Unreachable
from exporter.config.problems import Wrong
from exporter.config.proxies import proxy
from exporter.config.records import Account, SecretUnreadable


def failure(error: Exception, host: str, account: Account) -> BankError:
    """The named error for whatever httpx and the network beneath it have raised, on the way that the account goes."""
    through = _through(account)
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return Unreachable("timeout", f"{host} did not answer in time{through}")
    if isinstance(error, httpx.DecodingError):
        return Garbled("not_json", f"{host} sent an answer whose compression is broken")
    if isinstance(error, httpx.ProxyError):
        return Unreachable("connect", f"cannot connect to {host}{through}: {_refusal(error)}")
    if isinstance(error, (httpx.ConnectError, httpx.UnsupportedProtocol)):
        return Unreachable("connect", f"cannot connect to {host}{through}: {_cause(error, account)}")
    return Unreachable("reset", f"{host} broke the connection off{through}")


def _through(account: Account) -> str:
    """Which proxy stands between, where the account names one."""
    if account.proxy_url is not None:
        with contextlib.suppress(SecretUnreadable, Wrong):
            return f" through the proxy {proxy(account.proxy_url.read()).address}"
    return ""


def _refusal(error: httpx.ProxyError) -> str:
    """What a proxy says to CONNECT: of its answer the status alone is told."""
    status = re.match(r"([1-5][0-9][0-9])\b", str(error))
    if status is None:
        return "the proxy does not let it through"
    if status[1] == "407":
        return "the proxy wants a user name and password, or others than it got (HTTP 407)"
    return f"the proxy does not let it through (HTTP {status[1]})"


def _cause(error: BaseException, account: Account) -> str:
    """What a person would look at first."""
    name = "the proxy's name" if account.proxy_url is not None else "its name"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            trusted = f"only the certificates of {account.ca_file} are" if account.ca_file else "ca_file is not set"
            return f"its certificate is not trusted: {cause.verify_message.rstrip('.')} ({trusted})"
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "reason", None) or "no reason given"  # OpenSSL's own word
            return f"TLS fails: {reason.replace('_', ' ').lower()}"
        if isinstance(cause, socket.gaierror):
            return f"{name} is not known to DNS"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection is refused"
    return "no connection"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
