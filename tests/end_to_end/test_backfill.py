"""The backfill from outside: its blocks in a real Prometheus, real signals, and what it says to a person."""

import json
import os
import pty
import signal
import subprocess
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.backfill import written
from exporter.model import DAY, HOUR, MINUTE, SECOND, minor_units
from tests.processes import COMMAND, configuration, eventually, finished, free_port, get, simulated, started
from tests.tools import require

TERMINALS = ("98151552", "98151553", "98230417")
FAST = "baseline: {history_requests_per_second: 500}"
SLOW = "baseline: {history_requests_per_second: 4}"


@dataclass
class Bank:
    """The simulator in a process of its own, and a day of its history that will not change any more."""

    port: int
    directory: Path
    start: int
    end: int

    def configuration(self, more: str = FAST, **settings: Any) -> str:
        poll = "interval: 1s, lookback: 5m"
        return str(configuration(self.directory, self.port, TERMINALS, poll=poll, more=more, **settings))

    def command(self, output: Path, config: str, *more: str) -> tuple[str, ...]:
        times = (f"--from={written(self.start)}", f"--to={written(self.end)}")
        return ("backfill", f"--config.file={config}", *times, f"--output={output}", *more)

    def truth(self) -> list[dict[str, Any]]:
        """What the bank knows of the configured terminals' history."""
        _, text = get(f"http://127.0.0.1:{self.port}/truth?from={self.start}&to={self.end}")
        rows = [row for row in json.loads(text)["rows"] if row["terminal"] in TERMINALS]
        assert all(row["outcome"] != "pending" for row in rows)
        return rows


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    port = free_port()
    settings = ("--variant=traffic=0.05", "--variant=history-days=3", "--variant=size-cap=100")
    with simulated(tmp_path / "bank.log", port, *settings):
        eventually(lambda: get(f"http://127.0.0.1:{port}/truth")[0] == 200)
        # Late and pending operations are over within minutes, so this is history for good.
        end = time.time_ns() // 1000 // SECOND * SECOND - 10 * MINUTE
        yield Bank(port, tmp_path, end - DAY - 17 * SECOND, end)


def test_a_real_prometheus_finds_the_banks_own_totals(bank: Bank) -> None:
    promtool, prometheus = require("promtool", "prometheus"), require("prometheus", "prometheus")
    output, blocks = bank.directory / "history.om", bank.directory / "blocks"
    code, _, errors = finished(*bank.command(output, bank.configuration()))
    assert (code, errors.count("\n")) == (0, 1), errors
    made = subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", str(output), str(blocks)],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert made.stdout.count("\n") >= 10

    with served(prometheus, blocks, bank.directory) as query:
        for function in ("{}", "increase({}[2d])"):  # 2d: a window that begins before the history does
            counts: defaultdict[tuple[str, ...], float] = defaultdict(float)
            amounts: defaultdict[tuple[str, ...], float] = defaultdict(float)
            for row in bank.truth():
                labels = (f"t{row['terminal'][-4:]}", row["outcome"], row["code"], row["reason_code"])
                counts[labels] += row["operations"]
                major = row["amount_minor"] / 10 ** minor_units(row["currency"])
                amounts[*labels, row["currency"]] += major
            assert len(counts) > 10

            names = ("terminal", "outcome", "code", "reason_code")
            found = query(function.format("epay_operations_total"), bank.end, *names)
            assert without_zeros(found) == pytest.approx(dict(counts), abs=1e-9)
            found = query(function.format("epay_operations_amount_total"), bank.end, *names, "currency")
            assert without_zeros(found) == pytest.approx(dict(amounts), abs=0.005)
        every_hour = [
            sum(query("increase(epay_operations_total[1h])", bank.end - hour * HOUR, "terminal").values())
            for hour in range(24)
        ]
        assert all(count > 0 for count in every_hour)
        before_it = query("epay_operations_total", bank.start, "terminal")
        assert set(before_it.values()) == {0}


@contextmanager
def served(prometheus: str, blocks: Path, directory: Path) -> Iterator[Callable[..., dict[tuple[str, ...], float]]]:
    """A Prometheus that serves these blocks and scrapes nothing; gives a way to query it."""
    config = directory / "prometheus.yaml"
    config.write_text("scrape_configs: []\n")
    url = f"http://127.0.0.1:{free_port()}"

    def query(expression: str, moment: int, *labels: str) -> dict[tuple[str, ...], float]:
        """The values by some labels; those with the same are added up."""
        parameters = urllib.parse.urlencode({"query": expression, "time": moment // SECOND})
        _, text = get(f"{url}/api/v1/query?{parameters}")
        found: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for each in json.loads(text)["data"]["result"]:
            found[tuple(each["metric"].get(name, "") for name in labels)] += float(each["value"][1])
        return dict(found)

    command = [
        prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={blocks}",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with (directory / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as popen:
        try:
            eventually(lambda: get(f"{url}/-/ready")[0] == 200)
            yield query
        finally:
            popen.terminate()


def without_zeros(found: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {labels: value for labels, value in found.items() if value}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)], ids=lambda each: str(each)
)
def test_interrupted_and_taken_up_again_the_file_is_the_same(bank: Bank, number: int, code: int) -> None:
    whole, output = bank.directory / "whole.om", bank.directory / "history.om"
    partial = bank.directory / "history.om.partial"
    assert finished(*bank.command(whole, bank.configuration()))[0] == 0

    with started(bank.directory / "backfill.log", *bank.command(output, bank.configuration(SLOW))) as process:
        eventually(lambda: partial.exists() and partial.stat().st_size > 50_000)
        assert process.stop(number) == code
    assert not output.exists()
    if number != signal.SIGKILL:
        text = f"interrupted ({partial} keeps what was read: the same command goes on from there)"
        assert process.text() == f"epay-exporter: {text}\n"
    refused = finished(*bank.command(output, bank.configuration(), "--step=2m"))
    assert refused[0] == 1
    assert "was begun with --step=1m, not 2m" in refused[2]

    code, _, errors = finished(*bank.command(output, bank.configuration()))
    assert (code, errors.startswith(f"epay-exporter: {output}: ")) == (0, True), errors
    assert output.read_bytes() == whole.read_bytes()
    assert not partial.exists()


def test_an_output_that_exists_is_replaced_only_by_force(bank: Bank) -> None:
    output = bank.directory / "history.om"
    output.write_text("mine")
    code, _, errors = finished(*bank.command(output, bank.configuration()))
    assert (code, errors) == (
        2,
        f"epay-exporter: --output: {output} exists already: name another file, or add --force to replace it\n",
    )
    assert output.read_text() == "mine"
    assert finished(*bank.command(output, bank.configuration(), "--force"))[0] == 0
    assert output.read_text().endswith("# EOF\n")


def test_a_refused_login_is_told_in_one_line(bank: Bank) -> None:
    output = bank.directory / "history.om"
    code, _, errors = finished(*bank.command(output, bank.configuration(password="Wr0ng-S3CRET")))

    assert (code, errors.count("\n")) == (1, 1), errors
    assert "S3CRET" not in errors
    assert list(bank.directory.glob("history.om*")) == []


def test_progress_is_shown_on_a_terminal_and_the_summary_stays(bank: Bank) -> None:
    ours, theirs = pty.openpty()
    output = bank.directory / "history.om"
    command = [*COMMAND, *bank.command(output, bank.configuration("baseline: {history_requests_per_second: 30}"))]
    process = subprocess.Popen(command, stderr=theirs, env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"})
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65_536)
        except OSError:  # how Linux says that nobody holds the other end any more
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    text = shown.decode()

    assert process.wait(timeout=30) == 0
    assert "main/t1552" in text
    assert "operations" in text
    assert "%" in text
    assert text.rstrip().splitlines()[-1].endswith("MiB")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from=now-1h", "--to=now-2h"], "must be before --to"),
        (["--from=now-1h", "--to=2126-01-01"], "--to (2126-01-01T00:00:00Z) lies in the future"),
        (["--from=tomorrow", "--to=now"], '--from: "tomorrow" is not a time'),
        (["--from=now-1h", "--to=now", "--step=10m"], "--step: must be whole seconds, from 1s to 5m"),
        (["--from=now-1h", "--to=now", "--step=1500ms"], "--step: must be whole seconds"),
        (["--from=now-1h", "--to=now", "--step=soon"], '--step: "soon" is not a duration'),
        (["--from=now-1h", "--to=now", "--output=/nowhere/h.om"], "--output: there is no directory /nowhere"),
        (["--from=now-1h", "--to=now", "--output=/tmp"], "--output: /tmp is a directory"),
        (["--to=now"], "Missing option '--from'"),
    ],
)
def test_bad_arguments_are_told_and_touch_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    config = configuration(tmp_path, free_port())
    output = tmp_path / "history.om"
    code, _, errors = finished("backfill", f"--config.file={config}", f"--output={output}", *arguments)

    assert code == 2
    assert said in errors
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
