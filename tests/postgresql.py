"""A real PostgreSQL server of Debian's package, in a directory of its own, as an ordinary user: it refuses root."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.processes import free_port
from tests.tools import require


@dataclass
class Server:
    """A server on a port of this machine; `epay` is the superuser, and every connection is trusted but those by TCP
    with a password."""

    binaries: Path
    directory: Path
    port: int
    as_user: tuple[str, ...]

    def _control(self, *arguments: str) -> None:
        command = [
            *self.as_user,
            str(self.binaries / "pg_ctl"),
            "-D",
            str(self.directory / "data"),
            "-t",
            "80",
            "-s",
            *arguments,
        ]
        subprocess.run(command, check=True, timeout=90, cwd=self.directory, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        settings = f"-p {self.port} -k {self.directory} -c listen_addresses=127.0.0.1"
        self._control("-w", "-l", str(self.directory / "log"), "-o", settings, "start")

    def stop(self, mode: str = "fast", *, wait: bool = True) -> None:
        self._control("-w" if wait else "-W", "-m", mode, "stop")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """All of its processes stopped: connections stay open, new ones are accepted, and nobody answers."""
        first = int((self.directory / "data" / "postmaster.pid").read_text(encoding="ascii").split("\n")[0])
        os.kill(first, signal.SIGSTOP)  # it starts no more of them from now on
        family = [first, *_children(first)]
        for number in family:
            os.kill(number, signal.SIGSTOP)
        try:
            yield
        finally:
            for number in family:
                os.kill(number, signal.SIGCONT)

    def cpu(self) -> float:
        """Seconds of processor that the server has used, with all of its processes that are and that were."""
        first = int((self.directory / "data" / "postmaster.pid").read_text(encoding="ascii").split("\n")[0])
        used = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has ended meanwhile, and its parent has its time
                name, _, fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")
                number, times = int(name.split()[0]), fields.split()
                if number == first:
                    used += sum(map(int, times[11:15]))
                elif int(times[1]) == first:
                    used += sum(map(int, times[11:13]))
        return used / os.sysconf("SC_CLK_TCK")

    def url(self, database: str, user: str = "epay", password: str = "") -> str:
        given = f"{user}:{password}" if password else user
        return f"postgresql://{given}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """What a statement gives, as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, database: str) -> str:
        """A new, empty database; its URL."""
        self.sql(f'CREATE DATABASE "{database}"')
        return self.url(database)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1] if found else Path(require("pg_ctl", "postgresql")).parent


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """A running server, gone at the end with all that was in it."""
    directory = Path(tempfile.mkdtemp(prefix="epay-postgresql-"))
    as_user: tuple[str, ...] = ()
    if os.geteuid() == 0:
        user = "postgres"  # whom the package brings along
        as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
        shutil.chown(directory, user, user)
    try:
        binaries = _binaries()
        initialise = [
            *as_user,
            str(binaries / "initdb"),
            "-D",
            str(directory / "data"),
            "-U",
            "epay",
            "-A",
            "trust",
            "-N",
        ]
        subprocess.run(initialise, check=True, timeout=60, cwd=directory, stdout=subprocess.DEVNULL)
        running = Server(binaries, directory, free_port(), as_user)
        running.start()
        try:
            yield running
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a test may have stopped it
                running.stop("immediate")
    finally:
        shutil.rmtree(directory)


def _children(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            name, _, fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")
            if int(fields.split()[1]) == parent:
                found.append(int(name.split()[0]))
    return found


def kill_backends(running: Server, database: str) -> None:
    """End all connections to a database, as a restart or a firewall does."""
    running.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
