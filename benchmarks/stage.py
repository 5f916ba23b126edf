"""One account's polls on a stage: the real poller, ledger, store and web side, in front of a bank that costs nothing.

The bank stands behind the poller's own port. Its pages are bytes that are decoded as the client decodes them; what it
takes to write them is told, so that it can be left out of account.
"""

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx

from benchmarks.sizing_bank import Traffic
from exporter.bank import Bank
from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.instrumentation import Instruments
from exporter.ledger import Ledger
from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Assignment,
    Checkpoint,
    Clock,
    Instant,
    Policy,
    Reading,
    Remembered,
    Terminal,
)
from exporter.outcomes import Outcomes
from exporter.payload import Decoder
from exporter.poller import AccountPoller, Publication
from exporter.state import MemoryStore, Store
from exporter.web import create_app

T0: Instant = 1_790_000_000 * SECOND
PAGE = 500
_KEY = b"a key of the benchmarks".ljust(16)
POLICY = Policy(15 * SECOND, 15 * MINUTE, DAY, DAY, (5 * MINUTE, 15 * MINUTE, HOUR))
_HEADERS = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "accept-encoding": "gzip"}


class AtOnce(ThreadPoolExecutor):
    """Runs what is meant for a thread on the spot: a virtual clock would run away from a real thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  handed on as a thread would
            future.set_exception(error)
        return future


class PagedBank:
    """The port, over traffic that is a function of time. Counts pages as requests; everything is listed at once, and
    nothing happened before `since`."""

    def __init__(self, traffic: Traffic, clock: Clock, page: int = PAGE, since: Instant = 0) -> None:
        self._traffic = traffic
        self._clock = clock
        self._page = page
        self._since = since
        self._decoder = Decoder(_KEY)
        self.every = 1
        """Only each so manieth terminal has operations."""
        self.requests = 0
        self.records = 0
        self.writing = 0.0
        """CPU seconds of its own."""

    def compare_with(self, marks: Mapping[int, bytes]) -> None:
        """Know the records that a ledger has counted by these, as the client does."""
        self._decoder = Decoder(_KEY, met=marks)

    async def read(self, assignment: Assignment) -> Reading:
        """All pages of an assignment; between two of them others have their turn, as they have while a page is sent."""
        (start, end), names = assignment.span, assignment.terminals
        read = self._decoder.compare if assignment.sweep else self._decoder.decode
        operations, rejections, unchanged = [], [], []
        for body in self._pages(names, max(start, self._since), min(end, self._clock())):
            await asyncio.sleep(0)
            page = read(body)
            operations += page.operations
            rejections += page.rejections
            unchanged += page.unchanged
        total = len(operations) + len(unchanged)
        return Reading(
            assignment, tuple(operations), tuple(rejections), total, complete=True, unchanged=tuple(unchanged)
        )

    def _pages(self, names: Sequence[str], start: Instant, end: Instant) -> Iterator[bytes]:
        began = time.process_time()
        wanted = [index for name in names if (index := int(name) - 10_000_000) % self.every == 0]
        found = self._traffic.at(wanted, start, end)
        self.writing += time.process_time() - began
        self.records += len(found)
        for first in range(0, max(len(found), 1), self._page):
            began = time.process_time()
            body = self._traffic.page(found[first : first + self._page], len(found))
            self.writing += time.process_time() - began
            self.requests += 1
            yield body


class Stage:
    """An account whose time and bank are in the benchmark's hands.

    What lies no further back than `covered` is taken to have been read, and to have held nothing.
    """

    def __init__(
        self,
        traffic: Traffic,
        clock: Clock,
        monotonic: Callable[[], float],
        bank: Bank,
        store: Store | None = None,
        policy: Policy = POLICY,
        sweep_interval: int = MINUTE,
        covered: int = 0,
    ) -> None:
        numbers = [traffic.number(each) for each in range(traffic.terminals)]
        self.terminals = tuple(Terminal(number, number, number, "main") for number in numbers)
        self.clock = clock
        now = clock()
        mark = Checkpoint(now - covered, now - covered, now)
        remembered = Remembered(dict.fromkeys(numbers, mark), (), {})
        outcomes = Outcomes(shipped_statuses(), shipped_reason_classes())
        self.publication = Publication(stale_after=3 * policy.interval)
        self.instruments = Instruments(("main",), "0", "benchmark")
        self.ledger = Ledger("main", self.terminals, outcomes, policy, 100, remembered)
        self.poller = AccountPoller(
            account="main",
            terminals=self.terminals,
            ledger=self.ledger,
            bank=bank,
            store=store or MemoryStore(),
            policy=policy,
            sweep_interval=sweep_interval,
            publication=self.publication,
            observer=self.instruments,
            clock=clock,
            bank_clock=clock,
            monotonic=monotonic,
        )
        current, registry = self.publication.current, self.instruments.registry
        app = create_app(current, registry, clock, scraped=self.publication.scraped)
        self._web = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter", headers=_HEADERS)

    async def scrape(self) -> bytes:
        """What Prometheus gets, as it gets it: compressed."""
        async with self._web.stream("GET", "/metrics") as answer:
            answer.raise_for_status()
            return b"".join([chunk async for chunk in answer.aiter_raw()])

    async def close(self) -> None:
        await self._web.aclose()


def series(body: bytes) -> int:
    """How many samples an exposition has."""
    text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
