"""The process and its configuration read again: a bad one changes nothing, a good one only what it says."""

import base64
import html
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest

from tests.processes import Process, configuration, eventually, free_port, get, sample, simulated, started

TERMINALS = ("98151552", "98151553")
MOVING = re.compile(r"^(process_|python_|epay_window|epay_pending|epay_oldest|epay_config_|.*(?:duration|delay)_)")
"""What changes by itself from one scrape to the next, and may come and go."""


def post(url: str, **headers: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"", headers), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def series(text: str) -> dict[str, float]:
    """Every series with its value."""
    found = re.findall(r"^([a-z]\S*(?:\{.*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


@dataclass
class Running:
    """An exporter against a simulator, and the file that it is told to read again."""

    process: Process
    web: str
    bank: int
    path: Path

    def metrics(self) -> str:
        status, text = get(f"{self.web}/metrics")
        assert status == 200
        return text

    def value(self, name: str, **labels: str) -> float | None:
        return sample(self.metrics(), name, **labels)

    def reload(self) -> tuple[int, str]:
        return post(f"{self.web}/-/reload")

    def write(self, *, terminals: tuple[str, ...] = TERMINALS, more: str = "", **settings: str) -> None:
        configuration(self.path.parent, self.bank, terminals, more=more, **settings)

    def await_poll(self) -> None:
        """Until another poll has been made."""
        polls = self.value("epay_polls_total", result="success") or 0
        eventually(lambda: (self.value("epay_polls_total", result="success") or 0) > polls)

    def await_first_poll(self) -> None:
        eventually(lambda: get(f"{self.web}/-/ready")[0] == 200)
        eventually(lambda: self.value("epay_window_operations", terminal="t1552", window="1h", outcome="success"))


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with simulated(tmp_path / "bank.log", port):
        eventually(lambda: get(f"http://127.0.0.1:{port}/truth")[0] == 200)
        yield port


@pytest.fixture
def running(tmp_path: Path, bank: int) -> Iterator[Running]:
    port = free_port()
    path = configuration(tmp_path, bank, TERMINALS)
    arguments = (f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
    with started(tmp_path / "exporter.log", "run", *arguments) as process:
        exporter = Running(process, f"http://127.0.0.1:{port}", bank, path)
        eventually(lambda: get(f"{exporter.web}/-/healthy")[0] == 200)
        yield exporter
        assert process.stop() == 0
        assert "Traceback" not in process.text()
        assert "defect" not in process.text()


def test_thresholds_and_calendar_are_there_before_any_poll(tmp_path: Path) -> None:
    path, port = configuration(tmp_path, free_port(), TERMINALS), free_port()
    with started(tmp_path / "log", "run", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}"):
        text = eventually(lambda: get(f"http://127.0.0.1:{port}/metrics")[1])
        assert sample(text, "epay_poll_success") in (None, 0)
        assert sample(text, "epay_operations_total") is None
        for terminal in ("t1552", "t1553"):
            labels = {"terminal": terminal, "alert": "failure_ratio"}
            assert sample(text, "epay_alert_threshold", severity="critical", **labels) == 0.2
            assert sample(text, "epay_calendar_active", terminal=terminal, kind="holiday") == 0


def test_a_bad_file_is_answered_with_its_mistakes_and_changes_nothing(running: Running) -> None:
    running.await_first_poll()
    before = running.metrics()
    applied = running.value("epay_config_last_reload_success_timestamp_seconds")
    running.write(terminals=("98151552",), more="alerts: {defaults: {failure_ratio: {critical: 20}}}\nwindws: [5m]")

    status, body = running.reload()

    assert status == 500
    assert f"{running.path}:13: alerts.defaults.failure_ratio.critical: must be at most 1" in body
    assert f'{running.path}:14: windws: unknown key; did you mean "windows"?' in body
    assert running.value("epay_config_last_reload_successful") == 0
    assert running.value("epay_config_last_reload_success_timestamp_seconds") == applied
    assert running.process.text().count("configuration refused") == 1
    page = html.unescape(get(f"{running.web}/")[1])
    assert "The configuration was refused" in page
    assert f"{running.path}:13: alerts.defaults.failure_ratio.critical: must be at most 1" in page
    assert "(and 1 more, in the log)" in page
    running.await_poll()
    after = running.metrics()
    assert {name for name in series(before) if "t1553" in name and not MOVING.match(name)} <= series(after).keys()
    assert sample(after, "epay_logins_total", result="success") == 1

    running.write()
    assert running.reload() == (200, "OK")
    assert "The configuration was refused" not in get(f"{running.web}/")[1]
    assert running.value("epay_config_last_reload_successful") == 1
    assert (running.value("epay_config_last_reload_success_timestamp_seconds") or 0) > (applied or 0)


def test_other_thresholds_are_in_the_next_scrape_and_nothing_else_changes(running: Running) -> None:
    running.await_first_poll()
    before = running.metrics()
    running.write(more="alerts: {terminals: {t1552: {failure_ratio: {critical: 0.5}, volume_drop: off}}}")

    assert running.reload()[0] == 200

    after = running.metrics()
    labels = {"terminal": "t1552", "alert": "failure_ratio", "severity": "critical"}
    assert sample(before, "epay_alert_threshold", **labels) == 0.2
    assert sample(after, "epay_alert_threshold", **labels) == 0.5
    gone = {name for name in series(before).keys() - series(after).keys() if not MOVING.match(name)}
    assert gone
    assert all('alert="volume_drop"' in name and 'terminal="t1552"' in name for name in gone)
    assert {name for name in series(before) if name.startswith("epay_window_failure")} <= series(after).keys()
    running.await_poll()
    assert running.value("epay_logins_total", result="success") == 1
    assert "kept=1" in running.process.text()


def test_every_counter_and_window_outlives_a_reload_that_rebuilds_all(running: Running) -> None:
    running.await_first_poll()
    eventually(lambda: running.value("epay_operations_total", outcome="success"))
    before = running.metrics()
    running.write(poll="interval: 2s, requests_per_second: 90, page_size: 400")

    assert running.reload()[0] == 200

    after = running.metrics()  # before the first poll of the new pollers or after it: it makes no difference
    counters = {name: value for name, value in series(before).items() if "_total{" in name or "_count{" in name}
    assert len(counters) > 30
    assert {name for name, value in counters.items() if series(after).get(name, -1) < value} == set()
    assert {name for name in series(before) if "epay_window_failure_ratio{" in name} <= series(after).keys()
    assert sample(after, "epay_poll_success", terminal="t1552") == 1
    assert get(f"{running.web}/-/ready")[0] == 200
    running.await_poll()
    assert running.value("epay_logins_total", result="success") == 1
    assert "changed=main" in running.process.text()


def test_ten_hangups_in_a_row_cost_nothing(running: Running) -> None:
    running.await_first_poll()
    eventually(lambda: running.value("epay_operations_total", outcome="success"))
    before = series(running.metrics())
    for number in range(10):
        running.write(poll=f"interval: 1s, requests_per_second: 100, page_size: {400 + number}")
        running.process.popen.send_signal(signal.SIGHUP)
    running.await_poll()
    eventually(lambda: "configuration reloaded" in running.process.text())
    assert running.reload()[0] == 200  # behind the last of them
    running.await_poll()

    after = series(running.metrics())
    counters = {name: value for name, value in before.items() if "_total{" in name}
    assert {name for name, value in counters.items() if after.get(name, -1) < value} == set()
    assert after["epay_config_last_reload_successful"] == 1
    assert sample(running.metrics(), "epay_logins_total", result="success") == 1


def test_a_terminal_comes_and_goes_and_comes_again(running: Running) -> None:
    running.await_first_poll()
    eventually(lambda: running.value("epay_operations_total", terminal="t1553", outcome="success"))
    since = running.value("epay_counting_since_timestamp_seconds", terminal="t1553")
    running.write(terminals=("98151552", "98230417"))

    assert running.reload()[0] == 200

    text = running.metrics()
    assert "t1553" not in text
    assert sample(text, "epay_poll_success", terminal="t1552") == 1
    assert sample(text, "epay_window_failure_ratio", terminal="t1552", window="5m") is not None
    eventually(lambda: get(f"{running.web}/-/ready")[0] == 200)
    eventually(lambda: running.value("epay_window_operations", terminal="t0417", window="1h", outcome="success"))
    assert (running.value("epay_counting_since_timestamp_seconds", terminal="t0417") or 0) > (since or 0)

    counted = running.value("epay_operations_total", terminal="t1552", outcome="success") or 0
    running.write()
    assert running.reload()[0] == 200
    eventually(lambda: running.value("epay_operations_total", terminal="t1553", outcome="success"))
    assert running.value("epay_counting_since_timestamp_seconds", terminal="t1553") == since
    assert (running.value("epay_operations_total", terminal="t1552", outcome="success") or 0) >= counted
    assert "t0417" not in running.metrics()


def test_a_new_account_begins_and_an_old_one_leaves_nothing_behind(running: Running) -> None:
    running.await_first_poll()
    one = running.path.read_text()
    block = one.partition("poll:")[0].partition("accounts:\n")[2]
    second = block.replace("name: main", "name: second").replace("98151552", "98230418").replace("t1552", "t0418")
    second = second.replace('\n      - {id: "98151553", name: t1553}', "")
    running.path.write_text(one.replace("accounts:\n", f"accounts:\n{second}"))

    assert running.reload()[0] == 200

    assert running.value("epay_polls_total", account="second", result="success") is not None
    eventually(lambda: running.value("epay_poll_success", terminal="t0418") == 1)
    assert running.value("epay_logins_total", account="main", result="success") == 1
    assert "kept=1" in running.process.text()

    running.path.write_text(one)
    assert running.reload()[0] == 200
    text = running.metrics()
    assert 'account="second"' not in text
    assert "t0418" not in text
    assert sample(text, "epay_poll_success", terminal="t1552") == 1


def test_another_state_is_refused(running: Running) -> None:
    running.write(state="memory:")

    status, body = running.reload()

    assert status == 500
    assert "state.url: cannot be changed while the exporter runs; restart it for that" in body


def test_a_changed_credential_file_costs_no_login_and_a_missing_one_is_a_mistake(running: Running) -> None:
    running.await_first_poll()
    secret = running.path.parent / "password"
    secret.write_text("demo\n")
    running.path.write_text(running.path.read_text().replace("password: demo", "password_file: password"))
    assert running.reload()[0] == 200
    running.await_poll()
    assert running.value("epay_logins_total", result="success") == 2  # the password may be another one now

    secret.write_text("another-one-7f3a\n")
    assert running.reload()[0] == 200
    running.await_poll()
    assert running.value("epay_logins_total", result="success") == 2

    secret.unlink()
    status, body = running.reload()
    assert status == 500
    assert f"{running.path}:6: accounts[0].password_file: the file cannot be used" in body
    running.await_poll()
    assert "another-one-7f3a" not in running.process.text() + body


def test_a_reload_is_behind_the_password_like_every_path(tmp_path: Path, bank: int) -> None:
    path, port = configuration(tmp_path, bank), free_port()
    hashed = bcrypt.hashpw(b"hush-hush", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yaml").write_text(f"basic_auth_users: {{ops: {hashed}}}\n")
    url = f"http://127.0.0.1:{port}/-/reload"
    arguments = (
        f"--config.file={path}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.config.file={tmp_path / 'web.yaml'}",
        "--web.enable-lifecycle",
    )
    with started(tmp_path / "log", "run", *arguments) as process:
        eventually(lambda: get(url)[0] == 401)
        assert post(url)[0] == 401
        assert "configuration reloaded" not in process.text()
        ours = {"Authorization": "Basic " + base64.b64encode(b"ops:hush-hush").decode()}
        assert post(url, **ours) == (200, "OK")
        assert post(url, **ours, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
        assert process.text().count("configuration reloaded") == 1


def test_without_the_flag_a_post_is_refused_and_a_hangup_works(tmp_path: Path, bank: int) -> None:
    path, port = configuration(tmp_path, bank), free_port()
    web = f"http://127.0.0.1:{port}"
    arguments = (f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}")
    with started(tmp_path / "log", "run", *arguments) as process:
        eventually(lambda: get(f"{web}/-/healthy")[0] == 200)
        status, body = post(f"{web}/-/reload")
        assert status == 403
        assert "Lifecycle API is not enabled" in body
        assert get(f"{web}/-/reload")[0] == 405

        configuration(tmp_path, bank, more="alerts: {defaults: {volume_drop: off}}")
        process.popen.send_signal(signal.SIGHUP)
        eventually(lambda: sample(get(f"{web}/metrics")[1], "epay_alert_threshold", alert="volume_drop") is None)
        assert sample(get(f"{web}/metrics")[1], "epay_alert_threshold", alert="volume_spike") is not None
        assert process.stop() == 0
