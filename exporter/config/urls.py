"""Addresses in the configuration: the bank's, and the state's."""

import re
from typing import Final
from urllib.parse import urlsplit

from exporter.config.leaves import text
from exporter.config.problems import Wrong
from exporter.config.values import Value

_HOST: Final = re.compile(
    r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII
)
_STATE_HINT: Final = "known: memory:, sqlite:///PATH"


def is_host(text: str) -> bool:
    """Whether a text has the form of a host's name or address."""
    return _HOST.fullmatch(text) is not None


def http_url(value: Value) -> str:
    """An http or https address without credentials. No error repeats it: credentials inside would be shown."""
    said = text(value)
    try:
        parts = urlsplit(said)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Wrong("this is not a URL", "check host and port") from None
    if parts.scheme not in ("http", "https"):
        raise Wrong("this is not an http or https URL", "begin it with https://")
    if "@" in parts.netloc:
        raise Wrong("a URL must not contain user name or password", "they are keys of their own")
    if not host or not is_host(host):
        raise Wrong("the URL has no host that can be one", "write it as https://host/path")
    if " " in said or "#" in said:
        raise Wrong("the URL has a blank or # inside")
    return said


def state_url(value: Value) -> str:
    """Where the state is kept. A relative PATH is relative to the working directory, as for any program."""
    said = text(value)
    scheme = said.partition(":")[0]
    if said == "memory:":
        return said
    if scheme in ("postgresql", "postgres"):
        raise Wrong("PostgreSQL is not there yet in this version", "use sqlite:///PATH")
    if scheme == "sqlite":
        path = said.removeprefix("sqlite:///")
        if path == said:
            raise Wrong(
                "sqlite: must be followed by three slashes and a path", "write it as sqlite:///./epay-exporter.db"
            )
        if path == ":memory:":
            raise Wrong("this keeps nothing in a file", "write memory: for a state that ends with the process")
        if not path or path.endswith("/"):
            raise Wrong("the path of the database file is missing", "write it as sqlite:///./epay-exporter.db")
        return said
    if said in ("memory", ":memory:", "memory://"):
        raise Wrong("this is no state URL", 'did you mean "memory:"?')
    raise Wrong("this is no state URL that is known", _STATE_HINT)
