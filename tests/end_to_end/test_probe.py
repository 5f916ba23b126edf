"""The image's health check against exporters as web configurations make them."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest

from tests.certificates import pair
from tests.processes import configuration, eventually, free_port, started

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}"
CLIENTS = (
    "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: server.crt, "
    "client_auth_type: RequireAndVerifyClientCert}"
)
OLD_CLIENTS = CLIENTS.replace("}", ", max_version: TLS12}")
USERS = f"basic_auth_users: {{prometheus: {bcrypt.hashpw(b'hush', bcrypt.gensalt(4)).decode()}}}"


def probe(*arguments: str, **environ: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "exporter.probe", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        env=os.environ | environ,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("web", ["", TLS, USERS, f"{TLS}\n{USERS}", CLIENTS, OLD_CLIENTS])
def test_an_exporter_that_lives_is_healthy_whatever_it_asks_of_its_clients(tmp_path: Path, web: str) -> None:
    pair(tmp_path, "server")
    (tmp_path / "web.yaml").write_text(web)
    address = f"127.0.0.1:{free_port()}"
    arguments = (f"--config.file={configuration(tmp_path, 1)}", f"--web.config.file={tmp_path}/web.yaml")
    with started(tmp_path / "log", "run", *arguments, EPAY_EXPORTER_WEB_LISTEN_ADDRESS=address) as process:
        eventually(lambda: "msg=listening" in process.text())
        assert probe(EPAY_EXPORTER_WEB_LISTEN_ADDRESS=f"{address} 127.0.0.1:1") == (0, "")
        process.popen.send_signal(signal.SIGSTOP)  # the port still takes connections, and nobody answers
        code, said = probe(address)
        process.popen.send_signal(signal.SIGCONT)
        assert (code, "timed out" in said) == (1, True)


def test_nobody_is_not_healthy() -> None:
    code, said = probe(f":{free_port()}")
    assert code == 1
    assert "Connection refused" in said


def test_somebody_who_says_something_else_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        popen = subprocess.Popen(
            [sys.executable, "-m", "exporter.probe", f"127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True
        )
        for _ in range(2):
            connection, _ = server.accept()
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.close()
        assert popen.communicate(timeout=20)[1].startswith(f"127.0.0.1:{port} speaks neither HTTP nor TLS: ")
        assert popen.returncode == 1


def test_what_is_no_address_is_said() -> None:
    assert probe("nonsense") == (1, "nonsense is not an address like :10084\n")
