"""One request to the bank: within the rate budget, a time cap over everything, a size cap, and observed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from aiolimiter import AsyncLimiter

from exporter.bank import BankError, Garbled, Throttled
from exporter.client.failures import failure
from exporter.client.pauses import PATIENCE, http_date, retry_after
from exporter.config.records import Account, Limits, Poll
from exporter.model import SECOND, Clock, Observer, RequestMade

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, not yet judged. The body never shows in repr: it may hold tokens and personal data.

    `skew`: the bank's clock minus ours. `retry_after`: how long the bank wants not to be asked, where it is throttling.
    """

    host: str
    status: int
    body: bytes = field(repr=False)
    skew: float | None = None
    retry_after: float | None = None


class Transport:
    """The way to the bank for one account. `slots` bounds the requests in flight over all accounts."""

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
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._account = account.name
        self._way = account
        self._timeout = poll.timeout / SECOND
        self._largest = limits.max_response_bytes
        self._http = http
        self._slots = slots
        self._observer = observer
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._limiter = AsyncLimiter(1, 1 / poll.requests_per_second)  # paced: a budget without bursts
        self._turn = asyncio.Lock()
        self._held_until = 0.0

    def held(self) -> float:
        """Seconds that are left of a pause the bank has asked for."""
        return max(0.0, self._held_until - self._monotonic())

    def hold(self, seconds: float) -> None:
        """Ask nothing for so long, or longer where that was to be already."""
        self._held_until = max(self._held_until, self._monotonic() + seconds)

    def check_held(self) -> None:
        """Raises Throttled while a pause lasts that is too long to be waited for."""
        if self.held() > PATIENCE:
            raise Throttled("rate_limited", f"the bank has asked account {self._account} to pause")

    async def post(self, endpoint: str, url: str, judge: Callable[[Answer], T], **content: Any) -> T:
        """What `judge` makes of the answer; BankError from here or from `judge` is observed by its kind."""
        async with self._slot():
            started = self._monotonic()
            answer: Answer | None = None
            result = "defect"
            try:
                answer = await self._answer(url, content)
                self._check(answer)
                judged = judge(answer)
            except BankError as error:
                result = error.kind
                raise
            except asyncio.CancelledError:
                result = ""  # we gave up, not the bank: nothing to count
                raise
            else:
                result = "success"
                return judged
            finally:
                if result:
                    seconds = self._monotonic() - started
                    skew = answer.skew if answer is not None else None
                    self._observer.observe(RequestMade(self._account, endpoint, result, seconds, skew))

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """The account's turn in its budget, then a place among the requests of all accounts."""
        async with self._turn:
            while True:
                self.check_held()
                if self.held():
                    await self._sleep(self.held())
                await self._limiter.acquire()
                await self._slots.acquire()
                if not self.held():  # it may have been throttled meanwhile by a request that was still in flight
                    break
                self._slots.release()
        try:
            yield
        finally:
            self._slots.release()

    async def _answer(self, url: str, content: dict[str, Any]) -> Answer:
        host = httpx.URL(url).host
        try:
            async with asyncio.timeout(self._timeout):
                wall, started = self._clock() / SECOND, self._monotonic()
                request = self._http.build_request("POST", url, **content)
                response = await self._http.send(request, stream=True, follow_redirects=False)
                try:
                    middle = wall + (self._monotonic() - started) / 2
                    body = await self._body(response, host)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            failed = failure(error, host, self._way)
        else:
            status, headers = response.status_code, response.headers
            dated = http_date(headers.get("date"))
            # The header is cut off to whole seconds: by half a second on average.
            skew = None if dated is None else dated + 0.5 - middle
            pause = retry_after(headers.get("retry-after"), dated or middle) if status == 429 else None
            return Answer(host, status, body, skew, pause)
        raise failed  # not from within `except`: what httpx raised holds the request with its token

    def _check(self, answer: Answer) -> None:
        """What is the same for login and list."""
        if answer.retry_after is not None:
            self.hold(answer.retry_after)
            raise Throttled("rate_limited", f"{answer.host} has had too many requests of account {self._account}")
        if 300 <= answer.status < 400:
            raise Garbled("malformed", f"{answer.host} redirects elsewhere ({answer.status}): check the URL")

    async def _body(self, response: httpx.Response, host: str) -> bytes:
        """The decompressed body, cut off as soon as it is larger than allowed."""
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._largest:
                raise Garbled("too_large", f"{host} sent more than {self._largest} bytes: lower poll.page_size")
        return bytes(body)
