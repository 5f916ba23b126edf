"""What a newcomer gets wrong is answered with one clear line and the right exit code."""

import json
import socket
from pathlib import Path

import pytest

from tests.processes import configuration, eventually, finished, free_port, get, sample, started


def _one_line(text: str) -> str:
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if "level=info" not in line]
    assert len(lines) == 1, text
    return lines[0]


def test_run_may_be_left_out_and_help_names_every_flag() -> None:
    code, shown, _ = finished("run", "--help")
    same_code, _, without = finished("--config.file=/nowhere.yaml")

    assert code == 0
    for flag in ("config.file", "web.listen-address", "web.telemetry-path", "web.config.file", "log.level"):
        assert f"--{flag}" in shown
    assert "EPAY_EXPORTER_WEB_LISTEN_ADDRESS" in shown
    assert same_code == 2
    assert "/nowhere.yaml" in _one_line(without)


def test_the_version_is_shown() -> None:
    code, shown, _ = finished("--version", EPAY_EXPORTER_REVISION="abc123")

    assert code == 0
    assert shown.startswith("epay-exporter 0.")
    assert "abc123" in shown


def test_check_finds_all_errors_at_once_as_text_and_as_json(tmp_path: Path) -> None:
    path = configuration(tmp_path, 1, poll="intervall: 15s, timeout: 10")
    code, shown, _ = finished("check", f"--config.file={path}")
    json_code, machine, _ = finished("check", f"--config.file={path}", "--format=json")

    assert (code, json_code) == (1, 1)
    assert [line.split(": ")[1] for line in shown.splitlines()] == ["poll.intervall", "poll.timeout"]
    assert 'did you mean "interval"' in shown
    assert [(finding["line"], finding["key"]) for finding in json.loads(machine)["findings"]] == [
        (11, "poll.intervall"),
        (11, "poll.timeout"),
    ]


def test_check_of_a_good_file_says_so(tmp_path: Path) -> None:
    code, shown, _ = finished("check", f"--config.file={configuration(tmp_path, 1)}")

    assert code == 0
    assert "fine" in shown


def test_check_warns_of_what_is_hardly_meant_and_finds_nothing_wrong(tmp_path: Path) -> None:
    path = configuration(tmp_path, 1, more="baseline: {history: 2w}")
    code, shown, errors = finished("check", f"--config.file={path}")
    _, machine, _ = finished("check", f"--config.file={path}", "--format=json")

    assert (code, shown.startswith(f"{path}: fine")) == (0, True)
    assert f"warning: {path}:" in errors
    assert "baseline.history: less than three weeks" in errors
    assert [each["key"] for each in json.loads(machine)["warnings"]] == ["baseline.history"]
    assert json.loads(machine)["findings"] == []


def test_check_looks_at_the_web_configuration_too_where_it_is_given(tmp_path: Path) -> None:
    path = configuration(tmp_path, 1, poll="timeout: 10")
    web = tmp_path / "web.yaml"
    web.write_text("tls_server_config:\n  cert_file: no.crt\n  key_file: no.key\nbasic_auth_user: {}\n")
    arguments = (f"--config.file={path}", f"--web.config.file={web}")
    code, shown, _ = finished("check", *arguments)
    _, machine, _ = finished("check", *arguments, "--format=json")

    assert code == 1
    findings = json.loads(machine)["findings"]
    assert [(Path(each["file"]).name, each["line"], each["key"]) for each in findings] == [
        ("config.yaml", 11, "poll.timeout"),
        ("web.yaml", 2, "tls_server_config.cert_file"),
        ("web.yaml", 3, "tls_server_config.key_file"),
        ("web.yaml", 4, "basic_auth_user"),
    ]
    assert [line.split(": ")[1] for line in shown.splitlines()] == [each["key"] for each in findings]


def test_check_takes_the_web_configuration_from_the_environment_and_says_that_it_is_fine(tmp_path: Path) -> None:
    path, web = configuration(tmp_path, 1), tmp_path / "web.yaml"
    web.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    code, shown, _ = finished("check", f"--config.file={path}", EPAY_EXPORTER_WEB_CONFIG_FILE=str(web))

    assert code == 0
    assert shown.splitlines()[1] == f"{web}: fine"


def test_check_of_no_web_configuration_could_not_run(tmp_path: Path) -> None:
    code, _, errors = finished(
        "check", f"--config.file={configuration(tmp_path, 1)}", "--web.config.file=/nowhere.yaml"
    )

    assert code == 2
    assert "/nowhere.yaml: cannot be read" in _one_line(errors)


def test_an_expired_authority_is_named_by_check_and_stops_nothing_else(tmp_path: Path) -> None:
    path, port = configuration(tmp_path, 1), free_port()
    authorities = Path(__file__).parent.parent / "data" / "config" / "authorities"
    file = tmp_path / "ca.pem"
    file.write_text((authorities / "good.pem").read_text() + (authorities / "expired.pem").read_text())
    path.write_text(path.read_text().replace("    username: demo", "    ca_file: ca.pem\n    username: demo"))
    code, shown, _ = finished("check", f"--config.file={path}")

    assert code == 1
    expected = f'accounts[0].ca_file: {file}: the certificate of "Old authority" has expired on 2021-01-01'
    assert shown.strip() == f"{path}: {expected}"
    with started(tmp_path / "log", "run", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}") as process:
        eventually(lambda: get(f"http://127.0.0.1:{port}/-/healthy")[0] == 200)
        assert 'msg="certificate has expired"' in process.text()


def test_check_of_no_file_could_not_run() -> None:
    code, _, errors = finished("check", "--config.file=/nowhere.yaml")

    assert code == 2
    assert "/nowhere.yaml" in _one_line(errors)


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    path = configuration(tmp_path, 1)
    path.write_text(path.read_text().replace("password: demo", f"password_file: {tmp_path}/nothing"))
    code, _, errors = finished("run", f"--config.file={path}")

    assert code == 2
    assert "password_file" in _one_line(errors)


def test_an_unset_variable_is_named(tmp_path: Path) -> None:
    path = configuration(tmp_path, 1, password="${NO_SUCH_PASSWORD}")
    code, _, errors = finished("run", f"--config.file={path}")

    assert code == 2
    assert "NO_SUCH_PASSWORD" in _one_line(errors)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, _, errors = finished(
            "run", f"--config.file={configuration(tmp_path, 1)}", f"--web.listen-address={address}"
        )

    assert code == 1
    assert f"cannot listen on {address}" in _one_line(errors)


@pytest.mark.parametrize(
    ("state", "words"),
    [("/proc/nowhere/state.db", "does not exist"), ("/proc/state.db", "cannot be")],
)
def test_a_state_that_cannot_be_written_is_named(tmp_path: Path, state: str, words: str) -> None:
    path = configuration(tmp_path, 1, state=f"sqlite:///{state}")
    code, _, errors = finished("run", f"--config.file={path}", "--web.listen-address=127.0.0.1:0")

    assert code == 1
    assert words in _one_line(errors)


def test_a_second_exporter_on_the_same_state_is_refused(tmp_path: Path) -> None:
    path = configuration(tmp_path, free_port())
    port = free_port()
    with started(tmp_path / "log", "run", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}"):
        eventually(lambda: get(f"http://127.0.0.1:{port}/-/healthy")[0] == 200)
        code, _, errors = finished("run", f"--config.file={path}", "--web.listen-address=127.0.0.1:0")

    assert code == 1
    assert "another process uses this file" in _one_line(errors)


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "--fault=nonsense=1"),
        ("simulate", "--variant=nonsense=1"),
        ("simulate", "--listen=nonsense"),
        ("run", "--config.file={config}", "--web.telemetry-path=/"),
        ("run", "--config.file={config}", "--web.config.file=web.yaml"),
    ],
)
def test_a_wrong_flag_is_a_line_and_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    config = configuration(tmp_path, 1)
    code, _, errors = finished(*(argument.format(config=config) for argument in arguments))

    assert code == 2
    assert _one_line(errors).startswith("epay-exporter: ")


def test_the_demo_shows_true_metrics_and_ends_in_order(tmp_path: Path) -> None:
    bank, web = free_port(), free_port()
    arguments = ("demo", f"--listen=127.0.0.1:{bank}", f"--web.listen-address=127.0.0.1:{web}")
    with started(tmp_path / "log", *arguments) as demo:

        def metrics_with_operations() -> str:
            text = get(f"http://127.0.0.1:{web}/metrics")[1]
            hour = sample(text, "epay_window_operations", terminal="wallet", window="1h", outcome="success")
            return text if hour else ""

        metrics = eventually(metrics_with_operations)
        assert sample(metrics, "epay_poll_success", terminal="wallet") == 1
        assert get(f"http://127.0.0.1:{web}/-/ready")[0] == 200
        assert get(f"http://127.0.0.1:{web}/")[0] == 200
        assert f"http://127.0.0.1:{web}/" in demo.text()
        assert demo.stop() == 0
        assert "Traceback" not in demo.text()


def test_sigterm_ends_the_exporter_in_order_even_while_the_bank_hangs(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        path = configuration(tmp_path, silent.getsockname()[1])
        port = free_port()
        address = f"--web.listen-address=127.0.0.1:{port}"
        with started(tmp_path / "log", "run", f"--config.file={path}", address) as exporter:
            eventually(lambda: get(f"http://127.0.0.1:{port}/-/healthy")[0] == 200)
            assert get(f"http://127.0.0.1:{port}/-/ready")[0] == 503
            assert exporter.stop() == 0
            assert "Traceback" not in exporter.text()
