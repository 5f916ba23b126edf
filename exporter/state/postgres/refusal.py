"""Whether the database's server itself refuses everybody: nobody listens at its address, or it is stopping or starting.

Asked of the server directly, without a login and without libpq, whose errors at the connecting have a text in the
server's language and no code.
"""

import errno
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

import psycopg

_PROTOCOL: Final = 0x30000  # 3.0
_NOT_NOW: Final = b"57P03"
"""cannot_connect_now: the server stops, starts or recovers, and says so before it asks who is there."""

_MOST: Final = 2_000


def refuses(url: str, patience: float) -> bool:
    """Whether each address of the URL says so within `patience` seconds. False where one says else, or nothing.

    False for Unix sockets too: behind one may stand a proxy of this machine alone.
    """
    try:
        addresses = _addresses(url)
        return bool(addresses) and all(_refuses(family, address, patience) for family, address in addresses)
    except (OSError, ValueError, psycopg.Error):
        return False


def _addresses(url: str) -> list[tuple[int, Any]]:
    """Of all hosts of the URL; none where some of them cannot be told."""
    defaults = {each.keyword.decode(): (each.val or b"").decode() for each in psycopg.pq.Conninfo.get_defaults()}
    given: Mapping[str, Any] = defaults | psycopg.conninfo.conninfo_to_dict(url)
    hosts = str(given.get("hostaddr") or given.get("host") or "").split(",")
    ports = str(given.get("port") or "").split(",")
    if given.get("service") or not all(hosts) or any(host.startswith(("/", "@")) for host in hosts):
        return []
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return [
        (family, address)
        for host, port in zip(hosts, ports, strict=True)
        for family, _, _, _, address in socket.getaddrinfo(host, int(port or 5432), type=socket.SOCK_STREAM)
    ]


def _refuses(family: int, address: Any, patience: float) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(patience)
        try:
            probe.connect(address)
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
        body = struct.pack("!i", _PROTOCOL) + b"user\0epay\0database\0epay\0\0"
        probe.sendall(struct.pack("!i", len(body) + 4) + body)
        return _code(_answer(probe)) == _NOT_NOW


def _answer(probe: socket.socket) -> bytes:
    found = b""
    while len(found) < 5 or len(found) < min(1 + struct.unpack_from("!i", found, 1)[0], _MOST):
        if not (more := probe.recv(_MOST)):
            break
        found += more
    return found


def _code(answer: bytes) -> bytes | None:
    """The SQLSTATE of an error: fields that each begin with a letter and end with a zero byte."""
    if not answer.startswith(b"E"):
        return None
    return next((field[1:] for field in answer[5:].split(b"\0") if field.startswith(b"C")), None)
