"""The exporter as a process with a web configuration, beside the bank simulator."""

import base64
import contextlib
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from tests.certificates import Pair, pair, trusting
from tests.processes import Process, configuration, eventually, finished, free_port, sample, simulated, started

HASH = bcrypt.hashpw(b"right-password", bcrypt.gensalt(8)).decode()
WEB = f"""tls_server_config: {{cert_file: server.crt, key_file: server.key}}
basic_auth_users: {{alice: '{HASH}'}}
"""


def ask(port: int, context: ssl.SSLContext, password: str | None, path: str = "/metrics") -> tuple[int, str, str]:
    """Status, WWW-Authenticate and body over a new connection; status 0 where nobody answers."""
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}")
    if password is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"alice:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("WWW-Authenticate", ""), error.read().decode()
    except OSError as error:
        return 0, "", repr(error)


@contextlib.contextmanager
def exporter(directory: Path, web: str = WEB) -> Iterator[tuple[int, Process]]:
    """An exporter at the simulator that has read its terminal."""
    bank, port = free_port(), free_port()
    (directory / "web.yaml").write_text(web)
    arguments = (
        "run",
        f"--config.file={configuration(directory, bank)}",
        f"--web.config.file={directory / 'web.yaml'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=debug",
    )
    with simulated(directory / "bank.log", bank):
        eventually(lambda: "bank simulator" in (directory / "bank.log").read_text())
        with started(directory / "log", *arguments) as process:
            context = trusting(Pair(directory / "server.crt", directory / "server.key"))
            eventually(lambda: ask(port, context, "right-password", "/-/ready")[0] == 200)
            yield port, process


def test_all_mistakes_of_both_files_come_at_once_and_the_exit_code_is_2(tmp_path: Path) -> None:
    config = configuration(tmp_path, 1, poll="interval: 15")
    web = tmp_path / "web.yaml"
    web.write_text("tls_server_config: {cert_file: none.crt, min_version: TLS10}\nbasic_auth_users: {alice: hush}\n")

    code, _, errors = finished("run", f"--config.file={config}", f"--web.config.file={web}")

    assert code == 2
    keys = [line.split(": ")[2] for line in errors.splitlines()]
    assert keys == [
        "poll.interval",
        "tls_server_config.key_file",
        "tls_server_config.min_version",
        "basic_auth_users.alice",
    ]
    assert "hush" not in errors


@pytest.mark.parametrize("content", [None, "tls_server_config: {cert_file: none.crt, key_file: none.key}\n"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, content: str | None) -> None:
    web = tmp_path / "web.yaml"
    if content is not None:
        web.write_text(content)

    code, _, errors = finished(
        "run", f"--config.file={configuration(tmp_path, 1)}", "--web.listen-address=127.0.0.1:0",
        EPAY_EXPORTER_WEB_CONFIG_FILE=str(web),
    )  # fmt: skip

    assert code == 2
    assert "cannot be read: No such file or directory" in errors
    assert len(errors.splitlines()) == (1 if content is None else 2)


def test_every_endpoint_wants_the_password_and_certificates_change_without_a_failed_scrape(tmp_path: Path) -> None:
    pair(tmp_path, "server")
    old = trusting(Pair(tmp_path / "server.crt", tmp_path / "server.key"))
    new = pair(tmp_path, "new")
    both = trusting(Pair(tmp_path / "server.crt", tmp_path / "server.key"), new)
    with exporter(tmp_path) as (port, process):
        assert f"https://127.0.0.1:{port}" in process.text()
        for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/nowhere"):
            for password in (None, "wrong"):
                status, challenge, _ = ask(port, old, password, path)
                assert (status, challenge[:5]) == (401, "Basic")
        assert "epay_operations_total" in ask(port, old, "right-password")[2]

        answers: list[tuple[int, str, str]] = []
        over = threading.Event()

        def scrape() -> None:
            while not over.is_set():
                answers.append(ask(port, both, "right-password"))

        scrapers = [threading.Thread(target=scrape) for _ in range(2)]
        for each in scrapers:
            each.start()
        new.certificate.replace(tmp_path / "server.crt")
        time.sleep(1.3)  # the pair does not fit together for longer than it is looked at again
        new.key.replace(tmp_path / "server.key")
        eventually(lambda: ask(port, old, "right-password")[0] == 0)
        (tmp_path / "web.yaml").write_text("basic_auth_users: {alice: plain}\n")
        eventually(lambda: process.text().count("web configuration cannot be used") == 2)
        time.sleep(1.2)
        over.set()
        for each in scrapers:
            each.join()

        assert {status for status, _, _ in answers} == {200}, {body for status, _, body in answers if status != 200}
        assert len(answers) > 20
        assert process.text().count("web configuration cannot be used") == 2
        assert process.stop() == 0
        for secret in ("right-password", HASH, "plain}"):
            assert secret not in process.text()
        assert "Traceback" not in process.text()


def test_junk_does_not_keep_a_scraper_out_nor_the_polls_up(tmp_path: Path) -> None:
    pair(tmp_path, "server")
    context = trusting(Pair(tmp_path / "server.crt", tmp_path / "server.key"))
    over = threading.Event()
    made = 0

    def junk(port: int, kind: int) -> None:
        nonlocal made
        held: list[socket.socket] = []
        while not over.is_set():
            with contextlib.suppress(OSError):
                one = socket.create_connection(("127.0.0.1", port), timeout=2)
                held.append(one)
                if kind == 1:
                    one.sendall(b"GET / HTTP/1.1\r\n" + b"X" * 50_000)
                if kind == 2:
                    unverified = ssl._create_unverified_context()
                    held[-1] = wrapped = unverified.wrap_socket(one)
                    wrapped.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000)
                made += 1
            if len(held) > 200:
                held.pop(0).close()
            time.sleep(0.002)
        for each in held:
            each.close()

    with exporter(tmp_path) as (port, process):
        polls = sample(ask(port, context, "right-password")[2], "epay_polls_total", result="success") or 0
        crowd = [threading.Thread(target=junk, args=(port, kind)) for kind in (0, 1, 2, 2)]
        for each in crowd:
            each.start()
        try:
            took = []
            for _ in range(20):
                begun = time.monotonic()
                status, _, body = ask(port, context, "right-password")
                took.append(time.monotonic() - begun)
                assert status == 200, body
                time.sleep(0.2)
            polled = (sample(body, "epay_polls_total", result="success") or 0) - polls
        finally:
            over.set()
            for each in crowd:
                each.join()
        assert made > 200
        assert max(took) < 5
        assert polled >= 3  # one a second, in four seconds at least
        assert "poll failed" not in process.text()
        assert "Traceback" not in process.text()
        assert process.stop() == 0
