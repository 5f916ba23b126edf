"""What a broken exchange is called. Nothing of httpx's own texts goes on: they may carry addresses and bodies."""

import socket
import ssl

import httpx

from exporter.bank import BankError, Garbled, Unreachable


def failure(error: Exception, host: str) -> BankError:
    """The named error for whatever httpx and the network beneath it have raised."""
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return Unreachable("timeout", f"{host} did not answer in time")
    if isinstance(error, httpx.DecodingError):
        return Garbled("not_json", f"{host} sent an answer whose compression is broken")
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol)):
        return Unreachable("connect", f"cannot connect to {host}: {_cause(error)}")
    return Unreachable("reset", f"{host} broke the connection off")


def _cause(error: BaseException) -> str:
    """What a person would look at first."""
    if isinstance(error, httpx.ProxyError):
        return "the proxy does not let it through"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return "its certificate is not trusted, or it does not speak TLS"
        if isinstance(seen, socket.gaierror):
            return "its name is not known to DNS"
        if isinstance(seen, ConnectionRefusedError):
            return "the connection is refused"
        seen = seen.__cause__ or seen.__context__
    return "no connection"
