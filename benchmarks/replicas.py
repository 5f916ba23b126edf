"""`python -m benchmarks.replicas`: replicas on one real PostgreSQL, before a bank over HTTP, all of it on this machine.

For each size one replica is started, comes to rest, and is watched for a minute: four polls and a sweep of each share.
Then two more join on the same state, and the three are watched for as long. At last nothing more happens at the bank,
and what the replicas count together, terminal by terminal and outcome by outcome, must be what the bank has.

A minute after a share was taken its terminals are measured for expectations, once for a day, which for a thousand of
them takes a core ten seconds. So a replica is at rest when that is over; it would be told as what each minute costs.

The bank's past is an hour, or as much of it as makes 900,000 operations. Default settings, but for the rate of
requests, which a fleet needs raised, and the history, which would be read for days. Scraped every 12 s, so that scrapes
fall at any time between two polls. Bank, database, replicas and scraper share the processor: how busy it was is told.
"""

import argparse
import contextlib
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import machine
from benchmarks.peers import Peer, end_in_order, ended, free_port
from benchmarks.replicas_exposed import Counted, Exposed, exposed
from benchmarks.sizing_bank import ACCOUNT, Traffic
from exporter.app import wall_clock
from exporter.model import HOUR, SECOND, Instant
from tests.postgresql import Server, server

SIZES = ((100, 10.0), (1000, 100.0))
"""Terminals and operations a second; what is larger takes longer than the six minutes of these."""
REPLICAS = (1, 3)
HELD = 900_000
WATCHED = 60.0
SCRAPE_EVERY = 12.0
LONGEST_START = 120.0
MEASURED_AFTER = 60.0
MEASURING = 0.015
"""Seconds of a core for each terminal, once."""
LONGEST_PAUSE = 10.0
LONGEST_SETTLING = 60.0
REQUESTS_A_SECOND = 200
CONFIGURATION = (
    ACCOUNT
    + """poll: {{requests_per_second: {rate}}}
baseline: {{history: 0s}}
state: {{url: "{state}"}}
"""
)


@dataclass(frozen=True)
class Watched:
    """What so many replicas cost. CPU in cores, `busy` of all there are; bytes; seconds; requests a second.

    `whole`: all windows had become whole before. `wal` and `state`: bytes an operation; `lag`: how old an operation is
    on the average that the counters do not show yet.
    """

    terminals: int
    rate: float
    replicas: int
    whole: bool
    start: float
    cpu: tuple[float, ...]
    database_cpu: float
    bank_cpu: float
    busy: float
    resident: tuple[int, ...]
    requests: float
    lag: float
    wal: float
    state: float
    series: int
    scrape: float
    scraped: int


@dataclass(frozen=True)
class _Used:
    """What has been used since the start: CPU seconds, requests, bytes of WAL."""

    cpu: tuple[float, ...]
    database: float
    bank: float
    busy: float
    requests: int
    wal: int


class Stand:
    """A bank, a database, and replicas of one size."""

    def __init__(self, terminals: int, rate: float, database: Server, held: contextlib.ExitStack) -> None:
        self._traffic = Traffic(terminals, rate * 3600 / terminals)
        self._rate, self._database, self._held = rate, database, held
        self._name = f"of_{terminals}_terminals"
        self._since: Instant = wall_clock() - min(HOUR, int(HELD / rate) * SECOND)
        directory, port = Path(held.enter_context(tempfile.TemporaryDirectory())), free_port()
        bank = ["benchmarks.sizing_bank", terminals, self._traffic.an_hour, port, self._since]
        self._bank = held.enter_context(ended(Peer([sys.executable, "-m", *map(str, bank)], port)))
        self._bank.ready("/listed")
        self._config = directory / "config.yaml"
        ids = ", ".join(f'{{id: "{self._traffic.number(each)}"}}' for each in range(terminals))
        state = database.create(self._name)
        text = CONFIGURATION.format(bank=port, terminals=ids, state=state, rate=REQUESTS_A_SECOND)
        self._config.write_text(text, encoding="utf-8")
        self._replicas: list[Peer] = []

    def grow(self, count: int) -> tuple[float, bool]:
        """Have so many replicas: seconds until they had come to rest, and whether they had in time."""
        began = time.monotonic()
        while len(self._replicas) < count:
            web = free_port()
            run = ["exporter", f"--config.file={self._config}", f"--web.listen-address=127.0.0.1:{web}"]
            replica = Peer([sys.executable, "-m", *run, "--log.level=error"], web)
            self._replicas.append(self._held.enter_context(ended(replica)))
        for replica in self._replicas:
            replica.ready("/-/healthy")
        rested = _within(LONGEST_START, self._rested)
        took = time.monotonic() - began
        time.sleep(MEASURED_AFTER + MEASURING * self._traffic.terminals / min(count, os.cpu_count() or 1))
        return took, rested

    def _rested(self) -> bool:
        try:
            found = self._scraped()
        except (OSError, http.client.HTTPException):  # it has too much to do to answer
            return False
        held = [each.shares for each in found]
        return (
            sum(each.whole for each in found) >= self._traffic.terminals
            and sum(each.compared for each in found) >= self._traffic.terminals
            and max(held) <= min(held) + 1
        )

    def _scraped(self) -> list[Exposed]:
        with ThreadPoolExecutor(len(self._replicas)) as pool:
            return list(pool.map(exposed, self._replicas))

    def watch(self, start: float, *, whole: bool) -> Watched:
        """What a minute costs."""
        counting = min(self._counting_since().values())
        before, began = self._used(), time.monotonic()
        scrapes: list[Exposed] = []
        lags = []
        for turn in range(1, round(WATCHED / SCRAPE_EVERY) + 1):
            time.sleep(max(0.0, began + turn * SCRAPE_EVERY - time.monotonic()))
            happened = len(self._traffic.between(counting, wall_clock()))
            found = self._scraped()
            scrapes += found
            lags.append((happened - sum(each.counted.total() for each in found)) / self._rate)
        took, after, last = time.monotonic() - began, self._used(), scrapes[-len(self._replicas) :]
        state, stored = self._sql(
            "SELECT pg_total_relation_size('epay.operations'), (SELECT count(*) FROM epay.operations)"
        )
        return Watched(
            self._traffic.terminals,
            self._rate,
            len(self._replicas),
            whole,
            start,
            cpu=tuple((b - a) / took for a, b in zip(before.cpu, after.cpu, strict=True)),
            database_cpu=(after.database - before.database) / took,
            bank_cpu=(after.bank - before.bank) / took,
            busy=(after.busy - before.busy) / took / (os.cpu_count() or 1),
            resident=tuple(each.resident() for each in self._replicas),
            requests=(after.requests - before.requests) / took,
            lag=statistics.mean(lags),
            wal=(after.wal - before.wal) / took / self._rate,
            state=state / stored,
            series=sum(each.series for each in last),
            scrape=statistics.median(each.seconds for each in scrapes),
            scraped=sum(each.size for each in last),
        )

    def disagreement(self) -> str:
        """End what happens at the bank; what the replicas count otherwise than it does, empty where nothing is."""
        until = int(json.loads(self._bank.get("/end"))["until"])
        since, truth = self._counting_since(), Counter[tuple[bytes, bytes]]()
        for each in self._traffic.between(min(since.values()), until):
            number = self._traffic.number(each % self._traffic.terminals)
            if each * self._traffic.step >= since[number]:
                truth[number.encode(), b"failure" if self._traffic.fails(each) else b"success"] += 1
        found = Counter[tuple[bytes, bytes]]()

        def agree() -> bool:
            found.clear()
            for each in self._scraped():
                found.update(each.counted)
            return +found == truth

        if _within(LONGEST_SETTLING, agree):
            return ""
        return f"{found.total()} counted, {truth.total()} at the bank; {_first_difference(found, truth)}"

    def _counting_since(self) -> dict[str, Instant]:
        rows = self._database.sql("SELECT name, counting_since FROM epay.terminals", self._name)
        return {str(name): int(str(since)) for name, since in rows}

    def _used(self) -> _Used:
        (wal,) = self._sql("SELECT (pg_current_wal_lsn() - '0/0')::bigint")
        return _Used(
            tuple(each.cpu() for each in self._replicas),
            self._database.cpu(),
            self._bank.cpu(),
            _busy(),
            int(json.loads(self._bank.get("/listed"))["listed"]),
            wal,
        )

    def _sql(self, statement: str) -> list[int]:
        return [int(str(each)) for each in self._database.sql(statement, self._name)[0]]


def _within(seconds: float, look: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if look():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(min(max(2.0, 5 * (time.monotonic() - began)), LONGEST_PAUSE))  # to be looked at is work, too


def _busy() -> float:
    """Seconds that all processors of this machine have worked."""
    times = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:]
    user, nice, system, _, _, interrupts, soft = map(int, times[:7])
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def _first_difference(found: Counted, truth: Counted) -> str:
    return next(
        (f"{key}: {found[key]} and {truth[key]}" for key in sorted(found | truth) if found[key] != truth[key]), ""
    )


HEAD: dict[str, Callable[[Watched], str]] = {
    "terminals": lambda each: f"{each.terminals:,}",
    "operations a second": lambda each: f"{each.rate:g}",
    "replicas": lambda each: f"{each.replicas}" + ("" if each.whole else ", windows not whole"),
    "start": lambda each: f"{each.start:.0f} s",
    "cores: replicas": lambda each: " + ".join(f"{one:.2f}" for one in each.cpu),
    "database": lambda each: f"{each.database_cpu:.2f}",
    "bank": lambda each: f"{each.bank_cpu:.2f}",
    "machine busy": lambda each: f"{each.busy:.0%}",
    "RSS": lambda each: " + ".join(f"{one / 1e6:,.0f}" for one in each.resident) + " MB",
    "requests a second": lambda each: f"{each.requests:.1f}",
    "lag": lambda each: f"{each.lag:.1f} s",
    "WAL": lambda each: f"{each.wal:,.0f} B",
    "state": lambda each: f"{each.state:,.0f} B",
    "series": lambda each: f"{each.series:,}",
    "a scrape": lambda each: f"{each.scrape:.2f} s, together {each.scraped / 1e6:.1f} MB",
}


def measured(terminals: int, rate: float, replicas: Sequence[int]) -> tuple[list[Watched], str]:
    """One size: what it costs with so many replicas one after the other, and what is counted wrong."""
    watched = []
    with contextlib.ExitStack() as held:
        stand = Stand(terminals, rate, held.enter_context(server()), held)
        for count in replicas:
            start, whole = stand.grow(count)
            watched.append(stand.watch(start, whole=whole))
            print("; ".join(f"{head}: {cell(watched[-1])}" for head, cell in HEAD.items()), file=sys.stderr, flush=True)
        return watched, stand.disagreement()


def main() -> int:
    """Measure the sizes one after the other, and show them; 1 where something is counted wrong."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.replicas", description=__doc__.partition("\n")[0])
    arguments.add_argument("--json", type=Path, metavar="FILE")
    arguments.add_argument(
        "sizes", nargs="*", metavar="TERMINALS:RATE", help="e.g. 100:10; otherwise 100:10 and 1000:100"
    )
    arguments.add_argument(
        "--replicas", type=int, nargs="+", default=REPLICAS, metavar="N", help="how many, one after the other; 1 3"
    )
    asked = arguments.parse_args()
    end_in_order()
    given = [each.split(":") for each in asked.sizes]
    sizes = [(int(terminals), float(rate)) for terminals, rate in given] or SIZES
    shown, wrong, data = Table(*HEAD, box=box.MARKDOWN), [], list[dict[str, Any]]()
    for terminals, rate in sizes:
        watched, disagreement = measured(terminals, rate, sorted(asked.replicas))
        for each in watched:
            shown.add_row(*(cell(each) for cell in HEAD.values()))
            data.append(asdict(each))
        if disagreement:
            wrong.append(f"{terminals} terminals: {disagreement}")
    Console(width=260, highlight=False).print(shown)
    if asked.json:
        found = {"machine": machine(), "sizes": data, "wrong": wrong}
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(*(wrong or ["counted together: what the bank has"]), sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
