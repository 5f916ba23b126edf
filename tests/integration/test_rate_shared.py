"""An account's rate of requests is one at the bank, however many shares it has and whoever reads them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx
import pytest

from exporter.app.account import RunningAccount, Surroundings, ledger_of
from exporter.config import Account, Baseline, Config, Poll
from exporter.instrumentation import Instruments
from exporter.model import MINUTE, SECOND, Assignment, Remembered, Span, Terminal
from exporter.poller import Publication
from exporter.sharding import EVERYTHING, Shard
from exporter.sharing import MOST, shares
from exporter.state import MemoryStore
from exporter.windows import begin
from tests.builders import OUTCOMES, T0, account
from tests.client_bank import now, run

RATE = 5.0
LONG = 150.0
"""Seconds of a time that passes at once, in which every share asks for as much as it may."""
SPAN = Span(T0 - MINUTE, T0)


@dataclass
class Bank:
    """Has nothing to list, and notes when it is asked."""

    asked: list[float] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(now())
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "token", "expires_in": 7200})
        return httpx.Response(200, json={"totalCount": 0, "records": []})

    def between(self, start: float, end: float) -> int:
        return sum(1 for each in self.asked if start <= each < end)


def whole(terminals: int) -> Config:
    listed = tuple(Terminal(f"{each:08}", f"{each:08}", f"t{each}", "main") for each in range(terminals))
    return Config(
        (replace(account("main"), terminals=listed),),
        OUTCOMES,
        poll=Poll(requests_per_second=RATE, interval=15 * SECOND),
        baseline=Baseline(history=0),
        state_url="memory:",
    )


class Replica:
    """A process of its own, as far as the bank can tell."""

    def __init__(self, config: Config, bank: Bank) -> None:
        self._config = config
        self._http = httpx.AsyncClient(transport=httpx.MockTransport(bank))
        self._shared = Surroundings(Publication(MINUTE), Instruments((), "test"), self._http, asyncio.Semaphore(4))

    async def ask(self, share: Account, until: float) -> None:
        """Read a share as often as its part of the rate allows."""
        (share,) = EVERYTHING.of([share])  # as a fleet sees it
        names = tuple(terminal.name for terminal in share.terminals)
        ledger = ledger_of(share, self._config, Remembered({name: begin(T0) for name in names}, (), {}))
        reader = RunningAccount(share, self._config, ledger, MemoryStore(), self._shared)
        while now() < until:
            await reader.bank.read(Assignment(SPAN, names))


def asked(config: Config, spread: Mapping[int, Sequence[Account]]) -> Bank:
    """A bank at which the replicas have read their shares, each as fast as it may."""
    bank = Bank()

    async def scenario() -> None:
        replicas = {each: Replica(config, bank) for each in spread}
        async with asyncio.TaskGroup() as tasks:
            for number, its in spread.items():
                for share in its:
                    tasks.create_task(replicas[number].ask(share, LONG))

    run(scenario())
    return bank


def spread_over(parts: Sequence[Account], *sizes: int) -> dict[int, Sequence[Account]]:
    """The first replica has so many shares, the next one so many."""
    found, begun = {}, 0
    for number, size in enumerate(sizes):
        found[number], begun = parts[begun : begun + size], begun + size
    assert begun == len(parts)
    return found


@pytest.mark.parametrize(
    ("terminals", "sizes"),
    [
        (1, (1,)),
        (MOST, (1,)),
        (2 * MOST + 1, (3,)),
        (2 * MOST + 1, (2, 1)),
        (10 * MOST, (10,)),
        (10 * MOST, (9, 1)),
        (10 * MOST, (4, 3, 3)),
        (10 * MOST, (1,) * 10),
    ],
)
def test_the_bank_is_asked_as_often_however_many_shares_and_replicas_there_are(
    terminals: int, sizes: tuple[int, ...]
) -> None:
    config = whole(terminals)
    parts = shares(config.accounts)
    bank = asked(config, spread_over(parts, *sizes))

    assert bank.between(0, LONG) == pytest.approx(RATE * LONG, abs=2 * len(parts))
    for second in range(0, int(LONG) - 50, 5):  # nor in any shorter time, but for the first request of each share
        assert bank.between(second, second + 50) <= RATE * 50 + 2 * len(parts)


def test_a_share_that_goes_from_replica_to_replica_does_not_ask_more_often() -> None:
    config, bank = whole(4 * MOST), Bank()
    moves = 10

    async def scenario() -> None:
        replicas = [Replica(config, bank) for _ in range(2)]

        async def moving(share: Account) -> None:
            for move in range(moves):
                await replicas[move % 2].ask(share, (move + 1) * LONG / moves)

        async with asyncio.TaskGroup() as tasks:
            for share in shares(config.accounts):
                tasks.create_task(moving(share))

    run(scenario())
    logins_and_first_ones = 2 * moves * 4
    assert bank.between(0, LONG) <= RATE * LONG + logins_and_first_ones


def test_shards_by_hash_divide_the_rate_of_an_account_too() -> None:
    config = whole(30)
    parts = [share for ordinal in range(3) for share in Shard(ordinal, 3).of(config.accounts)]
    assert len(parts) == 3
    bank = asked(config, spread_over(parts, 1, 1, 1))
    assert bank.between(0, LONG) == pytest.approx(RATE * LONG, abs=6)


def test_an_account_that_is_in_one_shard_has_its_whole_rate_there() -> None:
    config = whole(1)
    (part,) = [share for ordinal in range(3) for share in Shard(ordinal, 3).of(config.accounts)]
    bank = asked(config, {0: [part]})
    assert bank.between(0, LONG) == pytest.approx(RATE * LONG, abs=2)
