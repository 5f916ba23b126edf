"""Real servers that are not ours, on free ports of this machine, each with its output in a file."""

import contextlib
import json
import random
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.processes import eventually, get
from tests.tools import require


def port() -> int:
    """A port that nobody listens on, and that no outgoing connection is given meanwhile: those begin at 32768."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            chosen: int = probe.getsockname()[1]
            return chosen


@contextlib.contextmanager
def running(log: Path, *command: str, directory: Path | None = None) -> Iterator[None]:
    """A command that serves until it is ended here."""
    with log.open("ab") as output:
        popen = subprocess.Popen(command, stdout=output, stderr=output, cwd=directory)
    try:
        yield
    finally:
        popen.kill()
        popen.wait()


@contextlib.contextmanager
def alertmanager(configuration: Path, data: Path) -> Iterator[str]:
    """The address of an Alertmanager that is ready; alone, without gossip."""
    command, address = require("prometheus-alertmanager", "prometheus-alertmanager"), f"127.0.0.1:{port()}"
    data.mkdir(exist_ok=True)
    flags = (f"--config.file={configuration}", f"--storage.path={data}", f"--web.listen-address={address}")
    with running(data / "alertmanager.log", command, *flags, "--cluster.listen-address="):
        ready(f"http://{address}", data / "alertmanager.log")
        yield f"http://{address}"


@contextlib.contextmanager
def prometheus(configuration: Path, data: Path) -> Iterator[str]:
    """The address of a Prometheus that is ready; its first sample comes later."""
    command, address = require("prometheus", "prometheus"), f"127.0.0.1:{port()}"
    data.mkdir(exist_ok=True)
    flags = (f"--config.file={configuration}", f"--storage.tsdb.path={data}", f"--web.listen-address={address}")
    with running(data / "prometheus.log", command, *flags):
        ready(f"http://{address}", data / "prometheus.log")
        yield f"http://{address}"


def ready(url: str, log: Path) -> None:
    """Wait until a server is; fails with what it has said."""
    try:
        eventually(lambda: get(f"{url}/-/ready")[0] == 200)
    except AssertionError as error:
        raise AssertionError(log.read_text()) from error


def asked(url: str) -> Any:
    """The JSON of an answer."""
    status, body = get(url)
    assert status == 200, (url, status, body)
    return json.loads(body)


def posted(url: str, body: object) -> None:
    """Send JSON that must be taken."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
