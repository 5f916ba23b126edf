"""What stands between a socket and the endpoints: TLS, passwords, a limit, and headers, as a file says.

The file and those that it names are looked at when somebody connects or asks, at most once a second, and read again
when they have changed. What cannot be used is said once in the log, and what was in use stays.
"""

import base64
import binascii
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.config import ConfigInvalid, Problem
from exporter.config.files import signature
from exporter.model import SECOND
from exporter.web.passwords import Crowded, Passwords
from exporter.web.settings import RateLimit, Tls, WebSettings, parse_settings
from exporter.web.tls import build, names

_PAUSE: Final = 1.0
"""Seconds between two looks at the files."""


@dataclass(frozen=True, slots=True)
class _Applied:
    """What is in use: the settings, and the context made from them and their files."""

    settings: WebSettings
    context: ssl.SSLContext | None


class Protection:
    """A web configuration in use. Raises ConfigInvalid where its first reading finds anything wrong."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._log = structlog.get_logger("epay.web")
        settings, problems = parse_settings(path)
        watched = self._files(settings.tls)
        seen = signature(watched)
        context, complaints = _context(path, settings.tls)
        if problems or complaints:
            raise ConfigInvalid([*problems, *complaints])
        self._applied = _Applied(settings, context)
        self._watched, self._seen = watched, seen
        self._certificates_seen = signature(self._files(settings.tls))
        self._next_look = monotonic() + _PAUSE
        self._trouble = ""
        self._passwords = Passwords()
        self._bucket = Bucket(settings.rate_limit, monotonic)

    @property
    def scheme(self) -> str:
        return "https" if self._applied.context else "http"

    @property
    def bcrypt_checks(self) -> int:
        """How often a password had to be checked the slow way."""
        return self._passwords.checked

    def announce(self) -> None:
        """Say in the log what is in use."""
        settings = self._applied.settings
        self._log.info(
            "web configuration applied",
            file=str(self._path),
            tls=settings.tls is not None,
            client_certificates=settings.tls.client_auth_type if settings.tls else "NoClientCert",
            users=len(settings.users),
            rate_limited=settings.rate_limit.interval > 0,
        )
        for note in settings.notes:
            self._log.warning("web configuration has a key without effect", note=note)

    def context(self) -> ssl.SSLContext | None:
        """For a new connection: what is in use now. None for plain HTTP, which never changes while the process runs."""
        self.refresh()
        return self._applied.context

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client's certificate, already verified, names somebody who is allowed."""
        tls = self._applied.settings.tls
        if tls is None or tls.client_allowed_sans is None:
            return True
        return not names(certificate).isdisjoint(tls.client_allowed_sans)

    # Changes

    def refresh(self) -> None:
        """Look whether the files have changed, unless that was done a moment ago, and take them over if they can be."""
        now = self._monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _PAUSE
        seen = signature(self._watched)
        if seen == self._seen:
            return
        self._seen = seen  # of before the reading: what changes meanwhile is read again
        settings, problems = parse_settings(self._path)
        context, complaints = _context(self._path, settings.tls)
        problems += complaints
        problems += self._weaker(settings) if not problems else []
        watched = tuple(dict.fromkeys((*self._files(settings.tls), *self._files(self._applied.settings.tls))))
        if watched != self._watched:
            self._watched, self._seen = watched, ()  # of the new ones we do not know how they were: once more, later
        if problems:
            self._complain("; ".join(map(str, problems)))
            self._renew_certificate()
        else:
            self._apply(settings, context)

    def _apply(self, settings: WebSettings, context: ssl.SSLContext | None) -> None:
        certificates = signature(self._files(settings.tls))
        same = settings == self._applied.settings and certificates == self._certificates_seen
        if settings.rate_limit != self._applied.settings.rate_limit:
            self._bucket = Bucket(settings.rate_limit, self._monotonic)
        self._applied = _Applied(settings, context)
        self._certificates_seen = certificates
        if not same or self._trouble:
            self.announce()
        self._trouble = ""

    def _renew_certificate(self) -> None:
        """A web configuration that cannot be used is no reason to let the certificate in use expire."""
        tls = self._applied.settings.tls
        certificates = signature(self._files(tls))
        if tls is None or certificates == self._certificates_seen:
            return
        context, complaints = build(tls)
        if not complaints:
            self._applied = replace(self._applied, context=context)
            self._certificates_seen = certificates
            self._log.info("certificate renewed", file=str(tls.cert_file))

    def _weaker(self, settings: WebSettings) -> list[Problem]:
        """A file that is being written may, for a moment, be a valid one in which the users have not come yet."""
        running = self._applied.settings
        lost = {
            "tls_server_config": (running.tls is None) != (settings.tls is None),
            "basic_auth_users": bool(running.users) and not settings.users,
            "tls_server_config.client_auth_type": bool(
                running.tls and settings.tls and running.tls.verifies_clients and not settings.tls.verifies_clients
            ),
        }
        text = "switched on or off, or removed: for this the exporter must be restarted"
        return [Problem(str(self._path), 0, key, text) for key, is_lost in lost.items() if is_lost]

    def _complain(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._log.error("web configuration cannot be used: the one in use is kept", reason=trouble)

    def _files(self, tls: Tls | None) -> tuple[Path, ...]:
        return (self._path, *(tls.files if tls else ()))

    # Requests

    def around(self, app: ASGIApp, headers: Mapping[str, str]) -> ASGIApp:
        """The application behind the protection. `headers` are for the answers that are given in its place."""

        async def protected(scope: Scope, receive: Receive, send: Send) -> None:
            self.refresh()
            settings = self._applied.settings
            refusal = await self._refusal(scope, settings)
            if refusal is not None:
                refusal.headers.update(headers)

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message).update(settings.headers)
                await send(message)

            await (refusal or app)(scope, receive, send_with_headers)

        return protected

    async def _refusal(self, scope: Scope, settings: WebSettings) -> PlainTextResponse | None:
        if not self._bucket.take():
            return _too_many()
        if not settings.users:
            return None
        given = credentials(Headers(scope=scope).get("authorization", ""))
        if given is not None:
            host = scope["client"][0] if scope.get("client") else ""
            try:
                if await self._passwords.right(settings.users, *given, host):
                    return None
            except Crowded:
                return _too_many()
        realm = 'Basic realm="epay-exporter", charset="UTF-8"'
        return PlainTextResponse("Unauthorized", 401, {"WWW-Authenticate": realm})


def _too_many() -> PlainTextResponse:
    return PlainTextResponse("Too Many Requests", 429, {"Retry-After": "1"})


def credentials(authorization: str) -> tuple[bytes, bytes] | None:
    """User and password of an Authorization header, or None where it has none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


class Bucket:
    """Tokens for requests: one more each interval, up to `burst`."""

    def __init__(self, limit: RateLimit, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._tokens = float(limit.burst)
        self._at = monotonic()

    def take(self) -> bool:
        """Whether a request may pass."""
        if not self._limit.interval:
            return True
        now = self._monotonic()
        gained = (now - self._at) * SECOND / self._limit.interval
        self._tokens, self._at = min(float(self._limit.burst), self._tokens + gained), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _context(path: Path, tls: Tls | None) -> tuple[ssl.SSLContext | None, list[Problem]]:
    if tls is None:
        return None, []
    context, complaints = build(tls)
    return context, [
        Problem(str(path), tls.lines.get(key, 0), f"tls_server_config.{key}", text, hint)
        for key, text, hint in complaints
    ]
