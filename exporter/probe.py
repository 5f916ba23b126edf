"""`python -m exporter.probe`: whether an exporter on this machine answers, for a container's health check.

It needs to know neither the web configuration nor a password: plain HTTP is tried, and then whether TLS is begun with
us. That a password is asked for is an answer too; a process that hangs gives none, since it does its TLS itself. It
takes only the standard library, because it runs every few seconds.
"""

import contextlib
import http.client
import os
import socket
import ssl
import sys
from typing import Final

_VARIABLE: Final = "EPAY_EXPORTER_WEB_LISTEN_ADDRESS"
_DEFAULT: Final = ":10084"
_PATH: Final = "/-/healthy"
_SECONDS: Final = 2.0
_HANDSHAKE_RECORD: Final = b"\x16"
_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  asked, not bound


def main() -> int:
    """Exit code 0 where an exporter answers, else 1 with the reason. The address: argument, variable, or default."""
    address = sys.argv[1] if len(sys.argv) > 1 else (os.environ.get(_VARIABLE, "").split() or [_DEFAULT])[0]
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > 65_535:
        return _said(f"{address} is not an address like :10084")
    host = _EVERYWHERE.get(host, host)
    try:
        status = _status(host, int(port))
    except (OSError, http.client.HTTPException) as error:
        try:
            if _begins_tls(host, int(port)):
                return 0
        except OSError as again:
            return _said(f"{address} does not answer: {again}")
        return _said(f"{address} speaks neither HTTP nor TLS: {error}")
    return 0 if status < 500 else _said(f"{address} answers {status}")


def _status(host: str, port: int) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", _PATH)
        return connection.getresponse().status
    finally:
        connection.close()


def _begins_tls(host: str, port: int) -> bool:
    """Whether a client's hello is answered by a server's. Later it may want a certificate, which we have none of."""
    sent = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname=host).do_handshake()
    with socket.create_connection((host, port), timeout=_SECONDS) as connection:
        connection.sendall(sent.read())
        return connection.recv(1) == _HANDSHAKE_RECORD


def _said(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
