"""Addresses in the configuration: the bank's, and the state's."""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from exporter.config.leaves import text
from exporter.config.problems import Wrong
from exporter.config.values import Value, close

_HOST: Final = re.compile(
    r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII
)
_STATE_HINT: Final = "known: memory:, sqlite:///PATH, postgresql://USER@HOST/DATABASE"
_POSTGRES: Final = ("postgresql", "postgres")
_POSTGRES_PARAMETERS: Final = (
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "options",
    "passfile",
    "port",
    "require_auth",
    "service",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "ssl_min_protocol_version",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
)
"""Of libpq, whose documentation says what they mean. `password` is not among them: its place is before the @."""


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
    if scheme in _POSTGRES:
        return _postgres_url(said)
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


def _postgres_url(said: str) -> str:
    """The URL of a database, always with the longer scheme. No error repeats any of it: a password may be inside."""
    scheme, slashes, rest = said.partition("://")
    if scheme not in _POSTGRES or not slashes:
        raise Wrong("this is no URL of a PostgreSQL database", "write it as postgresql://user@host/database")
    try:
        parts = urlsplit(f"postgresql://{rest}")
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise Wrong("this is not a URL", "percent-encode special characters, also in the password") from None
    if parts.fragment or " " in said or rest.split("?")[0].count("@") > 1:
        raise Wrong("the URL has a blank, a # or a second @ inside", "percent-encode special characters")
    names = [name for name, _ in parameters]
    if "password" in names:
        raise Wrong("a password among the parameters shows in too many places", "write it as user:password@host")
    if unknown := [name for name in names if name not in _POSTGRES_PARAMETERS]:
        known = close(unknown[0], _POSTGRES_PARAMETERS)
        raise Wrong("the URL has a parameter that libpq does not know", f'did you mean "{known[0]}"?' if known else "")
    if not parts.path.strip("/") and "dbname" not in names and "service" not in names:
        raise Wrong("the URL does not name a database", "write it as postgresql://user@host/database")
    return f"postgresql://{rest}"


def state_kind(url: str) -> str:
    """The kind of a state in a word."""
    return url.partition(":")[0]


def shown_state(url: str) -> str:
    """Where the state is kept, fit to be shown: of a PostgreSQL URL no user, no password and no parameters."""
    if state_kind(url) != "postgresql":
        return url
    parts = urlsplit(url)
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


def state_secrets(url: str) -> tuple[str, ...]:
    """The password in a state's URL, as written and as meant; logs must not show either."""
    if state_kind(url) != "postgresql":
        return ()
    _, colon, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return tuple({password, unquote(password)}) if colon and password else ()
