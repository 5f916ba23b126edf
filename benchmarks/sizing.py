"""`python -m benchmarks.sizing`: what an exporter needs, measured on real processes over HTTP on this machine.

For each size there are an exporter with default settings, whose state holds a day of operations and five weeks of
history from the start, and a bank that knows as many terminals. All of them run side by side. After the start has come
to rest they are watched for two minutes, in which each exporter polls eight times, sweeps twice and is scraped eight
times as by Prometheus (gzip); an hour is thirty times that, and in requests the hourly reconciliation besides.

What is left out: TLS to the bank, and its answers' way.
"""

import argparse
import gzip
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sizing_bank import ACCOUNT, Traffic
from exporter.app import wall_clock
from exporter.app.account import history_origin
from exporter.config import Account, load
from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.ledger import Ledger
from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Assignment,
    Checkpoint,
    Decision,
    Entry,
    Instant,
    Policy,
    Reading,
    Remembered,
    SeriesKey,
    Span,
    Standing,
    Terminal,
)
from exporter.outcomes import Outcomes
from exporter.payload import decode
from exporter.poller.almanac import Almanac, Tally
from exporter.state import SqliteStore

QUIET, BUSY = 6, 60
"""Operations of a terminal in an hour."""

SIZES = tuple(Traffic(terminals, an_hour) for terminals in (10, 100, 1000) for an_hour in (QUIET, BUSY))
COUNTED = 100_000
"""Operations that are counted one by one while a state is filled; of older ones only the ids are put there."""
WATCHED = 120.0
LONGEST_START = 140.0
"""Then it is watched as it is, and that is said: all of it shall take less than five minutes."""
SCRAPES = 8
SLOT = 15 * MINUTE
POLICY = Policy(15 * SECOND, 15 * MINUTE, DAY, DAY, (5 * MINUTE, 15 * MINUTE, HOUR))
CONFIGURATION = (
    ACCOUNT
    + """state: {{url: "sqlite:///{state}"}}
"""
)


@dataclass(frozen=True)
class Figures:
    """What one exporter needed. Requests and CPU seconds are of an hour, the start's are of the start.

    `scrape`: CPU seconds of one, `compressed` its bytes.
    """

    requests: float
    cpu: float
    start: float
    start_cpu: float
    resident: float
    state: float
    series: int
    scrape: float
    compressed: int


def fill(traffic: Traffic, path: Path, account: Account) -> None:
    """A state as it is after a day and five weeks of running with this account."""
    now = wall_clock()
    begin = (now - POLICY.kept) // SLOT * SLOT
    end = now // SLOT * SLOT - SLOT
    store = SqliteStore(path)
    keys = _fill_counted(traffic, store, begin, end)
    _fill_ids(traffic, store, keys, begin, _counted_from(traffic, begin, end))
    _fill_history(traffic, store, end, account)
    store.close()


def _counted_from(traffic: Traffic, begin: Instant, end: Instant) -> Instant:
    """What is later goes through the ledger: all of it, or as much as makes counters with all of their series."""
    hours = COUNTED // (traffic.terminals * traffic.an_hour) + 2
    return max(begin, end - hours * HOUR)


def _fill_counted(traffic: Traffic, store: SqliteStore, begin: Instant, end: Instant) -> dict[str, list[SeriesKey]]:
    """Totals, ids and checkpoints as polls leave them; gives the series that each terminal has."""
    terminals = tuple(Terminal(n, n, n, "main") for n in map(traffic.number, range(traffic.terminals)))
    names = tuple(terminal.name for terminal in terminals)
    since = _counted_from(traffic, begin, end)
    remembered = Remembered(dict.fromkeys(names, Checkpoint(begin, since, since)), (), {})
    outcomes = Outcomes(shipped_statuses(), shipped_reason_classes())
    book = Ledger("main", terminals, outcomes, POLICY, 100, remembered)
    keys: dict[str, dict[SeriesKey, None]] = {name: {} for name in names}
    for start in range(since, end, SLOT):
        found = traffic.between(start, start + SLOT)
        page = decode(traffic.page(found, len(found)))
        span = Assignment(Span(start, start + SLOT), names)
        reading = Reading(span, page.operations, page.rejections, len(found), complete=True)
        decision = book.decide([reading], start + SLOT)
        store.commit(decision)
        book.apply(decision)
        for entry in decision.entries:
            keys[entry.key.terminal][entry.key] = None
    return {name: list(its) for name, its in keys.items()}


def _fill_ids(
    traffic: Traffic, store: SqliteStore, keys: dict[str, list[SeriesKey]], begin: Instant, end: Instant
) -> None:
    """The ids of what was counted before, which are kept for the reconciliation a day later."""
    names = [traffic.number(each) for each in range(traffic.terminals)]
    for start in range(begin, end, HOUR):
        entries = []
        for each in traffic.between(start, min(start + HOUR, end)):
            its = keys[names[each % traffic.terminals]]
            key = its[0 if each % 10 else each // 10 % len(its)]
            entries.append(Entry(each.to_bytes(16), each * traffic.step, key, 5_000_000, "KZT", Standing.COUNTED))
        store.commit(Decision(now=end, entries=tuple(entries)))


def _fill_history(traffic: Traffic, store: SqliteStore, end: Instant, account: Account) -> None:
    first = end // DAY - 37
    span = Span(first * DAY, end)
    slots = range(span.start // SLOT, span.end // SLOT)
    tallies = []
    for place in range(4):
        counts = {slot: (traffic.an_hour + (slot + place) % 4) // 4 for slot in slots}
        tallies.append(Tally(counts, {"KZT": {slot: count * 5_000_000 for slot, count in counts.items()}}))
    outcomes = Outcomes(shipped_statuses(), shipped_reason_classes())
    for place, terminal in enumerate(account.terminals):
        almanac = Almanac(terminal.name, first, history_origin(account, terminal, outcomes))
        almanac.put(span, tallies[place % 4])
        store.keep_history(almanac.days(span), first)


class Running:
    """An exporter and its bank, as processes."""

    def __init__(self, traffic: Traffic, directory: Path) -> None:
        self._traffic = traffic
        self._state = directory / "state.db"
        self._bank, self._web = _free_port(), _free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        config = directory / "config.yaml"
        ids = ", ".join(f'{{id: "{traffic.number(each)}"}}' for each in range(traffic.terminals))
        config.write_text(CONFIGURATION.format(bank=self._bank, terminals=ids, state=self._state), encoding="utf-8")
        self._config = config

    def measure(self) -> Figures:
        """Start both, let them come to rest, watch, and end them."""
        (account,) = load(self._config, {}).accounts
        fill(self._traffic, self._state, account)
        try:
            sizes = (self._traffic.terminals, self._traffic.an_hour, self._bank)
            self._start("benchmarks.sizing_bank", *map(str, sizes))
            begun = time.monotonic()
            self._start("exporter", f"--config.file={self._config}", f"--web.listen-address=127.0.0.1:{self._web}")
            before = self._rested()
            start = time.monotonic() - begun
            first = time.monotonic()
            for scrape in range(1, SCRAPES + 1):
                time.sleep(max(0.0, first + scrape * WATCHED / SCRAPES - time.monotonic()))
                text, _ = self._scrape()
            for _ in range(SCRAPES):
                after, compressed = self._scrape()
            size = sum(each.stat().st_size for each in self._state.parent.glob("state.db*"))
        finally:
            for each in self._processes:
                each.send_signal(signal.SIGTERM)
            for each in self._processes:
                each.wait(timeout=30)
        hours = 3600 / WATCHED
        requests = _sum(text, "epay_api_requests_total") - _sum(before, "epay_api_requests_total")
        return Figures(
            requests=requests * hours + self._reconciliation(),
            cpu=(_sum(text, "process_cpu_seconds_total") - _sum(before, "process_cpu_seconds_total")) * hours,
            start=start,
            start_cpu=_sum(before, "process_cpu_seconds_total"),
            resident=_sum(text, "process_resident_memory_bytes"),
            state=size,
            series=len(re.findall(r"^[a-z]", text, re.MULTILINE)),
            scrape=(_sum(after, "process_cpu_seconds_total") - _sum(text, "process_cpu_seconds_total")) / SCRAPES,
            compressed=compressed,
        )

    def _start(self, module: str, *arguments: str) -> None:
        self._processes.append(subprocess.Popen([sys.executable, "-m", module, *arguments], stderr=subprocess.DEVNULL))

    def _rested(self) -> str:
        """The metrics once all has been read and reconciled."""
        end = time.monotonic() + LONGEST_START
        lacking = "everything"
        while time.monotonic() < end:
            time.sleep(5)
            try:
                text, _ = self._scrape()
            except OSError:
                continue
            lacking = self._lacking(text)
            if not lacking:
                return text
        print(f"{self._traffic}: watched before it had come to rest: {lacking}", file=sys.stderr)
        return self._scrape()[0]

    def _lacking(self, text: str) -> str:
        found = {
            "polls": _sum(text, "epay_poll_success"),
            "windows": _sum(text, "epay_window_complete"),
            "reconciliation": len(re.findall(r"^epay_reconciliation_difference_operations{", text, re.MULTILINE)),
        }
        return ", ".join(f"{name} {value:.0f}" for name, value in found.items() if value < self._traffic.terminals)

    def _scrape(self) -> tuple[str, int]:
        request = urllib.request.Request(f"http://127.0.0.1:{self._web}/metrics", headers={"accept-encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        return gzip.decompress(body).decode(), len(body)

    def _reconciliation(self) -> int:
        """Requests of the three hours that are read again each hour, by batches of 100 terminals and pages of 500."""
        in_batch = min(self._traffic.terminals, 100)
        pages = max(1, -(-in_batch * self._traffic.an_hour // 500))
        return 3 * pages * -(-self._traffic.terminals // 100)


def _sum(text: str, name: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


HEAD = (
    "terminals",
    "operations an hour",
    "requests an hour",
    "CPU s an hour",
    "RSS",
    "state",
    "series",
    "scrape",
    "start",
)


def main() -> None:
    """Measure all sizes side by side, or those with the given numbers of terminals, and print a table for README."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__.partition("\n")[0])
    known = sorted({each.terminals for each in SIZES})
    arguments.add_argument("terminals", nargs="*", type=int, help=f"of {known}; all of them, if none is given")
    wanted = arguments.parse_args().terminals or known
    if unknown := set(wanted).difference(known):
        arguments.error(f"no size of {unknown.pop()} terminals: choose from {known}")
    chosen = [each for each in SIZES if each.terminals in wanted]
    with tempfile.TemporaryDirectory() as root, ProcessPoolExecutor(len(chosen)) as pool:
        figures = list(pool.map(_measured, chosen, [Path(root)] * len(chosen)))
    print(f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|")
    for traffic, found in zip(chosen, figures, strict=True):
        cells = (
            traffic.terminals,
            f"{traffic.terminals * traffic.an_hour}",
            f"{found.requests:.0f}",
            f"{found.cpu:.0f}",
            f"{found.resident / 1e6:.0f} MB",
            f"{found.state / 1e6:.0f} MB",
            found.series,
            f"{found.scrape:.2f} CPU s, {found.compressed / 1e3:.0f} kB",
            f"{found.start:.0f} s, {found.start_cpu:.0f} CPU s",
        )
        print(f"| {' | '.join(map(str, cells))} |")


def _measured(traffic: Traffic, root: Path) -> Figures:
    directory = root / f"{traffic.terminals}-{traffic.an_hour}"
    directory.mkdir()
    return Running(traffic, directory).measure()


if __name__ == "__main__":
    main()
