"""What leases promise: one holder of a share, whatever becomes of replicas, connections and the server."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Thread

import psycopg
import pytest

from exporter.app.clock import lasting_clock
from exporter.model import HOUR
from exporter.state import CommitFailed, Database, HeldElsewhere, Lease, LeaseLost, Leases, PostgresStore
from exporter.state.postgres.refusal import refuses
from tests.builders import T0, ledger, operation, reading
from tests.postgresql import Server, kill_backends
from tests.processes import eventually, free_port

LEASE = 0.6
MAIN = ("wallet", "shop")


@dataclass
class Replicas:
    """Replicas on one database, by name."""

    database: str
    stack: ExitStack

    def __call__(
        self, name: str, seconds: float = LEASE, clock: Callable[[], float] = lasting_clock, *, looks: bool = True
    ) -> Leases:
        leases = Leases(Database(self.database), name, seconds, clock)
        self.stack.callback(leases.close)
        if looks:
            leases.look(["main"])
        return leases


@pytest.fixture
def replica(database: str) -> Iterator[Replicas]:
    with ExitStack() as stack:
        yield Replicas(database, stack)


def taken(leases: Leases, share: str = "main", terminals: tuple[str, ...] = MAIN) -> Lease | None:
    """The lease, where it is given; None where not, or where the server is too slow to be sure of it."""
    try:
        return leases.take(share, terminals)
    except CommitFailed:
        return None


def held(leases: Leases, share: str = "main", terminals: tuple[str, ...] = MAIN) -> Lease:
    lease = leases.take(share, terminals)
    assert lease is not None
    return lease


def looked(leases: Leases) -> bool:
    """Whether the server is there for looks."""
    try:
        leases.look(["main"])
    except CommitFailed:
        return False
    return True


def renewed(leases: Leases, lease: Lease) -> frozenset[str]:
    """The shares still held, none while the server cannot be asked."""
    try:
        return leases.renew([lease])
    except CommitFailed:
        return frozenset()


def commit(store: PostgresStore) -> None:
    store.commit(ledger().decide([reading([operation("a")])], T0 + HOUR))


def restart(server: Server, mode: str = "immediate") -> None:
    server.stop(mode)
    server.start()


def test_a_share_has_one_holder(replica: Replicas) -> None:
    first, second = replica("first", 60), replica("second", 60)
    lease = held(first)

    assert second.take("main", MAIN) is None
    assert second.look(["main"]).owners == {"main": "first"}
    assert first.renew([lease]) == {"main"}


def test_what_is_given_back_is_free_at_once(replica: Replicas, postgresql: Server) -> None:
    restart(postgresql)  # from a holder that only fell silent it could not be taken now
    first, second = replica("first", 60), replica("second", 60)
    lease = held(first)
    first.release([lease])

    assert "main" not in second.look(["main"]).owners
    assert held(second).epoch > lease.epoch
    assert first.renew([lease]) == set()


def test_a_lease_that_ran_out_goes_to_another_and_the_former_holder_never_writes_again(replica: Replicas) -> None:
    first, second = replica("first"), replica("second")
    lease = held(first)
    store = first.store(lease, MAIN)
    commit(store)
    assert eventually(lambda: taken(second)).epoch == lease.epoch + 1  # type: ignore[union-attr]

    assert first.renew([lease]) == set()
    with pytest.raises(LeaseLost):
        commit(store)


def test_a_lease_that_ran_out_and_that_nobody_took_is_renewed_as_it_was(replica: Replicas) -> None:
    first = replica("first", 0.2)
    lease = held(first)
    store = first.store(lease, MAIN)
    eventually(lambda: "main" not in first.look(["main"]).owners)
    with pytest.raises(LeaseLost):
        commit(store)

    assert first.renew([lease]) == {"main"}
    eventually(lambda: first.renew([lease]) and _committed(store))


def _committed(store: PostgresStore) -> bool:
    try:
        commit(store)
    except LeaseLost:
        return False
    return True


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_after_a_restart_of_the_server_holders_come_first(replica: Replicas, postgresql: Server, mode: str) -> None:
    first, second = replica("first"), replica("second")
    lease = held(first)
    eventually(lambda: "main" not in second.look(["main"]).owners)  # it has run out, and could be taken
    restart(postgresql, mode)
    eventually(lambda: looked(second))

    assert second.look(["main"]).owners == {"main": "first"}
    assert second.take("main", MAIN) is None
    assert eventually(lambda: renewed(first, lease)) == {"main"}


def test_after_a_restart_of_the_server_holders_that_are_gone_are_waited_for_no_longer_than_a_lease_and_a_third(
    replica: Replicas, postgresql: Server
) -> None:
    first, second = replica("first"), replica("second")
    held(first)
    restart(postgresql)
    eventually(lambda: looked(second))
    began = lasting_clock()
    eventually(lambda: taken(second))

    assert lasting_clock() - began >= LEASE * 4 / 3 - 0.1


def test_a_crash_that_the_server_recovers_from_by_itself_counts_as_a_restart(
    replica: Replicas, postgresql: Server, database: str
) -> None:
    first, second = replica("first"), replica("second")
    lease = held(first)
    eventually(lambda: "main" not in second.look(["main"]).owners)
    with psycopg.connect(database) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
    eventually(lambda: looked(second))

    assert second.take("main", MAIN) is None
    assert eventually(lambda: renewed(first, lease)) == {"main"}


def test_while_the_server_waits_for_its_clients_to_leave_nobody_takes_a_share_from_another(
    replica: Replicas, postgresql: Server
) -> None:
    first, second = replica("first"), replica("second")
    held(first)
    eventually(lambda: "main" not in second.look(["main"]).owners)
    postgresql.stop("smart", wait=False)
    try:
        eventually(first.refused)
        second.look(["main"])  # connections that it had go on
        with pytest.raises(CommitFailed):
            second.take("main", MAIN)
    finally:
        restart(postgresql, "fast")


@pytest.mark.parametrize("former", ["other", "nobody"])
def test_a_share_is_not_taken_from_another_over_a_connection_that_took_long(replica: Replicas, former: str) -> None:
    passing = iter([0.0, LEASE / 2])
    first, second = replica("first"), replica("second", clock=lambda: next(passing))
    if former == "other":
        held(first)
        eventually(lambda: "main" not in first.look(["main"]).owners)
        with pytest.raises(CommitFailed, match="too slow"):
            second.take("main", MAIN)
    else:
        held(second)


def test_a_terminal_is_in_one_share_that_is_held(replica: Replicas) -> None:
    first, second = replica("first", 60), replica("second", 60)
    for each in (first, second):
        each.look(["main", "other"])
    held(first)
    lease = held(second, "other", ("else",))

    assert second.take("third", ("shop",)) is None
    with pytest.raises(HeldElsewhere, match="shop"):
        second.claim(lease, ("else", "shop"))
    first.release([Lease("main", 1)])
    second.claim(lease, ("else", "shop"))
    assert first.take("main", MAIN) is None


def test_who_lost_a_terminal_to_another_share_cannot_renew_its_own(replica: Replicas) -> None:
    first, second = replica("first"), replica("second", 60)
    second.look(["other"])
    lease = held(first)
    other = held(second, "other", ("else",))
    eventually(lambda: _claims(second, other))

    assert first.renew([lease]) == set()


def _claims(leases: Leases, lease: Lease) -> bool:
    try:
        leases.claim(lease, ("else", "shop"))
    except CommitFailed:
        return False
    return True


def test_a_server_that_was_stopped_refuses(postgresql: Server, database: str) -> None:
    assert not refuses(database, 1.0)
    postgresql.stop()
    try:
        assert refuses(database, 1.0)
    finally:
        postgresql.start()


def test_connections_that_were_ended_are_no_refusal(replica: Replicas, postgresql: Server, database: str) -> None:
    first = replica("first")
    kill_backends(postgresql, database.rpartition("/")[2])
    assert not first.refused()


@pytest.mark.parametrize(
    "answer",
    [b"", b"R\x00\x00\x00\x08\x00\x00\x00\x03", b"E\x00\x00\x00\x10C28000\x00M?\x00\x00", b"HTTP/1.1 400 no\r\n\r\n"],
)
def test_whatever_else_answers_is_no_refusal(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://127.0.0.1:{server.getsockname()[1]}/epay"
        server.settimeout(5)
        if answer:
            Thread(target=_answer_once, args=(server, answer)).start()
        assert not refuses(url, 0.3)


def test_a_refusal_in_any_language_is_known_by_its_code() -> None:
    text = "СВАЖНО\0C57P03\0Mсистема баз данных останавливается\0\0".encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = b"E" + (len(text) + 4).to_bytes(4, "big") + text
        Thread(target=_answer_once, args=(server, answer)).start()
        assert refuses(f"postgresql://127.0.0.1:{server.getsockname()[1]}/epay", 5)


def _answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(answer)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///epay?host=/nowhere",
        "postgresql:///epay?host=/nowhere,127.0.0.1&port=5432,1",
        "postgresql://no.such.host.invalid:1/epay",
        "postgresql://127.0.0.1:1/epay?service=somewhere",
        "postgresql://[::1/epay",
    ],
)
def test_where_it_cannot_be_told_it_is_no_refusal(url: str) -> None:
    assert not refuses(url, 0.5)


def test_of_several_servers_all_must_refuse(postgresql: Server) -> None:
    closed = free_port()
    assert refuses(f"postgresql://127.0.0.1:{closed},127.0.0.1:{closed}/epay", 0.5)
    assert not refuses(f"postgresql://127.0.0.1:{closed},127.0.0.1:{postgresql.port}/epay", 0.5)
