"""The login's form and what its answer means. Pure, except that secrets are read."""

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from exporter.bank import Garbled, LoginRefused, ServerFailed
from exporter.client.transport import Answer
from exporter.config.records import Account, TokenBody

DEFAULT_LIFE = 300.0
LONGEST_LIFE = 30 * 86_400.0

_OURS = frozenset(
    (
        "invalid_grant",
        "invalid_client",
        "invalid_request",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "access_denied",
    )
)
_THEIRS = frozenset(("temporarily_unavailable", "server_error"))
"""OAuth's standard words: all that is ever repeated of what the bank says."""

_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The four secrets as they are now. `fingerprint` tells whether they have changed."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)

    @property
    def fingerprint(self) -> bytes:
        """A digest of all four, lengths included, so that no two sets share one."""
        texts = (self.username, self.password, self.client_id, self.client_secret)
        return blake2b(msgspec.msgpack.encode(texts), digest_size=16).digest()


def credentials(account: Account) -> Credentials:
    """Read anew at every login. Raises SecretUnreadable."""
    return Credentials(
        account.username.read(), account.password.read(), account.client_id.read(), account.client_secret.read()
    )


def form(account: Account, secrets: Credentials) -> dict[str, Any]:
    """The request's content in the encoding that the account wants, as httpx takes it."""
    fields = {
        "grant_type": "password",
        "username": secrets.username,
        "password": secrets.password,
        "scope": account.scope,
        "client_id": secrets.client_id,
        "client_secret": secrets.client_secret,
    }
    if account.token_body is TokenBody.URLENCODED:
        return {"data": fields}
    return {"files": {name: (None, value) for name, value in fields.items()}}


class _LoginAnswer(msgspec.Struct):
    access_token: Any = None
    expires_in: Any = None
    error: Any = None
    code: Any = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a good login gives: the token, and its life in seconds."""

    token: str = field(repr=False)
    life: float


def grant(answer: Answer, account: str) -> Grant:
    """The token of a good answer. Raises LoginRefused where the bank said no, the port's other errors otherwise."""
    said: _LoginAnswer | None = None
    form_of_answer = "not_json"
    try:
        said = msgspec.json.decode(answer.body, type=_LoginAnswer)
    except msgspec.ValidationError:
        form_of_answer = "malformed"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    word = said.error if said is not None and isinstance(said.error, str) else ""
    if word in _THEIRS or (answer.status >= 500 and not _means_us(said, word, answer.status)):
        raise ServerFailed("server_error", f"{answer.host} cannot give a token now ({answer.status})")
    if answer.status >= 400:
        raise LoginRefused("login_refused", _refusal(account, answer.status, word))
    if said is None:
        raise Garbled(form_of_answer, f"{answer.host} answered the login with something that is no token")
    if not isinstance(said.access_token, str) or not said.access_token:
        raise LoginRefused("login_refused", _refusal(account, answer.status, word))
    if not _TOKEN.fullmatch(said.access_token):
        raise Garbled("malformed", f"{answer.host} gave a token that cannot be sent")
    return Grant(said.access_token, _life(said.expires_in))


def _means_us(said: _LoginAnswer | None, word: str, status: int) -> bool:
    """Whether a 5xx is in truth a refusal: an error of ours, by OAuth's word or by a code of the bank's."""
    if said is None:
        return False
    return word in _OURS or (type(said.code) is int and said.code not in (0, status))


def _refusal(account: str, status: int, word: str) -> str:
    shown = f"{status} {word}" if word in _OURS else str(status)
    check = "username, password, client_id and client_secret"
    if word == "invalid_scope":
        check = "scope"
    elif word == "unsupported_grant_type" or status in (404, 405, 415):
        check = "token_url and token_body"
    elif status == 403:
        check += ", and whether this address is on the bank's allow-list"
    return f"the bank refused the login of account {account} ({shown}): check {check}"


def _life(expires_in: Any) -> float:
    """`expires_in` as a number, also where it is text; five minutes where it says nothing of use."""
    try:
        life = float(expires_in) if isinstance(expires_in, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        life = 0.0
    return min(life, LONGEST_LIFE) if life > 0 else DEFAULT_LIFE
