"""The bank's port for one account: assignments in, readings out."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from exporter.bank import MAX_RECORDS, Garbled, Refused, ServerFailed, SpanTooLarge, Throttled, Unreachable
from exporter.client import answers
from exporter.client.answers import TokenRefused
from exporter.client.pauses import PATIENCE
from exporter.client.search import merged, question, walk
from exporter.client.tokens import Session, Token, Tokens
from exporter.client.transport import Transport
from exporter.config.records import Account, Limits, Poll
from exporter.model import SECOND, Assignment, Clock, Observer, Page, Reading
from exporter.payload import decode

_ATTEMPTS = 3
_PASSES = 3


class EpayClient:
    """Reads one account's list. Safe to be called concurrently: the token and the budget are shared.

    `decode` reads a page, `compare` one most of which has been read before. A second client with the `tokens` of the
    first has a budget of its own for what must not be in the way of it.
    """

    def __init__(
        self,
        account: Account,
        poll: Poll,
        limits: Limits,
        http: httpx.AsyncClient,
        slots: asyncio.Semaphore,
        observer: Observer,
        clock: Clock,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        max_records: int = MAX_RECORDS,
        tokens: Tokens | None = None,
        decode: Callable[[bytes], Page] = decode,
        compare: Callable[[bytes], Page] | None = None,
        session: Session | None = None,
        held: float = 0.0,
    ) -> None:
        self._account = account
        self._page_size = poll.page_size
        self._max_records = max_records
        self._decode = decode
        self._compare = compare or decode
        self._random = random
        self._sleep = sleep
        self._transport = Transport(account, poll, limits, http, slots, observer, clock, monotonic, sleep)
        self._transport.hold(held)
        self.tokens = tokens or Tokens(account, self._transport, observer, clock, monotonic, random, session)

    @property
    def session(self) -> Session:
        """The login as it stands, for the client that takes the place of this one."""
        return self.tokens.session

    @property
    def held(self) -> float:
        """Seconds that are left of a pause the bank has asked for."""
        return self._transport.held()

    async def read(self, assignment: Assignment) -> Reading:
        """All pages of an assignment, read again while they do not add up. Raises BankError."""
        body = question(self._account, assignment)
        decode = self._compare if assignment.sweep else self._decode
        pages: list[Page] = []
        ids: set[bytes] = set()

        async def fetch(page: int, size: int) -> Page:
            return await self._page(body(page, size), decode)

        def admit(total_count: int) -> None:
            span = assignment.span
            if total_count > self._max_records and span.end - span.start > SECOND:
                raise SpanTooLarge(total_count)

        for _ in range(_PASSES):
            passed = await walk(fetch, self._account.paging, self._page_size, admit)
            pages += passed.pages
            ids |= passed.ids
            complete = passed.complete or len(ids) == passed.total_count
            if complete:
                break
        operations, rejections, unchanged = merged(pages, len(ids))
        return Reading(assignment, operations, rejections, passed.total_count, complete, unchanged)

    async def _page(self, body: bytes, decode: Callable[[bytes], Page]) -> Page:
        """One page, tried again where that may help."""
        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(_ATTEMPTS),
            retry=self._worth_another_try,
            wait=self._back_off,
            reraise=True,
        )
        return await retrying(self._authorized, body, decode)

    async def _authorized(self, body: bytes, decode: Callable[[bytes], Page]) -> Page:
        """One page, with a new token where the old one is no longer accepted."""
        token = await self.tokens.current()
        try:
            page = await self._request(body, token, decode)
        except TokenRefused as error:
            refusal = error
        else:
            self.tokens.accepted(token)
            return page
        token = await self.tokens.replacement(token, refusal)
        try:
            page = await self._request(body, token, decode)
        except TokenRefused as error:
            refusal = error
        else:
            self.tokens.accepted(token, after_refusal=True)
            return page
        raise self.tokens.verdict(token, refusal)

    async def _request(self, body: bytes, token: Token, decode: Callable[[bytes], Page]) -> Page:
        return await self._transport.post(
            "operations",
            self._account.operations_url,
            lambda answer: answers.page(answer, self._account.name, decode),
            content=body,
            headers={
                "authorization": f"Bearer {token.value}",
                "content-type": "application/json",
                "accept": "application/json",
            },
        )

    def _held(self) -> float:
        return max(self._transport.held(), self.tokens.held())

    def _worth_another_try(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome is not None else None
        if self._held() > PATIENCE:
            return False
        if isinstance(error, Refused):  # it may have been a whim; the poller goes on to split what is refused
            return state.attempt_number == 1
        if isinstance(error, Garbled):
            return error.kind != "too_large"
        return isinstance(error, (Unreachable, ServerFailed, Throttled))

    def _back_off(self, state: RetryCallState) -> float:
        """Half a second, then one, with as much again of jitter, and never before a pause is over."""
        return max(2.0 ** (state.attempt_number - 2) * (1 + self._random()), self._held())
