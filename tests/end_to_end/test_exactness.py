"""The exporter as a process against the judge's bank: /metrics equals the bank's truth, to the last tiyn."""

import contextlib
import http.client
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.end_to_end.bank_of_the_judge import (
    CLASS_OF,
    CREDENTIALS,
    FAULTS,
    GOSSIP,
    NS,
    PERSONAL,
    PLACES,
    Bank,
    Key,
    MoneyKey,
    World,
    make_table,
    make_world,
    plain,
)
from tests.tools import COUNTED_IN_DAYS, require

COMMAND = Path(sys.executable).parent / "epay-exporter"
NAMES = [place.name for place in PLACES]
WINDOWS = {"1m": 60 * NS, "5m": 300 * NS, "15m": 900 * NS, "1h": 3600 * NS}


# -- reading /metrics ------------------------------------------------------------------------------------------------


class Sample(NamedTuple):
    name: str
    labels: Mapping[str, str]
    text: str

    @property
    def value(self) -> Decimal:
        return Decimal(self.text)


LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parse(text: str) -> list[Sample]:
    """The text format, with values kept as they are written."""
    samples = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        assert match is not None, line
        labels = {
            name: value.replace(r"\"", '"').replace(r"\n", "\n").replace(r"\\", "\\")
            for name, value in LABEL.findall(match["labels"] or "")
        }
        samples.append(Sample(match["name"], labels, match["value"]))
    return samples


@dataclass(frozen=True)
class Scrape:
    text: str
    samples: Sequence[Sample]

    def of(self, name: str, **labels: str) -> list[Sample]:
        return [
            sample
            for sample in self.samples
            if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())
        ]

    def by_terminal(self, name: str, **labels: str) -> dict[str, str]:
        return {sample.labels["terminal"]: sample.text for sample in self.of(name, **labels)}

    def moments(self, name: str) -> dict[str, int]:
        return {terminal: int(Decimal(text) * NS) for terminal, text in self.by_terminal(name).items()}

    @property
    def last_success(self) -> int:
        """Of the terminal that is furthest behind."""
        moments = self.moments("epay_last_poll_success_timestamp_seconds")
        return min(moments.values()) if len(moments) == len(PLACES) else 0


def key_of(labels: Mapping[str, str]) -> Key:
    return Key(
        labels["terminal"],
        labels["outcome"],
        plain(labels.get("status")),
        labels.get("code", ""),
        labels.get("reason_code", ""),
    )


def counts(samples: Sequence[Sample]) -> dict[Key, int]:
    """Without those that are zero: which of these exist is another question."""
    found: dict[Key, int] = defaultdict(int)
    for sample in samples:
        assert sample.value == int(sample.value)
        found[key_of(sample.labels)] += int(sample.value)
    return {key: count for key, count in found.items() if count}


def amounts(samples: Sequence[Sample]) -> dict[MoneyKey, Decimal]:
    found: dict[MoneyKey, Decimal] = defaultdict(Decimal)
    for sample in samples:
        found[MoneyKey(key_of(sample.labels), sample.labels["currency"])] += sample.value
    return {key: amount for key, amount in found.items() if amount}


def compared(what: str, got: Mapping[Any, Any], true: Mapping[Any, Any]) -> list[str]:
    """What differs, one line each."""
    return [
        f"{what} {key}: exposed {got.get(key)}, true {true.get(key)}"
        for key in sorted(got.keys() | true.keys(), key=str)
        if got.get(key) != true.get(key)
    ]


def counter_differences(scrape: Scrape, world: World) -> list[str]:
    since = scrape.moments("epay_counting_since_timestamp_seconds")
    if sorted(since) != sorted(NAMES):
        return [f"counting since is known of {sorted(since)} only"]
    true_counts, true_amounts = world.counted(since)
    return compared("count", counts(scrape.of("epay_operations_total")), true_counts) + compared(
        "amount", amounts(scrape.of("epay_operations_amount_total")), true_amounts
    )


def window_differences(scrape: Scrape, world: World) -> list[str]:
    ends = scrape.moments("epay_last_poll_success_timestamp_seconds")
    if sorted(ends) != sorted(NAMES):
        return [f"last success is known of {sorted(ends)} only"]
    found = []
    for window, length in WINDOWS.items():
        true_counts, true_amounts = world.window(ends, length)
        got_counts = counts(scrape.of("epay_window_operations", window=window))
        got_amounts = amounts(scrape.of("epay_window_amount", window=window))
        ratios = scrape.by_terminal("epay_window_failure_ratio", window=window)
        found += compared(f"{window} count", got_counts, true_counts)
        found += compared(f"{window} amount", got_amounts, true_amounts)
        found += compared(
            f"{window} failure ratio",
            {terminal: repr(float(text)) for terminal, text in ratios.items()},
            {terminal: repr(ratio(true_counts, terminal)) for terminal in NAMES},
        )
    return found


def ratio(true: Mapping[Key, int], terminal: str) -> float:
    total: dict[str, int] = defaultdict(int)
    for key, count in true.items():
        if key.terminal == terminal:
            total[key.outcome] += count
    finals = total["success"] + total["failure"]
    return total["failure"] / finals if finals else float("nan")


def class_differences(scrape: Scrape) -> list[str]:
    """Each of the bank's codes under the class that the documents give it."""
    return [
        f"{sample.labels} should be of class {CLASS_OF[sample.labels['reason_code']]}"
        for sample in scrape.of("epay_window_operations")
        if sample.labels.get("reason_code", "") in CLASS_OF
        and sample.labels["reason_class"] != CLASS_OF[sample.labels["reason_code"]]
    ]


# -- the exporter as a process ---------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def eventually(condition: Callable[[], object], seconds: float, every: float = 0.1) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


@dataclass
class Exporter:
    """A process on a state file, which may be killed and started again."""

    directory: Path
    config: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    runs: int = 0

    def start(self) -> None:
        self.runs += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    COMMAND,
                    "run",
                    f"--config.file={self.config}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=debug",
                ],
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def scrape(self) -> Scrape | None:
        """None while it is not there."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            status, text = get(self.port, "/metrics")
        except (OSError, http.client.HTTPException):
            return None
        assert status == 200
        return Scrape(text, parse(text))

    @property
    def log(self) -> Path:
        return self.directory / "exporter.log"

    @property
    def state(self) -> Path:
        return self.directory / "state.db"


def write_config(directory: Path, bank: Bank, **poll: object) -> Path:
    config = {
        "accounts": [
            {
                "name": "main",
                "token_url": f"{bank.url}/oauth2/token",
                "operations_url": f"{bank.url}/api/p2p/operations",
                **CREDENTIALS,
                "terminals": [{"id": place.id, "number": place.number, "name": place.name} for place in PLACES],
            }
        ],
        "poll": {
            "interval": "1s",
            "lookback": "60s",
            "sweep_interval": "3s",
            "timeout": "5s",
            "requests_per_second": 200,
            **poll,
        },
        "windows": ["1m"],
        "state": {"url": f"sqlite:///{directory}/state.db"},
        "baseline": {"history": "0s"},
    }
    path = directory / "config.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path


@contextlib.contextmanager
def running(directory: Path, bank: Bank, **poll: object) -> Iterator[Exporter]:
    exporter = Exporter(directory, write_config(directory, bank, **poll))
    exporter.start()
    try:
        yield exporter
    finally:
        if exporter.process is not None and exporter.process.poll() is None:
            exporter.kill()


class Watch:
    """Scrapes on the way, and what no counter may do between two of them."""

    def __init__(self, exporter: Exporter) -> None:
        self.exporter = exporter
        self.before: dict[str, Decimal] = {}
        self.complaints: list[str] = []

    def look(self) -> Scrape | None:
        scrape = self.exporter.scrape()
        if scrape is None:
            return None
        now = {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for name in ("epay_operations_total", "epay_operations_amount_total")
            for sample in scrape.of(name)
        }
        for series, value in self.before.items() if now else ():  # none before the first poll of a process
            if series not in now:
                self.complaints.append(f"{series} is gone")
            elif now[series] < value:
                self.complaints.append(f"{series} went from {value} to {now[series]}")
        if self.before:
            self.complaints += [
                f"{series} began with {value}" for series, value in now.items() if value and series not in self.before
            ]
        if now:
            self.before = now
        return scrape

    def until(self, moment: int) -> None:
        """Looks once in a while until the bank's clock shows that moment."""
        eventually(lambda: self.look() and time.time_ns() >= moment, 60, every=0.5)


def await_truth(watch: Watch, world: World, seconds: float = 60, further: float = 4) -> None:
    """Until all counters and windows are exact, and through the sweeps of some seconds more."""
    last: list[Scrape] = []

    def differences() -> list[str]:
        scrape = watch.look()
        if scrape is None:
            return ["nothing to scrape"]
        last[:] = [scrape]
        if scrape.last_success < world.settled:
            return ["no poll since the bank has settled"]
        return counter_differences(scrape, world) + window_differences(scrape, world) + class_differences(scrape)

    eventually(lambda: not differences(), seconds)
    assert differences() == []
    since = last[0].last_success
    while last[0].last_success < since + further * NS:
        assert differences() == []
        time.sleep(0.3)


def enough(scrape: Scrape | None) -> int:
    """How many operations the counters hold, of how many kinds."""
    assert scrape is not None
    counted = counts(scrape.of("epay_operations_total"))
    assert len({(key.status, key.code, key.reason_code) for key in counted}) >= 15
    return sum(counted.values())


# -- the scenarios ---------------------------------------------------------------------------------------------------


def test_every_counter_amount_and_window_equals_the_banks_truth(tmp_path: Path) -> None:
    world = make_world(time.time_ns(), traffic=27)
    bank = Bank(world)
    with bank.serving(), running(tmp_path, bank) as exporter:
        watch = Watch(exporter)
        watch.until(world.end)

        await_truth(watch, world)

        assert enough(watch.look()) > 25 * 20
        assert watch.complaints == []
        assert bank.violations == []
        assert exporter.stop() == 0


def test_the_first_scrape_with_domain_series_has_the_windows_filled_from_the_banks_history(tmp_path: Path) -> None:
    # Counting begins with a whole second: nothing may lie in the one that the exporter starts in.
    world = make_world(time.time_ns() - 1_000_000_000, traffic=0, settle=0)
    bank = Bank(world)
    with bank.serving(), running(tmp_path, bank) as exporter:
        seen: list[Scrape] = []

        def domain() -> bool:
            scrape = exporter.scrape()
            if scrape is None or not (scrape.of("epay_window_operations") or scrape.of("epay_operations_total")):
                return False
            seen.append(scrape)
            return True

        assert eventually(domain, 15, every=0.01)
        first = seen[0]
        _, minute = sum_by_terminal(first, "1m")

        assert window_differences(first, world) == []
        assert minute > 30 * 30
        assert counter_differences(first, world) == []
        for terminal in NAMES:
            for outcome in ("success", "failure"):
                zeros = {
                    sample.value for sample in first.of("epay_operations_total", terminal=terminal, outcome=outcome)
                }
                assert zeros == {0}, (terminal, outcome)
        assert get(exporter.port, "/-/ready")[0] == 200
        assert bank.violations == []


def sum_by_terminal(scrape: Scrape, window: str) -> tuple[dict[str, int], int]:
    total = {
        terminal: sum(
            int(sample.value) for sample in scrape.of("epay_window_operations", window=window, terminal=terminal)
        )
        for terminal in NAMES
    }
    return total, sum(total.values())


def test_every_status_and_code_has_the_outcome_of_the_documents_table(tmp_path: Path) -> None:
    world = make_table(time.time_ns())
    bank = Bank(world)
    with bank.serving(), running(tmp_path, bank) as exporter:
        scrapes: list[Scrape] = []

        def read() -> bool:
            scrape = exporter.scrape()
            scrapes[:] = [scrape] if scrape else []
            return scrape is not None and scrape.last_success > 0

        assert eventually(read, 15)

        true, _ = world.window(scrapes[0].moments("epay_last_poll_success_timestamp_seconds"), WINDOWS["1h"])
        assert sorted(compared("1h", counts(scrapes[0].of("epay_window_operations", window="1h")), true)) == []
        assert class_differences(scrapes[0]) == []


def await_a_search(bank: Bank) -> None:
    """Until the exporter is in the midst of a poll."""
    searches = bank.searches
    assert eventually(lambda: bank.searches > searches, 5, every=0.001)


def test_three_kills_and_a_stop_among_all_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    start = time.time_ns()
    world = make_world(start, traffic=30, rate=40, seed=3, poison=0.02)
    bank = Bank(world, fault_rate=0.03, faults_until=world.end + 2 * NS)
    with bank.serving(), running(tmp_path, bank) as exporter:
        watch = Watch(exporter)
        for second, end in ((6, exporter.kill), (13, exporter.kill), (19, exporter.stop), (25, exporter.kill)):
            watch.until(start + second * NS)
            await_a_search(bank)
            assert end() in (None, 0)
            if second == 13:  # three seconds of traffic that nobody watches
                eventually(lambda: time.time_ns() >= start + 16 * NS, 5)
            exporter.start()
        watch.until(world.end)

        await_truth(watch, world, seconds=120)

        assert enough(watch.look()) > 35 * 20
        assert watch.complaints == []
        assert bank.violations == []
        assert len(set(bank.shown) & set(FAULTS)) >= len(FAULTS) - 1, "chance may leave one out"
        assert exporter.runs == 5
        assert exporter.stop() == 0
        with contextlib.closing(sqlite3.connect(exporter.state)) as state:
            assert state.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_late_arrivals_from_before_an_outage_longer_than_the_lookback_are_found(tmp_path: Path) -> None:
    start = time.time_ns()
    world = make_world(start, history=20, traffic=22, seed=9)
    bank = Bank(world)
    with bank.serving(), running(tmp_path, bank, lookback="12s", sweep_interval="2s") as exporter:
        watch = Watch(exporter)
        watch.until(start + 8 * NS)
        exporter.kill()
        # What was created before this moment and shown after it is older than the lookback when somebody looks again.
        killed = time.time_ns()
        hidden = [op for op in world.ours() if start < op.created < killed < op.visible]
        eventually(lambda: time.time_ns() >= world.end, 30)
        exporter.start()

        await_truth(watch, world, seconds=60, further=3)

        assert len(hidden) >= 5
        assert bank.violations == []


def test_late_arrivals_from_before_a_time_without_a_bank_are_found(tmp_path: Path) -> None:
    start = time.time_ns()
    world = make_world(start, history=10, traffic=30, seed=9)
    bank = Bank(world)
    with bank.serving(), running(tmp_path, bank, lookback="10s", sweep_interval="1s") as exporter:
        watch = Watch(exporter)
        watch.until(start + 7 * NS)
        # The exporter lives on; the bank is away for more than twice the lookback.
        bank.always, away = "500", time.time_ns()
        hidden = [op for op in world.ours() if start + NS < op.created < away < op.visible]
        watch.until(start + 30 * NS)
        bank.always = ""

        await_truth(watch, world, seconds=60, further=1)

        assert len(hidden) >= 5
        assert watch.complaints == []
        assert bank.violations == []


def test_a_series_that_was_counted_before_a_restart_but_never_scraped_begins_with_zero(tmp_path: Path) -> None:
    start = time.time_ns()
    world = make_world(start, history=5, traffic=8, seed=6)
    bank = Bank(world)
    with bank.serving(), running(tmp_path, bank) as exporter:
        watch = Watch(exporter)
        assert eventually(lambda: watch.look() and watch.before, 10)
        known = set(watch.before)
        # Counted and committed, while nobody scrapes.
        eventually(lambda: time.time_ns() >= world.settled + 2 * NS, 30)
        assert exporter.stop() == 0
        exporter.start()

        await_truth(watch, world, seconds=60, further=1)

        assert len(watch.before.keys() - known) >= 15
        assert watch.complaints == []


def test_faults_of_every_kind_cost_no_operation_and_leak_nothing(tmp_path: Path) -> None:
    start = time.time_ns()
    world = make_world(start, history=100, traffic=25, seed=4, poison=0.04)
    bank = Bank(world, fault_rate=0.04, faults_until=world.end + 2 * NS)
    with bank.serving(), running(tmp_path, bank) as exporter:
        watch = Watch(exporter)
        watch.until(world.end)
        page = get(exporter.port, "/")[1]

        await_truth(watch, world, seconds=120)

        final = watch.look()
        assert final is not None
        assert enough(final) > 20 * 20
        assert watch.complaints == []
        assert bank.violations == []
        assert len(set(bank.shown) & set(FAULTS)) >= len(FAULTS) - 1, "chance may leave one out"
        assert final.of("epay_records_total", kind="rejected")
        assert exporter.stop() == 0
        page_now = page + final.text
        assert found_secrets(page_now, exporter) == []


def found_secrets(shown: str, exporter: Exporter) -> list[str]:
    """Credentials, tokens and persons in what the exporter shows, says and keeps."""
    places = {"pages": shown.encode(), "log": exporter.log.read_bytes()}
    places |= {path.name: path.read_bytes() for path in exporter.directory.glob("state.db*")}
    spelled = [*CREDENTIALS.values(), *PERSONAL.values(), GOSSIP, "T0ken.", "4003123412347793"]
    forms = {form for text in spelled for form in (text, json.dumps(text)[1:-1], urllib.parse.quote_plus(text))}
    return [
        f"{form!r} in {name}" for form in sorted(forms) for name, content in places.items() if form.encode() in content
    ]


# -- a real Prometheus -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def prometheus(directory: Path, exporter: Exporter) -> Iterator[str]:
    command = require("prometheus", "prometheus")
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "epay", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}],
    }
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                command,
                f"--config.file={path}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://{address}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(url: str, path: str, **parameters: str) -> Any:
    query = urllib.parse.urlencode(parameters)
    with contextlib.closing(urllib.request.urlopen(f"{url}/api/v1/{path}?{query}", timeout=5)) as response:
        return json.load(response)["data"]


def ready(url: str) -> bool:
    try:
        return bool(ask(url, "targets")["activeTargets"])
    except OSError:
        return False


def test_a_real_prometheus_counts_what_the_bank_counts(tmp_path: Path) -> None:
    promtool = require("promtool", "prometheus")
    world = make_world(time.time_ns(), traffic=22, seed=5)
    bank = Bank(world)
    with bank.serving(), running(tmp_path, bank) as exporter, prometheus(tmp_path, exporter) as url:
        assert eventually(lambda: ready(url), 15)

        def values(query: str) -> list[tuple[dict[str, str], list[Decimal]]]:
            answer = ask(url, "query", query=query)["result"]
            return [
                (each["metric"], [Decimal(value) for _, value in each.get("values") or [each["value"]]])
                for each in answer
            ]

        def differences() -> list[str]:
            """The growth of each series from its first sample to its last, against the truth."""
            since = {labels["terminal"]: int(found[-1] * NS) for labels, found in since_values()}
            if sorted(since) != sorted(NAMES):
                return [f"counting since is known of {sorted(since)} only"]
            true_counts, true_amounts = world.counted(since)
            grown = [
                Sample("", labels, str(found[-1] - found[0])) for labels, found in values("epay_operations_total[5m]")
            ]
            money = [
                Sample("", labels, str(found[-1] - found[0]))
                for labels, found in values("epay_operations_amount_total[5m]")
            ]
            return compared("growth", counts(grown), true_counts) + compared("growth", amounts(money), true_amounts)

        def since_values() -> list[tuple[dict[str, str], list[Decimal]]]:
            return values("epay_counting_since_timestamp_seconds[1m]")

        eventually(lambda: time.time_ns() >= world.settled, 60)
        eventually(lambda: not differences(), 20, every=0.5)
        assert differences() == []

        first = [
            (labels, found[0])
            for name in ("epay_operations_total", "epay_operations_amount_total")
            for labels, found in values(f"{name}[5m]")
            if found[0] != 0
        ]
        back = [
            labels
            for name in ("epay_operations_total", "epay_operations_amount_total")
            for labels, found in values(f"{name}[5m]")
            if found != sorted(found)
        ]
        ups = values("up[5m]")[0][1]
        scraped = values("scrape_samples_scraped[5m]")[0][1]
        target = ask(url, "targets")["activeTargets"][0]

        assert first == []
        assert back == []
        assert set(ups[2:]) == {1}
        assert min(scraped[2:]) > 0
        assert (target["health"], target["lastError"]) == ("up", "")
        assert bank.violations == []
        warnings = [line for line in (tmp_path / "prometheus.log").read_text().splitlines() if "level=warn" in line]
        assert warnings == []
        for accept in ("text/plain", "application/openmetrics-text"):
            assert content_type(exporter.port, accept).startswith(accept)
        _, text = get(exporter.port, "/metrics")
        verdict = subprocess.run([promtool, "check", "metrics"], input=text.encode(), capture_output=True, timeout=20)
        said = (verdict.stdout + verdict.stderr).splitlines(keepends=True)
        assert [line for line in said if line not in COUNTED_IN_DAYS] == []
        assert exporter.stop() == 0


def content_type(port: int, accept: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with contextlib.closing(urllib.request.urlopen(request, timeout=10)) as response:
        return str(response.headers["Content-Type"])
