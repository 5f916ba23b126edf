"""A web configuration file in, its settings out, or all that is wrong with it.

The format is that of Prometheus' exporter-toolkit (docs/web-configuration.md there). It has no variables, so `${NAME}`
stands for itself here.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from exporter.config import Problem
from exporter.config.document import DocumentBroken, Items, Node, Pairs, Scalar, parse
from exporter.config.leaves import duration, secret, text, whole, word
from exporter.config.problems import Wrong
from exporter.config.values import Reading, Value, attempt, close, each
from exporter.model import Duration

T = TypeVar("T")

_LARGEST: Final = 1024 * 1024
_EMPTY: Final = "the file is empty"

_CLIENT_AUTH: Final = (
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
)
_VERSIONS: Final = ("TLS12", "TLS13")
_FORBIDDEN_VERSIONS: Final = ("TLS10", "TLS11")
CIPHERS: Final[Mapping[str, str]] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Go's names of the suites of TLS 1.2 → OpenSSL's. Those of TLS 1.3 are always on, in Go as well."""
_CIPHERS_OF_TLS_13: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
CURVES: Final[Mapping[str, str]] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
"""The headers that may be set → their values, where only some are allowed."""
_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
_COSTS: Final = range(4, 15)
"""14 takes a second or so: with more, a flood of wrong passwords would hold up the process even when it shall stop."""

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"),
    "tls_server_config": (
        "cert_file",
        "key_file",
        "client_auth_type",
        "client_ca_file",
        "client_allowed_sans",
        "min_version",
        "max_version",
        "cipher_suites",
        "prefer_server_cipher_suites",
        "curve_preferences",
    ),
    "http_server_config": ("http2", "headers"),
    "http_server_config.headers": tuple(_HEADERS),
    "rate_limit": ("interval", "burst"),
}
_INLINE: Final = {"cert": "cert_file", "key": "key_file", "client_ca": "client_ca_file"}
"""What the toolkit takes in the file itself as well, and this exporter does not: a key belongs into its own file."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections are encrypted, and which certificates clients must show."""

    cert_file: Path
    key_file: Path
    client_auth_type: str = "NoClientCert"
    client_ca_file: Path | None = None
    client_allowed_sans: frozenset[str] | None = None
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    ciphers: tuple[str, ...] = ()
    server_preference: bool = True
    curve: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is read from."""
        named = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(file for file in named if file is not None)

    @property
    def verifies_clients(self) -> bool:
        return self.client_auth_type in ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: one request each `interval`, and `burst` at once. No interval, no limit."""

    interval: Duration = 0
    burst: int = 0


@dataclass(frozen=True, slots=True)
class WebSettings:
    """All of a web configuration file; by default there is nothing in it."""

    tls: Tls | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    notes: tuple[str, ...] = ()


def parse_settings(path: Path) -> tuple[WebSettings, list[Problem]]:
    """The settings in a file and what is wrong with them; a file with nothing in it is fine. Opens no other file."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
        document = parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return WebSettings(), [Problem(str(path), line, "", "not UTF-8", "save the file as UTF-8")]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        return WebSettings(), [Problem(str(path), 0, "", f"cannot be read: {reason}")]
    except DocumentBroken as broken:
        if broken.text == _EMPTY:
            return WebSettings(), []
        return WebSettings(), [Problem(str(path), broken.line, "", broken.text, broken.hint)]
    reading = Reading(str(path), path.parent, {})
    root = Value(reading, "", document.line, _literal(document))
    settings = WebSettings() if root.null else attempt(root, _settings, WebSettings())
    return settings, sorted(reading.problems, key=lambda problem: problem.line)


def _literal(node: Node) -> Node:
    """The node with `${` written such that the reader of values takes it as it is."""
    match node:
        case Scalar():
            return replace(node, text=node.text.replace("${", "$${"))
        case Items():
            return replace(node, nodes=tuple([_literal(each) for each in node.nodes]))
        case Pairs():
            return replace(node, nodes=tuple([(key, _literal(value)) for key, value in node.nodes]))


class _Section:
    """A mapping with the keys that `KEYS` knows; others are reported."""

    def __init__(self, value: Value) -> None:
        self.value = value
        known = KEYS[value.path]
        self._given = dict(value.entries())
        self.unsound: set[str] = set()
        for key in [key for key in self._given if key not in known]:
            unknown = self._given.pop(key)
            meant = close(key, known) or [each for each in known if each.lower() == key.lower()]
            self.unsound.update(meant)
            if key in _INLINE and value.path == "tls_server_config":
                self.unsound.add(_INLINE[key])
                unknown.report("not supported here", f"put it into a file and name that with {_INLINE[key]}")
            elif meant:
                unknown.report("unknown key", f'did you mean "{meant[0]}"?')
            else:
                unknown.report("unknown key", f"known here: {', '.join(known)}")

    def __contains__(self, key: str) -> bool:
        return key in self._given

    @property
    def lines(self) -> dict[str, int]:
        return {key: value.line for key, value in self._given.items()}

    def get(self, key: str, reader: Callable[[Value], T], default: T) -> T:
        if key not in self._given:
            return default
        problems = self.value.reading.problems
        before = len(problems)
        result = attempt(self._given[key], reader, default)
        if len(problems) > before:
            self.unsound.add(key)
        return result

    def report(self, key: str, text: str, hint: str = "") -> None:
        """At the key, or at the mapping where it is not given."""
        if key not in self.unsound:
            self.unsound.add(key)
            at = self._given.get(key) or self.value.child(key, self.value.line, self.value.node)
            at.report(text, hint)


def _settings(root: Value) -> WebSettings:
    section = _Section(root)
    nothing: tuple[dict[str, str], tuple[str, ...]] = ({}, ())
    headers, notes = section.get("http_server_config", _http, nothing)
    tls = section.get("tls_server_config", _tls, None)
    if tls is not None and tls.client_auth_type == "RequestClientCert":
        notes += ("client_auth_type: RequestClientCert lets everybody in: certificates are not even asked for",)
    return WebSettings(
        tls=tls,
        headers=headers,
        users=section.get("basic_auth_users", _users, {}),
        rate_limit=section.get("rate_limit", _rate_limit, RateLimit()),
        notes=notes,
    )


def _tls(value: Value) -> Tls | None:
    section = _Section(value)
    for key in ("cert_file", "key_file"):
        if key not in section:
            section.report(key, "missing", "to serve plain HTTP remove all of tls_server_config")
    nowhere = Path()
    tls = Tls(
        cert_file=section.get("cert_file", _file, nowhere),
        key_file=section.get("key_file", _file, nowhere),
        client_auth_type=section.get("client_auth_type", _client_auth, "NoClientCert"),
        client_ca_file=section.get("client_ca_file", _optional_file, None),
        client_allowed_sans=section.get("client_allowed_sans", _sans, None),
        min_version=section.get("min_version", _version, "TLS12"),
        max_version=section.get("max_version", _version, "TLS13"),
        ciphers=section.get("cipher_suites", _ciphers, ()),
        server_preference=section.get("prefer_server_cipher_suites", _flag, default=True),
        curve=section.get("curve_preferences", _curve, None),
        lines=section.lines,
    )
    _agree(section, tls)
    return tls if tls.cert_file != nowhere and tls.key_file != nowhere else None


def _agree(section: _Section, tls: Tls) -> None:
    if "client_auth_type" not in section.unsound:
        if tls.verifies_clients and tls.client_ca_file is None:
            section.report("client_ca_file", "missing", "it says whose certificates clients may show")
        if tls.client_ca_file is not None and tls.client_auth_type == "NoClientCert":
            section.report(
                "client_ca_file",
                "has no effect without client_auth_type",
                "you probably want client_auth_type: RequireAndVerifyClientCert",
            )
        if tls.client_allowed_sans is not None and tls.client_auth_type != "RequireAndVerifyClientCert":
            section.report("client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert")
    if tls.min_version > tls.max_version:
        section.report("min_version", "above max_version: no client could connect")
    named = "cipher_suites" in section and "cipher_suites" not in section.unsound
    if named and not tls.ciphers and tls.min_version == "TLS12":
        section.report("cipher_suites", "has no suite of TLS 1.2", "add one, or say min_version: TLS13")


def _http(value: Value) -> tuple[dict[str, str], tuple[str, ...]]:
    section = _Section(value)
    notes = ("http2: only HTTP/1.1 is served",) if section.get("http2", _flag, default=False) else ()
    return section.get("headers", _headers, {}), notes


def _headers(value: Value) -> dict[str, str]:
    section = _Section(value)
    given: dict[str, str] = {}
    for name, allowed in _HEADERS.items():
        if said := section.get(name, _header(allowed), ""):
            given[name] = said
    return given


def _header(allowed: Sequence[str]) -> Callable[[Value], str]:
    def read(value: Value) -> str:
        words = value.words()
        if words.null or not words.text:
            return ""  # "unset if blank"
        if allowed:
            return word(allowed)(value)
        if not words.text.isprintable() or not words.text.isascii():
            raise Wrong("a header is one line of ASCII")
        return words.text.strip()

    return read


def _users(value: Value) -> dict[bytes, bytes]:
    users = {}
    for name, hashed in value.entries():
        if not name or ":" in name or not name.isprintable():
            hashed.report("a user's name must not be empty nor have colons or control characters in it")
        elif (said := attempt(hashed, _hashed, "")) and name:
            users[name.encode()] = said.encode()
    return users


def _hashed(value: Value) -> str:
    try:
        said = secret(value)
    except Wrong:
        said = ""
    match = _BCRYPT.fullmatch(said)
    if match is None:
        raise Wrong(
            "not a bcrypt hash, which begins with $2y$", 'htpasswd -nBC 10 "" | tr -d ":\\n" asks and makes one'
        )
    if int(match[1]) not in _COSTS:
        raise Wrong(f"the cost of the hash is {match[1]}, allowed are {_COSTS[0]} to {_COSTS[-1]}", "10 is usual")
    return said


def _rate_limit(value: Value) -> RateLimit:
    section = _Section(value)
    limit = RateLimit(section.get("interval", duration(0), 0), section.get("burst", whole(0), 0))
    if limit.interval and not limit.burst:
        section.report("burst", "must be at least 1, or no request would ever be answered")
    if limit.burst and not limit.interval:
        section.report("interval", "missing or 0: without it nothing is limited", "to limit nothing remove rate_limit")
    return limit


def _file(value: Value) -> Path:
    return value.reading.directory / text(value)


def _optional_file(value: Value) -> Path | None:
    return _file(value)


def _flag(value: Value) -> bool:
    words = value.words()
    if not words.plain or words.text not in ("true", "false"):
        raise Wrong(f"{words.shown} is neither true nor false")
    return words.text == "true"


def _client_auth(value: Value) -> str:
    older = value.words().text == "RequireClientCert"  # the toolkit's former name
    said = "RequireAnyClientCert" if older else word(_CLIENT_AUTH)(value)
    if said == "RequireAnyClientCert":
        raise Wrong(
            f"{said} is not supported: anybody can make such a certificate, and it proves nothing",
            "use RequireAndVerifyClientCert with client_ca_file",
        )
    return said


def _version(value: Value) -> str:
    if value.words().text in _FORBIDDEN_VERSIONS:
        raise Wrong(f"{value.words().text} is refused: it has been broken and deprecated (RFC 8996)", "use TLS12")
    return word(_VERSIONS)(value)


def _sans(value: Value) -> frozenset[str] | None:
    sans = each(value, text)
    if not sans:
        raise Wrong("the list is empty: no client could connect")
    return frozenset(canonical(san) for san in sans)


def canonical(san: str) -> str:
    """A name of a certificate, with addresses in one spelling."""
    try:
        return str(ipaddress.ip_address(san))
    except ValueError:
        return san


def _ciphers(value: Value) -> tuple[str, ...]:
    named = each(value, word((*CIPHERS, *_CIPHERS_OF_TLS_13)))
    return tuple(CIPHERS[name] for name in named if name in CIPHERS)


def _curve(value: Value) -> str | None:
    named = each(value, word(tuple(CURVES)))
    if len(named) > 1:
        raise Wrong("more than one curve is not supported", "name one, or remove the key for OpenSSL's own choice")
    return CURVES[named[0]] if named else None
