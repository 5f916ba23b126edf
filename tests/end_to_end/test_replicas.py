"""Several real processes on one real PostgreSQL: one truth, whoever is killed, stopped, paused or cut off."""

import json
import re
import signal
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.end_to_end.pages import servers
from tests.end_to_end.rounds import in_rounds
from tests.postgresql import Server
from tests.processes import Process, eventually, free_port, get, sample, simulated, started

ROOT = Path(__file__).parents[2]

LEASE = 2.0
WORLD = (
    "--scenario=total-outage",
    *(
        f"--variant={each}"
        for each in (
            "traffic=5",
            "scenario-delay=60",
            "scenario-duration=600",
            "reversal-share=0",
            "late-share=0",
            "pending-share=0",
        )
    ),
    "--fault=http-500=0.03",
    "--fault=reset=0.03",
)
"""A bank on a bad day, at which nothing happens any more after a minute, so that truth and counters come to rest."""
TERMINALS = ("98151552", "98151553", "98230417")


@dataclass
class Replica:
    process: Process
    port: int

    def metrics(self) -> str:
        return get(f"http://127.0.0.1:{self.port}/metrics")[1]

    def shares(self) -> set[str]:
        text = self.metrics()
        return {name for name in ("a", "b", "c") if sample(text, "epay_share_held", share=name) == 1}


@dataclass
class Replicas:
    """Three accounts of one terminal each at one bank, and replicas that share them."""

    directory: Path
    bank: int
    config: Path
    stack: ExitStack
    running: list[Replica] = field(default_factory=list)

    def start(self, port: int = 0) -> Replica:
        port = port or free_port()
        log = self.directory / f"replica-{port}.log"
        arguments = ("run", f"--config.file={self.config}", f"--web.listen-address=127.0.0.1:{port}")
        replica = Replica(self.stack.enter_context(started(log, *arguments)), port)
        self.running.append(replica)
        return replica

    def spread(self) -> bool:
        """Whether each share is at one replica, and none has two more than another."""
        held = [replica.shares() for replica in self.running]
        return sorted(share for each in held for share in each) == ["a", "b", "c"] and max(map(len, held)) <= 1 + min(
            map(len, held)
        )

    def owner(self, share: str) -> Replica | None:
        return next((each for each in self.running if share in each.shares()), None)


def _configuration(directory: Path, bank: int, state: str) -> Path:
    accounts = "".join(
        f"""
  - name: {name}
    token_url: http://127.0.0.1:{bank}/oauth2/token
    operations_url: http://127.0.0.1:{bank}/api/p2p/operations
    username: demo
    password: demo
    client_id: demo
    client_secret: demo
    terminals: [{{id: "{number}", name: t{name}}}]"""
        for name, number in zip("abc", TERMINALS, strict=True)
    )
    path = directory / "config.yaml"
    path.write_text(
        f"""accounts:{accounts}
poll: {{interval: 1s, sweep_interval: 2s, lookback: 1m, requests_per_second: 100}}
baseline: {{history: 0s}}
state: {{url: "{state}", lease: {int(LEASE)}s}}
"""
    )
    return path


@pytest.fixture
def replicas(tmp_path: Path, database: str) -> Iterator[Replicas]:
    with ExitStack() as stack:
        bank = free_port()
        stack.enter_context(simulated(tmp_path / "bank.log", bank, *WORLD))
        eventually(lambda: get(f"http://127.0.0.1:{bank}/truth")[0] == 200)
        yield Replicas(tmp_path, bank, _configuration(tmp_path, bank, database), stack)


def test_a_share_moves_when_its_replica_stops_or_dies(replicas: Replicas) -> None:
    for _ in range(3):
        replicas.start()
    eventually(replicas.spread)

    stopped = replicas.running.pop()
    (share,) = stopped.shares()
    assert stopped.process.stop(signal.SIGTERM) == 0
    eventually(lambda: replicas.owner(share))

    killed = replicas.running.pop()
    lost = killed.shares()
    killed.process.stop(signal.SIGKILL)
    eventually(lambda: all(replicas.owner(each) for each in lost))
    survivor = replicas.running[0]
    eventually(lambda: all(sample(survivor.metrics(), "epay_poll_success", terminal=f"t{name}") for name in "abc"))
    taken = sample(survivor.metrics(), "epay_share_handovers_total", reason="taken") or 0
    assert taken - (sample(survivor.metrics(), "epay_share_handovers_total", reason="handed_over") or 0) == 3


def test_a_replica_that_slept_past_its_lease_shows_nothing_of_it(replicas: Replicas) -> None:
    sleeper = replicas.start()
    eventually(lambda: sleeper.shares() == {"a", "b", "c"})
    eventually(lambda: "epay_operations_total{" in sleeper.metrics())
    sleeper.process.popen.send_signal(signal.SIGSTOP)
    heir = replicas.start()
    eventually(lambda: heir.shares() == {"a", "b", "c"})
    sleeper.process.popen.send_signal(signal.SIGCONT)

    assert "epay_operations_total{" not in sleeper.metrics()
    eventually(replicas.spread)


@contextmanager
def prometheus(directory: Path, ports: list[int]) -> Iterator[str]:
    """A real Prometheus that scrapes all replicas every second, relabelling as shipped; its address."""
    shipped = yaml.safe_load((ROOT / "deploy/prometheus/replicas.yml").read_text())
    (scrape,) = shipped["scrape_configs"]
    scrape |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
    scrape["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(shipped))
    with servers.prometheus(path, directory / "tsdb") as address:
        yield address


def asked(address: str, query: str) -> list[dict[str, Any]]:
    status, text = get(f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    return list(json.loads(text)["data"]["result"]) if status == 200 else []


def taken_over(shares: set[str], by: list[Replica]) -> bool:
    """Whether these replicas hold all of these shares."""
    return shares <= {share for each in by for share in each.shares()}


def counted(address: str) -> dict[tuple[str, str], int]:
    """What Prometheus has by terminal and outcome: the last value of each series, seen within the last minutes."""
    query = "sum by (terminal, outcome) (last_over_time(epay_operations_total[5m]))"
    return {
        (each["metric"]["terminal"], each["metric"]["outcome"]): int(each["value"][1])
        for each in asked(address, query)
        if each["value"][1] != "0"
    }


def true(bank: int, since: dict[str, int]) -> dict[tuple[str, str], int]:
    """What the bank says of what was created since counting began."""
    found: dict[tuple[str, str], int] = {}
    for name, number in zip("abc", TERMINALS, strict=True):
        _, text = get(f"http://127.0.0.1:{bank}/truth?from={since[f't{name}']}")
        for row in json.loads(text)["rows"]:
            if row["terminal"] == number and row["outcome"] != "pending":
                key = f"t{name}", row["outcome"]
                found[key] = found.get(key, 0) + row["operations"]
    return found


def shown(text: str) -> set[str]:
    """The shares whose counters a replica exposes."""
    return set(re.findall(r'^epay_operations_total\{.*terminal="t(\w)"', text, re.MULTILINE))


def _failing(replica: Replica) -> bool:
    """Whether the last poll of each terminal whose counters a replica shows has failed."""
    text = replica.metrics()
    return {sample(text, "epay_poll_success", terminal=f"t{name}") for name in shown(text)} == {0.0}


def test_without_its_database_every_counter_is_shown_on_by_one_replica_and_counting_goes_on_after(
    replicas: Replicas, postgresql: Server, database: str
) -> None:
    for _ in range(2):
        replicas.start()
    eventually(replicas.spread)
    eventually(lambda: sorted(name for each in replicas.running for name in shown(each.metrics())) == ["a", "b", "c"])
    before = [shown(each.metrics()) for each in replicas.running]
    postgresql.stop("fast")
    try:
        stopped = time.monotonic()
        while time.monotonic() < stopped + 3 * LEASE:
            assert [shown(each.metrics()) for each in replicas.running] == before
        for each, shares in zip(replicas.running, before, strict=True):
            text = each.metrics()
            assert each.shares() == shares
            assert {sample(text, "epay_lease_remaining_seconds", share=name) for name in shares} == {0.0}
            # A poll may wait for a sweep, and each of them for a server that may be back in a moment.
            eventually(partial(_failing, each))
            assert 'result="state"' in each.metrics()
    finally:
        postgresql.start()
    well = [f"t{name}" for name in "abc"]
    eventually(
        lambda: (
            [
                {name for name in well if sample(each.metrics(), "epay_poll_success", terminal=name) == 1}
                for each in replicas.running
            ]
            == [{f"t{name}" for name in shares} for shares in before]
        )
    )
    assert all(sample(each.metrics(), "epay_share_handovers_total", reason="lost") == 0 for each in replicas.running)
    rows = postgresql.sql("SELECT name, counting_since FROM epay.terminals", database.rpartition("/")[2])
    since = {str(name): int(str(begun)) for name, begun in rows}
    eventually(lambda: exposed(replicas.running) == true(replicas.bank, since) or None, 90)


def exposed(running: list[Replica]) -> dict[tuple[str, str], int]:
    """What all replicas together expose by terminal and outcome."""
    found: dict[tuple[str, str], int] = {}
    for each in running:
        for labels, value in re.findall(r"^epay_operations_total\{(.*)\} (\S+)$", each.metrics(), re.MULTILINE):
            by = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            if count := int(float(value)):
                found[by["terminal"], by["outcome"]] = found.get((by["terminal"], by["outcome"]), 0) + count
    return found


def test_whatever_happens_the_replicas_count_together_what_the_bank_counts(
    replicas: Replicas, postgresql: Server, database: str
) -> None:
    ports = [free_port() for _ in range(3)]
    draw = Random(8)
    with prometheus(replicas.directory, ports) as address, in_rounds(ports) as rounds:
        for port in ports:
            replicas.start(port)
        eventually(replicas.spread)
        for event in ("kill", "stop", "database", "pause", "kill", "database", "stop"):
            time.sleep(2)
            victim = draw.choice(replicas.running)
            if event == "database":
                postgresql.stop("immediate")
                postgresql.start()
            elif event == "pause":
                held = victim.shares()
                victim.process.popen.send_signal(signal.SIGSTOP)
                others = [each for each in replicas.running if each is not victim]
                eventually(partial(taken_over, held, others))
                victim.process.popen.send_signal(signal.SIGCONT)
                assert all(f'terminal="t{share}"' not in victim.metrics() for share in held)
            else:
                victim.process.stop(signal.SIGKILL if event == "kill" else signal.SIGTERM)
                replicas.running.remove(victim)
                replicas.start(victim.port)
            eventually(replicas.spread)

        rows = postgresql.sql("SELECT name, counting_since FROM epay.terminals", database.rpartition("/")[2])
        since = {str(name): int(str(begun)) for name, begun in rows}
        eventually(lambda: counted(address) == true(replicas.bank, since) or None, 90)
        for series in asked(address, "resets(epay_operations_total[10m])"):
            assert series["value"][1] == "0", series
        assert sum(counted(address).values()) > 50
        rounds_so_far = rounds.number
        eventually(lambda: rounds.number > rounds_so_far + 1 and not rounds.lost())
    assert rounds.violations == []
    assert rounds.number > 50


def test_a_replica_ends_in_order_though_its_database_hangs(replicas: Replicas, postgresql: Server) -> None:
    replica = replicas.start()
    eventually(lambda: replica.shares() == {"a", "b", "c"})
    eventually(lambda: shown(replica.metrics()) == {"a", "b", "c"})
    with postgresql.frozen():
        eventually(lambda: not replica.shares())  # what may wait for the database does by now

        assert replica.process.stop(signal.SIGTERM) == 0
    assert "share handed over" not in replica.process.text()
