"""`python -m benchmarks.growth`: how cost grows with the number of terminals, and with that of operations.

Each point is a process of its own: a real poller, ledger and web side, in front of a bank that costs nothing. It reads
an hour of operations, polls three times, is scraped after each poll as by Prometheus (OpenMetrics, gzip), and sweeps.
What the bank needs to write its pages is left out. Where an hour holds more operations than are worth waiting for, they
have begun later; what is held is in the table. `--json=FILE` and `--picture=FILE` (SVG) beside the table.
"""

import argparse
import asyncio
import gc
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.bars import resident
from benchmarks.growth_picture import picture
from benchmarks.sizing_bank import Traffic
from benchmarks.stage import POLICY, T0, PagedBank, Stage, series
from exporter import logs
from exporter.model import SECOND, Duration
from exporter.state import SqliteStore

TERMINALS = (10, 100, 1000, 10_000)
RATES = (1, 10, 100, 1000)
"""Operations a second, over all terminals."""
USUAL_TERMINALS, USUAL_RATE = 1000, 10
HELD_AT_MOST = 300_000
POLLS = 3


@dataclass(frozen=True)
class Point:
    """What one size costs. CPU in milliseconds; requests are those of a poll and of a sweep."""

    terminals: int
    rate: float
    poll_ms: float
    sweep_ms: float
    scrape_ms: float
    resident: int
    held: int
    series: int
    scraped: int
    requests: int
    sweep_requests: int


class _Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / SECOND


def point(terminals: int, rate: float) -> Point:
    """One size, in this process."""
    logs.configure("error", "logfmt")
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_point(terminals, rate, Path(directory)))


async def _point(terminals: int, rate: float, directory: Path) -> Point:
    traffic, clock = Traffic(terminals, rate * 3600 / terminals), _Clock()
    read: Duration = min(POLICY.reach, int(HELD_AT_MOST / rate) * SECOND)
    clock.now -= read
    bank = PagedBank(traffic, clock, since=clock.now)
    store = SqliteStore(directory / "state.db")
    stage = Stage(traffic, clock, clock.monotonic, bank, store, covered=POLICY.reach)
    bank.compare_with(stage.ledger.marks)
    while clock.now < T0:  # the past, as polls have left it
        clock.now = min(clock.now + max(POLICY.interval, read // 12), T0)
        await stage.poller.poll()
    await stage.poller.sweep()
    polls, scrapes, requests = [], [], []
    body = b""
    for _ in range(POLLS):
        clock.now += POLICY.interval
        before = bank.requests
        polls.append(await _cpu(stage.poller.poll, bank))
        requests.append(bank.requests - before)
        began = time.process_time()
        body = await stage.scrape()
        scrapes.append(time.process_time() - began)
    before = bank.requests
    sweep = await _cpu(stage.poller.sweep, bank)
    gc.collect()
    found = Point(
        terminals,
        rate,
        poll_ms=1e3 * statistics.median(polls),
        sweep_ms=1e3 * sweep,
        scrape_ms=1e3 * statistics.median(scrapes),
        resident=resident(),
        held=len(traffic.between(clock.now - read, clock.now)),
        series=series(body),
        scraped=len(body),
        requests=max(requests),
        sweep_requests=bank.requests - before,
    )
    await stage.close()
    store.close()
    return found


async def _cpu(turn: Callable[[], Awaitable[None]], bank: PagedBank) -> float:
    began, writing = time.process_time(), bank.writing
    await turn()
    return time.process_time() - began - (bank.writing - writing)


HEAD = {
    "terminals": lambda each: f"{each.terminals:,}",
    "operations a second": lambda each: f"{each.rate:g}",
    "a poll": lambda each: f"{each.poll_ms:,.0f} ms, {each.requests} requests",
    "a sweep": lambda each: f"{each.sweep_ms:,.0f} ms, {each.sweep_requests} requests",
    "a scrape": lambda each: f"{each.scrape_ms:,.1f} ms, {each.scraped / 1e3:,.0f} kB",
    "series": lambda each: f"{each.series:,}",
    "RSS": lambda each: f"{each.resident / 1e6:,.0f} MB",
    "operations held": lambda each: f"{each.held:,}",
}


def sizes(*, crossed: bool) -> list[tuple[int, float]]:
    """One line by terminals and one by operations, or all crossings of the two."""
    if crossed:
        return list(itertools.product(TERMINALS, RATES))
    by_rate = [(USUAL_TERMINALS, each) for each in RATES if each != USUAL_RATE]
    return sorted({*by_rate, *((each, USUAL_RATE) for each in TERMINALS)})


def main() -> int:
    """Measure the points one after the other, and show them."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.partition("\n")[0])
    arguments.add_argument("--json", type=Path, metavar="FILE")
    arguments.add_argument("--picture", type=Path, metavar="FILE", help="as SVG")
    arguments.add_argument(
        "--largest", type=int, default=TERMINALS[-1], metavar="N", help="no more terminals than this"
    )
    arguments.add_argument("--crossed", action="store_true", help="all sixteen sizes, not only two lines of them")
    asked = arguments.parse_args()
    points: list[Point] = []
    for terminals, rate in sizes(crossed=asked.crossed):
        if terminals > asked.largest:
            continue
        with ProcessPoolExecutor(1, get_context("spawn")) as own:
            points.append(own.submit(point, terminals, rate).result())
        print(f"{terminals} terminals, {rate} operations a second: done", file=sys.stderr)
        data: list[dict[str, Any]] = [asdict(each) for each in points]
        if asked.json:
            asked.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        if asked.picture:
            asked.picture.write_text(picture(data, USUAL_TERMINALS, USUAL_RATE), encoding="utf-8")
    shown = Table(*HEAD, box=box.MARKDOWN)
    for each in points:
        shown.add_row(*(cell(each) for cell in HEAD.values()))
    Console(width=200, highlight=False).print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
