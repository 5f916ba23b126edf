"""Reloads that move terminals between the shares of several replicas: none is lost, and none counted twice."""

import json
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.end_to_end.rounds import in_rounds
from tests.postgresql import Server
from tests.processes import Process, configuration, eventually, free_port, get, simulated, started

WORLD = tuple(
    f"--variant={each}"
    for each in (
        "terminals=240",
        "traffic=3",
        "scenario-delay=45",
        "scenario-duration=600",
        "reversal-share=0",
        "late-share=0",
        "pending-share=0",
    )
)
"""Nothing happens any more after three quarters of a minute, so that truth and counters come to rest."""
MADE = [str(98_500_006 + index) for index in range(234)]
"""Terminals of the bank, in the order of its making."""


@dataclass
class Replicas:
    """Replicas that share one account, and the terminals it has now."""

    directory: Path
    bank: int
    state: str
    stack: ExitStack
    running: list[tuple[Process, int]] = field(default_factory=list)

    def configure(self, numbers: Sequence[str]) -> Path:
        return configuration(
            self.directory,
            self.bank,
            numbers,
            poll="interval: 1s, sweep_interval: 2s, lookback: 1m, requests_per_second: 200",
            state=self.state,
            more="baseline: {history: 0s}",
        )

    def start(self, path: Path) -> None:
        port = free_port()
        log = self.directory / f"replica-{port}.log"
        arguments = ("run", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}")
        self.running.append((self.stack.enter_context(started(log, *arguments)), port))

    def pages(self) -> list[str]:
        return [get(f"http://127.0.0.1:{port}/metrics")[1] for _, port in self.running]

    def reload(self, *, only: int | None = None) -> None:
        for number, (process, _) in enumerate(self.running):
            if only is None or number == only:
                process.popen.send_signal(signal.SIGHUP)

    def settled(self, numbers: Sequence[str]) -> bool:
        """Whether each share is held by one replica, and each terminal is read without trouble by one."""
        pages = self.pages()
        shares = [f"main/{number + 1}" for number in range(-(-len(numbers) // 100))] if len(numbers) > 100 else ["main"]
        held = [
            each for page in pages for each in re.findall(r'^epay_share_held\{share="(\S+)"\} 1', page, re.MULTILINE)
        ]
        well = [
            name
            for page in pages
            for name in re.findall(r'^epay_poll_success\{.*terminal="(\w+)".*\} 1', page, re.MULTILINE)
        ]
        return sorted(held) == shares and sorted(well) == sorted(map(name_of, numbers))

    def counted(self) -> dict[tuple[str, str], int]:
        """What all expose together by terminal and outcome."""
        found: Counter[tuple[str, str]] = Counter()
        for page in self.pages():
            for labels, value in re.findall(r"^epay_operations_total\{(.*)\} (\S+)$", page, re.MULTILINE):
                by = dict(re.findall(r'(\w+)="([^"]*)"', labels))
                found[by["terminal"], by["outcome"]] += int(float(value))
        return dict(+found)

    def true(self, numbers: Sequence[str], since: dict[str, int]) -> dict[tuple[str, str], int]:
        """What the bank says of what was created at these terminals since counting began there."""
        found: Counter[tuple[str, str]] = Counter()
        for begun in set(since.values()):
            begin_there = {number for number in numbers if since[name_of(number)] == begun}
            for row in json.loads(get(f"http://127.0.0.1:{self.bank}/truth?from={begun}")[1])["rows"]:
                if row["terminal"] in begin_there:
                    found[name_of(row["terminal"]), row["outcome"]] += row["operations"]
        return dict(+found)


def name_of(number: str) -> str:
    return f"t{number[-4:]}"


@pytest.fixture
def replicas(tmp_path: Path, database: str) -> Iterator[Replicas]:
    with ExitStack() as stack:
        bank = free_port()
        stack.enter_context(simulated(tmp_path / "bank.log", bank, "--scenario=total-outage", *WORLD))
        eventually(lambda: get(f"http://127.0.0.1:{bank}/truth")[0] == 200)
        yield Replicas(tmp_path, bank, database, stack)


def test_reloads_that_shift_terminals_between_shares_lose_and_double_nothing(
    replicas: Replicas, postgresql: Server, database: str
) -> None:
    first = MADE[:230]
    turns = [
        [*MADE[:40], *MADE[60:130], *MADE[230:], *MADE[130:230]],  # the second share begins elsewhere, and the third
        [*MADE[200:], *MADE[:200]],  # nearly all are in another share
        first,
    ]
    path = replicas.configure(first)
    for _ in range(3):
        replicas.start(path)
    ports = [port for _, port in replicas.running]
    with in_rounds(ports) as rounds:
        eventually(lambda: replicas.settled(first))
        for turn, numbers in enumerate(turns):
            replicas.configure(numbers)
            if turn == 1:  # for a while they read by two configurations
                replicas.reload(only=0)
                time.sleep(2)
            replicas.reload()
            eventually(lambda numbers=numbers: replicas.settled(numbers), 60)  # type: ignore[misc]
        rows = postgresql.sql("SELECT name, counting_since FROM epay.terminals", database.rpartition("/")[2])
        since = {str(name): int(str(begun)) for name, begun in rows}
        eventually(lambda: replicas.counted() == replicas.true(first, since) or None, 90)
        rounds_so_far, removed = rounds.number, [name_of(number) for number in MADE[230:]]
        eventually(lambda: rounds.number > rounds_so_far + 1 and not rounds.lost(removed))
    assert rounds.violations == []
    assert rounds.number > 20
    assert sum(replicas.counted().values()) > 100
    for process, _ in replicas.running:
        assert "configuration refused" not in process.text()
        assert "defect" not in process.text()
