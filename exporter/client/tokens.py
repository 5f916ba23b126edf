"""The account's one token: shared, renewed by one login at a time, and never asked for in a loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.bank import BankError, LoginRefused, Refused
from exporter.client import login
from exporter.client.answers import TokenRefused
from exporter.client.pauses import GrowingPause
from exporter.client.transport import Transport
from exporter.config.records import Account, SecretUnreadable
from exporter.model import SECOND, Clock, LoginMade, Observer


@dataclass(slots=True, eq=False)
class Token:
    """A token in use. `worked`: the list has accepted it once. `suspect`: refused by the list, and a login no cure."""

    value: str = field(repr=False)
    renewed_from: float
    expires: float
    worked: bool = False
    suspect: bool = False


@dataclass(slots=True)
class Session:
    """Where a login stands: the token, and what has gone wrong.

    Three growing pauses keep it from hammering the bank: after a login that was refused (wrong credentials can lock the
    account), after one that failed, and after one that did not make the list accept us again.
    """

    refused: GrowingPause
    failed: GrowingPause
    in_vain: GrowingPause
    token: Token | None = None
    refusal: str = ""
    refused_fingerprint: bytes = b""
    failure: BankError | None = None

    @classmethod
    def begun(cls, monotonic: Callable[[], float], random: Callable[[], float]) -> "Session":
        """Before the first login."""
        return cls(
            GrowingPause(2, 300, monotonic, random),
            GrowingPause(1, 30, monotonic, random),
            GrowingPause(2, 300, monotonic, random),
        )


class Tokens:
    """Gives the account's token."""

    def __init__(
        self,
        account: Account,
        transport: Transport,
        observer: Observer,
        clock: Clock,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        session: Session | None = None,
    ) -> None:
        self._account = account
        self._transport = transport
        self._observer = observer
        self._clock = clock
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._session = session or Session.begun(monotonic, random)

    @property
    def session(self) -> Session:
        """The login as it stands, for another `Tokens` with the same credentials to go on with."""
        return self._session

    def held(self) -> float:
        """Seconds that are left of the pause after a failed login."""
        return self._session.failed.remaining()

    async def current(self) -> Token:
        """A token that is good by its own account. Raises BankError, without a request while a pause lasts."""
        token = self._session.token
        if token is not None and self._monotonic() < token.renewed_from:
            return token
        async with self._lock:  # those who waited here find the new token
            token = self._session.token
            if token is not None and self._monotonic() < token.renewed_from:
                return token
            try:
                self._session.token = await self._login()
            except BankError:
                if token is None or self._session.token is not token or self._monotonic() >= token.expires:
                    raise
                return token  # it could not be renewed, but it is still good for a while
            return self._session.token

    def accepted(self, token: Token, *, after_refusal: bool = False) -> None:
        """The list has taken the token. `after_refusal`: it had been asked for because another one was refused."""
        token.worked = True
        if after_refusal:
            self._session.in_vain.clear()

    async def replacement(self, token: Token, refusal: TokenRefused) -> Token:
        """Another token to repeat a refused request with. Raises where another login would be of no use."""
        if token is self._session.token:
            fresh = not token.worked and not token.suspect
            if self._monotonic() < token.expires and (fresh or self._session.in_vain.remaining()):
                raise self.verdict(token, refusal)
            self._session.token = None
        return await self.current()

    def verdict(self, token: Token, refusal: TokenRefused) -> BankError:
        """What a refusal means that a new login has not cured, or would not.

        The token is kept: the reason lies elsewhere (the allow-list, a right, a terminal), so it will be good as soon
        as that is mended, and until then it serves other requests. A login is tried again only when the pause is over.
        """
        if not self._session.in_vain.remaining():
            self._session.in_vain.strike()
        token.suspect = True
        if token.worked and refusal.status == 403:
            return Refused(f"the bank does not allow this request of account {self._account.name} (403)")
        return refusal

    async def _login(self) -> Token:
        secrets = self._secrets()
        fingerprint = secrets.fingerprint
        if self._session.refused.remaining():
            if fingerprint == self._session.refused_fingerprint:
                raise LoginRefused("login_refused", self._session.refusal)
            self._session.refused.clear()  # somebody has put in other credentials: they deserve a try of their own
        if self._session.failure is not None and self._session.failed.remaining():
            raise type(self._session.failure)(self._session.failure.kind, str(self._session.failure))
        self._transport.check_held()
        wall, started = self._clock(), self._monotonic()
        name = self._account.name
        try:
            grant = await self._transport.post(
                "token",
                self._account.token_url,
                lambda answer: login.grant(answer, name),
                **login.form(self._account, secrets),
            )
        except LoginRefused as error:
            self._session.refused.strike()
            self._session.refusal = str(error)
            self._session.refused_fingerprint = fingerprint
            self._session.failed.clear()
            self._observer.observe(LoginMade(name, "refused"))
            raise
        except BankError as error:
            self._session.failure = error
            self._session.failed.strike()
            self._observer.observe(LoginMade(name, error.kind))
            raise
        self._session.refused.clear()
        self._session.failed.clear()
        self._observer.observe(LoginMade(name, "success", wall + int(grant.life * SECOND)))
        expires = started + grant.life
        return Token(grant.token, expires - min(60.0, grant.life / 10), expires)

    def _secrets(self) -> login.Credentials:
        try:
            return login.credentials(self._account)
        except SecretUnreadable as error:
            text = str(error)
        self._observer.observe(LoginMade(self._account.name, "refused"))
        raise LoginRefused("login_refused", text)
