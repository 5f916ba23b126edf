"""A `proxy_url` taken apart. It may hold a password, so no error and no repr shows anything of it but host and port."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from exporter.config.problems import Wrong
from exporter.config.urls import is_host

_ENCODE: Final = "in user name and password write special characters as %XX: @ is %40, # is %23, / is %2F"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. `address` may be shown; `secrets` is what logs must mask: the password, as in the URL and as it is.

    `tls`: it is spoken to by TLS itself.
    """

    url: str = field(repr=False)
    address: str
    tls: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


def proxy(said: str) -> Proxy:
    """What a URL of a proxy says. Raises Wrong."""
    try:
        parts = urlsplit(said)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Wrong("this is not a URL", f"check host and port; {_ENCODE}") from None
    if parts.scheme.startswith("socks"):
        raise Wrong("SOCKS proxies are not supported", "known: http://host:port, https://host:port")
    if parts.scheme not in ("http", "https"):
        raise Wrong("this is not an http or https URL", "write it as http://host:port")
    if not host or not is_host(host):
        raise Wrong("the URL has no host that can be one", f"write it as http://host:port; {_ENCODE}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or not said.isprintable() or " " in said:
        raise Wrong("the URL of a proxy ends with its port", f"write it as http://host:port; {_ENCODE}")
    shown = f"[{host}]" if ":" in host else host
    secrets = {parts.password, unquote(parts.password)} if parts.password else set()
    return Proxy(said, f"{shown}:{port}" if port else shown, parts.scheme == "https", tuple(sorted(secrets)))
