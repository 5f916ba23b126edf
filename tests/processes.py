"""Real processes of ours on free ports of this machine, ended with the test that started them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

COMMAND = (sys.executable, "-m", "exporter")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(look: Callable[[], T], seconds: float = 30.0) -> T:
    """The first true answer of `look`; fails with its last one."""
    end = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {answer!r}")
        time.sleep(0.05)
    return answer


def get(url: str, **headers: str) -> tuple[int, str]:
    """Status and body; status 0 where nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


@dataclass
class Process:
    """A running command with its standard error in a file."""

    popen: subprocess.Popen[bytes]
    log: Path

    def text(self) -> str:
        return self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(timeout=10)


@contextlib.contextmanager
def started(log: Path, *arguments: str, **environ: str) -> Iterator[Process]:
    """`epay-exporter` with these arguments, killed at the end if it still runs."""
    with log.open("ab") as errors:
        popen = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=errors,
            stderr=errors,
            env=os.environ | environ,
            start_new_session=True,
        )
    try:
        yield Process(popen, log)
    finally:
        if popen.poll() is None:
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()


def simulated(log: Path, port: int, *flags: str) -> contextlib.AbstractContextManager[Process]:
    """The bank simulator on a port; once `/truth` is there, it answers.

    Its day is at 13 o'clock whenever the tests run: at night there may be no operation for half a minute.
    """
    return started(log, "simulate", f"--listen=127.0.0.1:{port}", "--variant=local-hour=13", *flags)


def finished(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that ends by itself."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=30, env=os.environ | environ, check=False
    )
    return done.returncode, done.stdout, done.stderr


def configuration(
    directory: Path,
    bank: int,
    terminals: Sequence[str] = ("98151552",),
    *,
    poll: str = "interval: 1s, requests_per_second: 100",
    password: str = "demo",
    state: str | None = None,
    more: str = "",
) -> Path:
    """A configuration file for a bank on a port of this machine."""
    path = directory / "config.yaml"
    listed = "".join(f'\n      - {{id: "{number}", name: t{number[-4:]}}}' for number in terminals)
    path.write_text(
        f"""accounts:
  - name: main
    token_url: http://127.0.0.1:{bank}/oauth2/token
    operations_url: http://127.0.0.1:{bank}/api/p2p/operations
    username: demo
    password: {password}
    client_id: demo
    client_secret: demo
    terminals:{listed}
poll: {{{poll}}}
state: {{url: "{state or f"sqlite:///{directory}/state.db"}"}}
{more}
"""
    )
    return path


def sample(text: str, name: str, **labels: str) -> float | None:
    """The value of the one series with this name and these labels among its own."""
    for found, shown, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE):
        if found == name and set(labels.items()) <= set(re.findall(r'(\w+)="([^"]*)"', shown)):
            return float(value)
    return None
