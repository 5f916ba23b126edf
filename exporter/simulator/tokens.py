"""The login: the documented password grant, checked field by field, and the tokens that it gives out."""

from collections.abc import Sequence
from random import Random
from typing import Any

from exporter.simulator.settings import Settings

_BODIES = {"multipart/form-data": "form-data", "application/x-www-form-urlencoded": "urlencoded"}
_REQUIRED = ("grant_type", "username", "password", "scope", "client_id", "client_secret")


class LoginRefused(Exception):
    """A login that the bank does not accept, in OAuth's words."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error


class Tokens:
    """The tokens in use, each until its own end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._random = Random(f"{settings.seed}/tokens")
        self._ends: dict[str, int] = {}

    def login(self, content_type: str, fields: Sequence[tuple[str, str]], now: int) -> dict[str, Any]:
        """A new token for a correct form."""
        settings = self._settings
        body = _BODIES.get(content_type)
        if body is None or settings.token_body not in {"any", body}:
            raise LoginRefused(400, "invalid_request", f"a body of type {content_type or 'none'} is not accepted")
        form = dict(fields)
        if len(form) != len(fields):
            raise LoginRefused(400, "invalid_request", "a field is given twice")
        if missing := [name for name in _REQUIRED if not form.get(name)]:
            raise LoginRefused(400, "invalid_request", f"missing: {', '.join(missing)}")
        if form["grant_type"] != "password":
            raise LoginRefused(400, "unsupported_grant_type", "grant_type must be password")
        if (form["client_id"], form["client_secret"]) != (settings.client_id, settings.client_secret):
            raise LoginRefused(401, "invalid_client", "client is not known")
        if (form["username"], form["password"]) != (settings.username, settings.password):
            raise LoginRefused(400, "invalid_grant", "user name or password is wrong")
        if form["scope"] != "transfer":
            raise LoginRefused(400, "invalid_scope", "scope must be transfer")
        return self._issued(now)

    def holds(self, authorization: str, now: int) -> bool:
        """Whether the header carries a token that is still good."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and now < self._ends.get(token, 0)

    def forget(self) -> None:
        """Revoke all tokens."""
        self._ends.clear()

    def _issued(self, now: int) -> dict[str, Any]:
        settings = self._settings
        self._ends = {token: end for token, end in self._ends.items() if end > now and settings.tokens == "many"}
        token = f"{self._random.getrandbits(132):033X}"
        self._ends[token] = now + settings.token_lifetime * 1_000_000
        return {
            "access_token": token,
            "expires_in": str(settings.token_lifetime) if settings.expires_in == "text" else settings.token_lifetime,
            "refresh_token": "",
            "scope": "transfer",
            "token_type": "Bearer",
        }
