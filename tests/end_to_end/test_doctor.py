"""`epay-exporter check --online` as a person runs it: what it prints, and what it exits with."""

import contextlib
import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.processes import COMMAND, configuration, eventually, finished, free_port, simulated


@contextlib.contextmanager
def a_bank(directory: Path, *variants: str) -> Iterator[int]:
    """The simulator on a port of its own."""
    port = free_port()
    given = [argument for variant in variants for argument in ("--variant", variant)]
    with simulated(directory / "bank.log", port, *given) as process:
        eventually(lambda: "bank simulator" in process.text())
        yield port


def test_a_documented_bank_exits_with_0_and_says_what_it_found(tmp_path: Path) -> None:
    with a_bank(tmp_path) as bank:
        code, text, errors = finished("check", "--online", f"--config.file={configuration(tmp_path, bank)}")
    assert (code, errors) == (0, "")
    assert text.startswith("account main: ")
    assert text.endswith("Nothing to change.\n")
    assert "paging: page is the number of records to skip" in text


def test_what_follows_exits_with_1_and_works_when_it_is_put_into_the_file(tmp_path: Path) -> None:
    with a_bank(tmp_path, "period-field=created_date", "paging=page-index", "terminal-id=uuid", "size-cap=50") as bank:
        file = configuration(tmp_path, bank)
        code, text, errors = finished("check", "--online", f"--config.file={file}")
        assert (code, errors) == (1, "")
        changes = yaml.safe_load(text.partition("to be merged into the file:\n")[2])
        assert changes == {
            "accounts": [
                {
                    "name": "main",
                    "period_field": "created_date",
                    "terminal_filter": "client",
                    "paging": "page-index",
                }
            ],
            "poll": {"page_size": 50},
        }
        present = yaml.safe_load(file.read_text())
        present["accounts"][0] |= changes["accounts"][0]
        present["poll"] |= changes["poll"]
        file.write_text(yaml.safe_dump(present))
        assert finished("check", "--online", f"--config.file={file}")[0] == 0


def test_json_for_programs(tmp_path: Path) -> None:
    with a_bank(tmp_path, "period-field=created_date") as bank:
        file = configuration(tmp_path, bank)
        code, text, errors = finished("check", "--online", "--format=json", f"--config.file={file}")
    answer = json.loads(text)
    (account,) = answer["accounts"]
    (period,) = (found for found in account["findings"] if found["question"] == "period field")
    assert (code, errors, answer["findings"]) == (1, "", [])
    assert 0 < account["requests"] <= 40
    assert set(period) == {"question", "verdict", "answer", "evidence", "configuration"}
    assert (period["verdict"], period["configuration"]) == ("change", "period_field: created_date")


def test_a_wrong_password_exits_with_2_and_the_reason(tmp_path: Path) -> None:
    with a_bank(tmp_path) as bank:
        file = configuration(tmp_path, bank, password="wr0ng")
        code, text, errors = finished("check", "--online", f"--config.file={file}")
    assert code == 2
    assert "problem  login: the bank refused the login of account main (400 invalid_grant)" in text
    assert errors.startswith("epay-exporter: the bank refused the login of account main (400 invalid_grant): check ")
    assert "wr0ng" not in text + errors


def test_a_bank_that_is_not_there_exits_with_2(tmp_path: Path) -> None:
    file = configuration(tmp_path, free_port())
    code, _, errors = finished("check", "--online", f"--config.file={file}")
    assert (code, errors) == (2, "epay-exporter: cannot connect to 127.0.0.1: the connection is refused\n")


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_bad_file_exits_with_2_and_the_bank_is_not_asked(format_: str, tmp_path: Path) -> None:
    file = configuration(tmp_path, free_port(), more="\nunheard_of: 1")
    code, text, errors = finished("check", "--online", f"--format={format_}", f"--config.file={file}")
    assert (code, errors) == (2, "epay-exporter: the bank was not asked: the configuration comes first\n")
    assert "unheard_of" in text
    if format_ == "json":
        assert json.loads(text)["accounts"] == []


def test_progress_is_shown_on_a_terminal_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with a_bank(tmp_path) as bank:
        file = configuration(tmp_path, bank)
        ours, theirs = pty.openpty()
        done = subprocess.run(
            [*COMMAND, "check", "--online", f"--config.file={file}"],
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=30,
            check=False,
        )
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal is an error
            while piece := os.read(ours, 65536):
                shown += piece
        os.close(ours)
    assert done.returncode == 0
    assert b"\r\x1b[Kaccount main: paging" in shown
    assert shown.endswith(b"\r\x1b[K")
