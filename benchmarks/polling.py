"""How many requests a poll takes: the real client over a mock transport, 1000 terminals, time that passes at once."""

import asyncio
import math

import httpx

from benchmarks.bars import Bar, Figure, Found
from benchmarks.sizing_bank import Bank, Traffic
from benchmarks.stage import POLICY, T0, AtOnce, Stage
from exporter.bank import MAX_RECORDS
from exporter.client import EpayClient
from exporter.config.records import Account, Limits, Poll, Secret
from exporter.model import SECOND, Terminal
from exporter.payload import decode
from tests.client_bank import now as elapsed
from tests.client_bank import run

TERMINALS = 1000
RATES = {0.1: 5.0, 10: 5.0, 100: 5.0, 250: 10.0, 1000: 50.0}
"""Operations a second, over all terminals, and the budget of requests a second that their sweeps need anyway."""
GRANTED = 40
"""Records on a page of a bank that gives fewer than are asked for."""
POLLS = 4


async def counted(rate: float, poll: Poll, granted: int) -> list[tuple[int, int]]:
    """Requests of each poll, and the operations that were new in it; the first poll, which reads windows, aside."""
    asyncio.get_running_loop().set_default_executor(AtOnce())
    traffic = Traffic(TERMINALS, rate * 3600 / TERMINALS)

    def clock() -> int:
        return T0 + int(elapsed() * SECOND)

    bank = Bank(traffic, clock, granted)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bank)) as http:
        client = EpayClient(
            account=_account(traffic),
            poll=poll,
            limits=Limits(),
            http=http,
            slots=asyncio.Semaphore(poll.max_concurrency),
            observer=_Nobody(),
            clock=clock,
            monotonic=elapsed,
            random=lambda: 0.0,
            max_records=MAX_RECORDS,
            decode=decode,
        )
        stage = Stage(traffic, clock, elapsed, client, covered=POLICY.reach)
        found = []
        upto = clock()
        for _ in range(POLLS + 1):
            await asyncio.sleep(max(0.0, (upto + POLICY.interval - clock()) / SECOND))
            before, since, upto = bank.listed, upto, clock()
            await stage.poller.poll()
            found.append((bank.listed - before, len(traffic.between(since, upto))))
        await stage.close()
    return found[1:]


class _Nobody:
    def observe(self, event: object) -> None:
        """Nothing is made of it."""


def _account(traffic: Traffic) -> Account:
    numbers = map(traffic.number, range(traffic.terminals))
    return Account(
        name="main",
        token_url="http://bank/token",
        operations_url="http://bank/operations",
        username=Secret("username", "demo"),
        password=Secret("password", "demo"),
        client_id=Secret("client_id", "demo"),
        client_secret=Secret("client_secret", "demo"),
        terminals=tuple(Terminal(number, number, number, "main") for number in numbers),
    )


def bars() -> list[Bar | Figure]:
    """For each rate the requests of the dearest poll, as a share of what its new operations and its batches allow."""
    return [*(_figure(rate, Poll().page_size) for rate in RATES), _figure(100, GRANTED)]


def _figure(rate: float, granted: int) -> Figure:
    def measure() -> Found:
        polls = run(counted(rate, Poll(requests_per_second=RATES[rate] * Poll().page_size / granted), granted))
        requests, new = max(polls, key=lambda each: each[0] / allowed(each[1], granted))
        most = allowed(new, granted)
        return Found(requests / most, note=f"{requests} requests, {most} allowed for {new} new operations")

    name = f"requests for a poll: {TERMINALS} terminals, {rate:g} operations a second, pages of {granted}"
    return Figure(name, "of allowed", measure, must=1.0)


def allowed(new: int, page: int) -> int:
    """The bar: pages of what is new, and one request a batch."""
    return math.ceil(new / page) + math.ceil(TERMINALS / POLICY.batch)
