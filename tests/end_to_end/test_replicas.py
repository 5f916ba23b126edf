"""Several real processes on one real PostgreSQL: one truth, whoever is killed, stopped, paused or cut off."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.processes import Process, eventually, free_port, get, sample, started

LEASE = 2.0
TERMINALS = ("98151552", "98151553", "98151554")


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

    def start(self) -> Replica:
        port = free_port()
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
        log = tmp_path / "bank.log"
        stack.enter_context(started(log, "simulate", f"--listen=127.0.0.1:{bank}"))
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
    assert sample(survivor.metrics(), "epay_share_handovers_total", reason="taken") == 3


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
