"""Every fault at once, late and pending operations, crashes at any moment: the totals equal the bank's own truth.

Client, poller, ledger and store are the real ones, the bank is the simulator; only time is not real, so that minutes of
polling take seconds and every seed runs the same way again.
"""

import asyncio
import logging
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import structlog

from exporter.bank import MAX_RECORDS
from exporter.client import EpayClient
from exporter.config.records import Account, Limits, Poll, Secret
from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.ledger import Ledger
from exporter.model import MINUTE, SECOND, Decision, Family, Policy, Terminal
from exporter.outcomes import Outcomes
from exporter.payload import Decoder
from exporter.poller import AccountPoller, Publication
from exporter.simulator.api import create_app
from exporter.simulator.settings import Settings
from exporter.simulator.world import TERMINALS, World
from exporter.state import CommitFailed, MemoryStore, SqliteStore, Store
from exporter.windows import begin
from tests.adapters.fakes import Recorder
from tests.builders import T0
from tests.client_bank import now as elapsed
from tests.client_bank import run

TRAFFIC_SECONDS = 90.0
FAULTS = dict.fromkeys(
    ("http-500", "reset", "truncated", "html", "error-200", "rate-limit", "slow", "revoked-token", "poison"), 0.03
)
OUTCOMES = Outcomes(shipped_statuses(), shipped_reason_classes())
POLL = Poll(
    interval=SECOND,
    lookback=6 * MINUTE,
    sweep_interval=8 * SECOND,
    requests_per_second=200.0,
    page_size=500,
)
POLICY = Policy(POLL.interval, POLL.lookback, POLL.max_gap, POLL.follow_pending, (MINUTE, 5 * MINUTE))
OURS = tuple(Terminal(t.number, t.number, f"t{t.number[-4:]}", "main") for t in TERMINALS[:4])
ACCOUNT = Account(
    name="main",
    token_url="http://bank/oauth2/token",
    operations_url="http://bank/api/p2p/operations",
    username=Secret("username", "demo"),
    password=Secret("password", "demo"),
    client_id=Secret("client_id", "demo"),
    client_secret=Secret("client_secret", "demo"),
    terminals=OURS,
)


class _AtOnce(ThreadPoolExecutor):
    """Runs what is meant for a thread on the spot: a virtual clock would run away from a real thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  handed on as a thread would
            future.set_exception(error)
        return future


class _FlakyStore:
    """A store whose disk is full now and then, before or instead of a commit; what it says it has done, it has."""

    def __init__(self, store: Store, random: Random) -> None:
        self.store = store
        self._random = random

    def commit(self, decision: Decision) -> None:
        if self._random.random() < 0.02:
            raise CommitFailed("the disk is full")
        self.store.commit(decision)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class _Bank:
    """The simulator's two faces over one world: with all faults, and calm."""

    def __init__(self, seed: int) -> None:
        settings = Settings(
            seed=seed,
            traffic=6.0,
            local_hour=13,
            scenario="total-outage",
            scenario_delay=TRAFFIC_SECONDS,
            scenario_duration=10 * 3600.0,
            late_share=0.1,
            duplicate_share=0.1,
            pending_share=0.2,
            size_cap=40,
            token_lifetime=5,
            expires_in="text",
            date_times="mixed",
            history_days=1,
        )
        world = World(settings, start=T0)
        self.calm = False
        self._calm = create_app(world, settings, self.clock)
        self._wild = create_app(world, replace(settings, faults=FAULTS), self.clock)

    @staticmethod
    def clock() -> int:
        return T0 + int(elapsed() * SECOND)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        app = self._calm if self.calm else self._wild
        try:
            await app(scope, receive, send)
        except ConnectionResetError:
            raise httpx.ReadError("the connection was reset") from None

    async def truth(self, since: int) -> Counter[tuple[str, ...]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._calm), base_url="http://bank") as http:
            answer = (await http.get("/truth", params={"from": since})).json()
        names = {terminal.number: terminal.name for terminal in OURS}
        truth: Counter[tuple[str, ...]] = Counter()
        for row in answer["rows"]:
            if row["terminal"] in names:
                key = (names[row["terminal"]], row["outcome"], row["status"], row["code"], row["reason_code"])
                truth[*key, "operations"] += row["operations"]
                truth[*key, row["currency"]] += row["amount_minor"]
        for number, count in answer["duplicates"].items():
            if number in names:
                truth[names[number], "duplicates"] += count
        return truth


def _totals(ledger: Ledger) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for total, value in ledger.totals.items():
        if total.family is Family.OPERATIONS:
            found[*total.labels[:5], "operations"] += value
        elif total.family is Family.AMOUNT:
            found[*total.labels[:5], total.labels[6]] += value
        elif total.family is Family.DUPLICATES:
            found[*total.labels, "duplicates"] += value
    return found


def _open(store: Store, since: int) -> Ledger:
    remembered = store.recall([terminal.name for terminal in OURS], POLICY.retention)
    if not remembered.checkpoints:
        store.commit(Decision(now=since, checkpoints={terminal.name: begin(since) for terminal in OURS}))
        remembered = store.recall([terminal.name for terminal in OURS], POLICY.retention)
    return Ledger("main", OURS, OUTCOMES, POLICY, 100, remembered)


def _poller(bank: _Bank, http: httpx.AsyncClient, store: Store, ledger: Ledger, random: Random) -> AccountPoller:
    decoder = Decoder(random.randbytes(16), met=ledger.marks)  # a key that no process had before
    client = EpayClient(
        account=ACCOUNT,
        poll=POLL,
        limits=Limits(),
        http=http,
        slots=asyncio.Semaphore(4),
        observer=Recorder(),
        clock=bank.clock,
        monotonic=elapsed,
        random=random.random,
        max_records=MAX_RECORDS,
        decode=decoder.decode,
        compare=decoder.compare,
    )
    return AccountPoller(
        account="main",
        terminals=OURS,
        ledger=ledger,
        bank=client,
        store=store,
        policy=POLICY,
        sweep_interval=POLL.sweep_interval,
        publication=Publication(stale_after=3 * POLL.interval),
        observer=Recorder(),
        clock=bank.clock,
        bank_clock=bank.clock,
        monotonic=elapsed,
    )


async def _live(seed: int, store: Store, crashes: int) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """A bad minute and a half, then calm; the totals that are left, and the truth."""
    asyncio.get_running_loop().set_default_executor(_AtOnce())
    random = Random(seed)
    bank = _Bank(seed)
    since = bank.clock()
    flaky: Any = _FlakyStore(store, random)
    ends = [*sorted(random.uniform(1, TRAFFIC_SECONDS) for _ in range(crashes)), TRAFFIC_SECONDS + 30]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bank)) as http:
        for end in ends:
            task = asyncio.create_task(_poller(bank, http, flaky, _open(store, since), random).run())
            await asyncio.sleep(max(end - elapsed(), 0.0))
            task.cancel()  # whatever it was doing: memory is gone, the store is what counts
            await asyncio.gather(task, return_exceptions=True)
        bank.calm = True
        ledger = _open(store, since)
        poller = _poller(bank, http, store, ledger, random)
        for _ in range(8):
            await poller.poll()
            await poller.sweep()
            await asyncio.sleep(60)
    return _totals(ledger), await bank.truth(ledger.checkpoints[OURS[0].name].counting_since)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.mark.parametrize("seed", range(6))
def test_totals_are_exact_on_sqlite_through_faults_and_crashes(tmp_path: Path, seed: int) -> None:
    store = SqliteStore(tmp_path / "state.db")
    found, truth = run(_live(seed, store, crashes=4))
    store.close()

    assert sum(count for key, count in truth.items() if key[-1] == "operations") > 300
    assert sum(count for key, count in truth.items() if key[-1] == "duplicates") > 20
    assert not any(key[1] == "pending" for key in truth)
    assert found == truth


@pytest.mark.parametrize("seed", range(6, 8))
def test_totals_are_exact_in_memory_through_faults(seed: int) -> None:
    found, truth = run(_live(seed, MemoryStore(), crashes=0))

    assert sum(count for key, count in truth.items() if key[-1] == "operations") > 300
    assert found == truth
