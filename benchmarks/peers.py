"""Real peers as processes on this machine, each given the same samples; and samples compared one by one."""

import contextlib
import gzip
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.bars import Lacking, resident

TEXT = "text/plain;version=0.0.4"
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
"""As Prometheus asks."""
PATIENCE = 120.0

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


class Peer:
    """A process that answers HTTP on a port, and a connection to it that stays open."""

    def __init__(self, command: list[str], port: int) -> None:
        self.port = port
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ready(self, path: str = "/metrics") -> None:
        """Wait until it answers."""
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.get(path)
                return
            if self._process.poll() is not None or time.monotonic() > end:
                raise Lacking(f"{self._process.args[0]} does not answer")  # type: ignore[index]
            self._connection.close()
            time.sleep(0.2)

    def get(self, path: str, accept: str = ACCEPT, encoding: str = "gzip") -> bytes:
        """The body as it is sent. Raises OSError, HTTPException."""
        return self._ask("GET", path, None, {"Accept": accept, "Accept-Encoding": encoding})

    def put(self, path: str, body: bytes) -> None:
        self._ask("PUT", path, body, {"Content-Type": "text/plain; version=0.0.4"})

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):  # it has stood idle for too long
            self._connection.close()
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        found = answer.read()
        if answer.status >= 300:
            raise http.client.HTTPException(f"{method} {path}: {answer.status} {found[:200]!r}")
        return found

    def resident(self) -> int:
        """Bytes of the process that are in memory."""
        return resident(self._process.pid)

    def peak(self) -> int:
        """The most bytes of the process that have been in memory at a time."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return 1024 * int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])

    def cpu(self) -> float:
        """Seconds of processor that it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self._connection.close()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
            return
        self._process.kill()
        self._process.wait()


def end_in_order() -> None:
    """When this process is told to end, the peers that it has started end with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def ended(peer: Peer) -> Iterator[Peer]:
    """The peer, ended at the end."""
    try:
        yield peer
    finally:
        peer.end()


def samples(text: str, without: frozenset[str] = frozenset()) -> Samples:
    """All samples of a text exposition, by name and labels that are not empty; `without` these labels.

    Bounds of buckets are numbers: one writes 100.0 and the other 100.
    """
    return {
        (
            each.name,
            frozenset(
                (k, repr(float(v)) if k == "le" else v) for k, v in each.labels.items() if v and k not in without
            ),
        ): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def unlike(ours: Samples, theirs: Samples) -> str:
    """What is not the same of our samples in theirs; empty where all are. NaN is like NaN."""
    for key, value in ours.items():
        found = theirs.get(key)
        if found is None or (found != value and not (found != found and value != value)):
            return f"{key[0]}{dict(key[1])}: {value} and {found}"
    return ""


def seconds(peer: Peer, *, compressed: bool = True) -> float:
    """How long a scrape takes, to the last byte. SystemExit where it is not compressed and should be."""
    start = time.perf_counter()
    body = peer.get("/metrics")
    took = time.perf_counter() - start
    if compressed and body[:2] != b"\x1f\x8b":
        raise SystemExit("an answer is not compressed")
    return took


def plain(body: bytes) -> str:
    return (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()


def client_app(text: Path) -> Peer:
    """prometheus_client's ASGI app over the same samples."""
    port = free_port()
    return Peer([sys.executable, "-m", "benchmarks.scrape_servers", "theirs", str(port), str(text)], port)


def pushgateway() -> Peer:
    """Debian's pushgateway, empty. Raises Lacking."""
    command = shutil.which("prometheus-pushgateway")
    if command is None:
        raise Lacking("no prometheus-pushgateway (apt-get install --no-install-recommends prometheus-pushgateway)")
    port = free_port()
    return Peer([command, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"], port)


def query_exporter(text: str, directory: Path) -> Peer:
    """query-exporter over the same samples as rows of a database. Raises Lacking."""
    command = _query_exporter()
    port, database = free_port(), directory / "samples.db"
    metrics, queries = {}, {}
    tables = sqlite3.connect(database)
    for table, (name, rows) in enumerate(_by_name(text_string_to_metric_families(text)).items()):
        labels = sorted({label for row, _ in rows for label in row})
        columns = ["value", *(f"l{place}" for place in range(len(labels)))]
        tables.execute(f"CREATE TABLE t{table} ({', '.join(columns)})")
        filled = [(value if value == value else None, *(row.get(label, "") for label in labels)) for row, value in rows]
        tables.executemany(f"INSERT INTO t{table} VALUES ({', '.join('?' * len(columns))})", filled)
        selected = ", ".join(f"l{place} AS {label}" for place, label in enumerate(labels))
        metrics[name] = {"type": "gauge", "description": name, "labels": labels}
        queries[f"q{table}"] = {
            "databases": ["db"],
            "metrics": [name],
            "interval": 3600,
            "sql": f"SELECT value AS {name}{', ' if selected else ''}{selected} FROM t{table} WHERE value IS NOT NULL",
        }
    tables.commit()
    tables.close()
    configured = {"databases": {"db": {"dsn": f"sqlite:///{database}"}}, "metrics": metrics, "queries": queries}
    config = directory / "query-exporter.yaml"
    config.write_text(json.dumps(configured), encoding="utf-8")
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--config", str(config), "--log-level", "error"]
    return Peer([str(command), *arguments], port)


def _by_name(families: Iterator[Metric]) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in families:
        for each in family.samples:
            found.setdefault(each.name, []).append((each.labels, each.value))
    return found


def _query_exporter() -> Path:
    """The command, in an environment of its own that is made once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    own = cache / "epay-exporter" / "benchmarks" / "query-exporter"
    command = own / "bin" / "query-exporter"
    if not command.exists():
        shutil.rmtree(own, ignore_errors=True)
        venv.create(own, with_pip=True)
        install = [own / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "query-exporter"]
        try:
            subprocess.run(install, check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError):
            shutil.rmtree(own, ignore_errors=True)
            raise Lacking("no query-exporter: it could not be installed from the package index (offline?)") from None
    return command
