"""Memory over a simulated day: the real loop of an account, with polls, sweeps and scrapes; its time passes at once.

Ids are kept for a day and some hours, so a first day must hold more at its end than at its beginning: what each of them
takes is another bar. Here the day follows on others, the state holds all ids that it ever will, and traffic is even:
what is held is the same at all hours, and what grows nevertheless should not.
"""

import asyncio
import gc
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from benchmarks.bars import Bar, Figure, Found, resident
from benchmarks.sizing_bank import Traffic
from benchmarks.stage import POLICY, T0, AtOnce, PagedBank, Stage
from exporter import logs
from exporter.model import HOUR, MINUTE, SECOND, Decision, Entry, Outcome, SeriesKey, Standing
from exporter.state import SqliteStore
from tests.client_bank import now as elapsed
from tests.client_bank import run

TRAFFIC = Traffic(20, 5 * 3600 / 20)
"""Five operations a second."""
HOURS = 24
EVERY = 4
SWEEP = 5 * MINUTE
SCRAPES_AN_HOUR = 30
SLOWER = replace(POLICY, interval=MINUTE)
"""A quarter of the polls, so that the day ends in good time."""


def remember(traffic: Traffic, store: SqliteStore) -> None:
    """Have a store hold the ids of the days before."""
    for start in range(T0 - SLOWER.kept, T0, HOUR):
        entries = [
            Entry(each.to_bytes(16), each * traffic.step, key, 5_000_000, "KZT", Standing.COUNTED)
            for each in traffic.between(start, min(start + HOUR, T0))
            for key in (SeriesKey(traffic.number(each % traffic.terminals), Outcome.SUCCESS, "ok", "00", "0", "none"),)
        ]
        store.commit(Decision(T0, tuple(entries)))
    store.expire(T0 - SLOWER.kept)


async def day(traffic: Traffic, hours: int, every: int) -> list[int]:
    """Bytes in memory every so many hours."""
    asyncio.get_running_loop().set_default_executor(AtOnce())

    def clock() -> int:
        return T0 + int(elapsed() * SECOND)

    directory = tempfile.TemporaryDirectory()
    store = SqliteStore(Path(directory.name) / "state.db")
    remember(traffic, store)
    bank = PagedBank(traffic, clock)
    stage = Stage(traffic, clock, elapsed, bank, store, SLOWER, SWEEP, SLOWER.kept)
    bank.compare_with(stage.ledger.marks)
    running = asyncio.create_task(stage.poller.run())
    found = []
    try:
        for scrape in range(1, hours * SCRAPES_AN_HOUR + 1):
            await asyncio.sleep(max(0.0, scrape * HOUR / SECOND / SCRAPES_AN_HOUR - elapsed()))
            await stage.scrape()
            if scrape % (every * SCRAPES_AN_HOUR) == 0:
                gc.collect()
                found.append(resident())
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await stage.close()
        store.close()
        directory.cleanup()
    return found


def bars() -> list[Bar | Figure]:
    """How much more is in memory at the end of the day than after its first hours."""
    return [Figure("memory over a simulated day of 5 operations a second, growth", "%", _growth, must=5.0, stretch=2.0)]


def _growth() -> Found:
    with ProcessPoolExecutor(1, get_context("spawn")) as own:  # what other benchmarks have held is not in its memory
        found = own.submit(_day).result()
    hours = range(EVERY, HOURS + 1, EVERY)
    told = ", ".join(f"{hour} h {each / 1e6:.0f}" for hour, each in zip(hours, found, strict=True))
    return Found((max(found[1:]) / found[0] - 1) * 100, note=f"MB after {told}")


def _day() -> list[int]:
    logs.configure("error", "logfmt")
    return run(day(TRAFFIC, HOURS, EVERY))
