"""The doctor's way to the bank: the client's own transport and questions, counted, and never more than a few."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx
import msgspec

from exporter.bank import BankError, LoginRefused, Refused, ServerFailed, Throttled, Unauthorized, Unreachable
from exporter.client import answers, login, search
from exporter.client.answers import TokenRefused
from exporter.client.transport import Answer, Transport
from exporter.config.records import Account, Limits, Poll, SecretUnreadable, TokenBody
from exporter.doctor.replies import LoginReply, Reply, form_of_expiry
from exporter.doctor.stamps import stamps
from exporter.model import Assignment, Clock, Event, RequestMade, Span

CAP: Final = 40
"""Requests that one account is asked at most, logins included."""

_LOGINS: Final = 2
"""Tries for each kind of body while none has worked: a wrong password can lock the account."""

_RENEWALS: Final = 4
_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class Spent(Exception):
    """The account's requests are used up."""


class _Ear:
    """Counts what the transport has really sent, and keeps what it heard of the bank's clock."""

    def __init__(self) -> None:
        self.requests = 0
        self.skews: list[float] = []

    def observe(self, event: Event) -> None:
        if isinstance(event, RequestMade):
            self.requests += 1
            if event.skew is not None:
                self.skews.append(event.skew)


class Inquiry:
    """Asks the bank about one account. `account` is the account as known so far."""

    def __init__(
        self,
        account: Account,
        poll: Poll,
        limits: Limits,
        http: httpx.AsyncClient,
        clock: Clock,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        cap: int = CAP,
    ) -> None:
        self.account = account
        self.clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._cap = cap
        self._ear = _Ear()
        slots = asyncio.Semaphore(1)
        self._transport = Transport(account, poll, limits, http, slots, self._ear, clock, monotonic, sleep)
        self._token = ""
        self._worked = False
        self._expires = 0.0
        self._tries: dict[TokenBody, int] = {}
        self._renewals = 0

    @property
    def requests(self) -> int:
        """How many the bank has been sent."""
        return self._ear.requests

    @property
    def skews(self) -> tuple[float, ...]:
        """The bank's clock minus ours in seconds, answer by answer."""
        return tuple(self._ear.skews)

    @property
    def token(self) -> str:
        """The token in use."""
        return self._token

    async def login(self, body: TokenBody) -> LoginReply:
        """One login, with a second try only where the first one was not answered properly."""
        reply = await self._login(body)
        while _passing(reply.error) and self._tries.get(body, 0) < _LOGINS:
            await self._pause()
            reply = await self._login(body)
        return reply

    async def _login(self, body: TokenBody) -> LoginReply:
        self._check_cap()
        self._tries[body] = self._tries.get(body, 0) + 1
        account = replace(self.account, token_body=body)
        try:
            content = login.form(account, login.credentials(account))
        except SecretUnreadable as error:
            return LoginReply(body, None, LoginRefused("login_refused", str(error)))
        started = self._monotonic()

        def read(answer: Answer) -> LoginReply:
            try:
                grant = login.grant(answer, account.name)
            except BankError as error:
                return LoginReply(body, answer.status, error)
            self._token, self._expires = grant.token, started + grant.life * 0.9
            self._tries[body] = 0
            return LoginReply(body, answer.status, None, grant.life, form_of_expiry(answer.body))

        try:
            return await self._transport.post("token", account.token_url, read, **content)
        except BankError as error:
            return LoginReply(body, None, error)

    def question(self, span: Span, names: Sequence[str], account: Account | None = None) -> dict[str, Any]:
        """The client's own search, as data, for a probe to change one thing in it."""
        body = search.question(account or self.account, Assignment(span, tuple(names)))(0, 1)
        question: dict[str, Any] = msgspec.json.decode(body)
        return question

    async def ask(
        self, question: dict[str, Any], *, size: int, page: int = 0, sure: bool = False, token: str = ""
    ) -> Reply:
        """The answer to a search; asked once more where it was no proper one.

        `sure`: a refusal is asked again as well, because much follows from it and it may have been a whim. `token`: to
        be used in place of the one that is held, and then nothing is repeated.
        """
        body = msgspec.json.encode({**question, "paging": {"page": page, "size": size}})
        if token:
            return await self._request(body, token)
        if self._monotonic() >= self._expires:
            await self._renew()
        reply = await self._request(body, self._token)
        refused = isinstance(reply.error, TokenRefused) and reply.error.status == 401
        if refused and self._renewals < _RENEWALS:
            await self._renew()
            reply = await self._request(body, self._token)
        elif _passing(reply.error) or (sure and reply.refused):
            await self._pause()
            reply = await self._request(body, self._token)
        return reply

    async def _renew(self) -> None:
        self._renewals += 1
        reply = await self.login(self.account.token_body)
        if reply.error is not None:
            raise reply.error

    async def _request(self, body: bytes, token: str) -> Reply:
        self._check_cap()

        def read(answer: Answer) -> Reply:
            at = self.clock()
            try:
                found = answers.page(answer, self.account.name)
            except TokenRefused as refusal:
                error: BankError = refusal
                if self._worked and refusal.status == 403:  # the token is good: it is this request that is not allowed
                    error = Refused(f"the bank does not allow this request of account {self.account.name} (403)")
                return Reply(answer.status, None, error, at)
            except BankError as error:
                return Reply(answer.status, None, error, at)
            self._worked = True
            return Reply(answer.status, found, None, at, stamps(answer.body))

        headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "accept": "application/json"}
        try:
            return await self._transport.post(
                "operations", self.account.operations_url, read, content=body, headers=headers
            )
        except BankError as error:
            return Reply(None, None, error, self.clock())

    async def _pause(self) -> None:
        """Before the same is asked again: as long as the bank wants, within reason."""
        await self._sleep(min(max(_PAUSE, self._transport.held()), _LONGEST_PAUSE))

    def _check_cap(self) -> None:
        if self.requests >= self._cap:
            raise Spent


def _passing(error: BankError | None) -> bool:
    """Whether an error may be gone a moment later."""
    if error is None or isinstance(error, (Refused, LoginRefused, Unauthorized)):
        return False
    if isinstance(error, (Unreachable, ServerFailed, Throttled)):
        return error.kind != "connect"
    return error.kind == "not_json"
