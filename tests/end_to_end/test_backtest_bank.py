"""`backtest` over the bank's own history: read at the polite rate, replayed, nothing written."""

import json
from pathlib import Path

from tests.processes import configuration, eventually, finished, free_port, get, simulated


def test_the_bank_s_history_of_a_normal_time_raises_no_alarm(tmp_path: Path) -> None:
    bank = free_port()
    file = configuration(tmp_path, bank, ("98407761",), more="baseline: {history_requests_per_second: 500}")
    with simulated(tmp_path / "bank.log", bank):
        eventually(lambda: get(f"http://127.0.0.1:{bank}/truth")[0])
        command = ("backtest", f"--config.file={file}", "--from=now-1d", "--to=now")
        code, out, err = finished(*command, "--format=json")

    assert (code, err) == (0, "")
    assert json.loads(out)["alarms"] == []
    assert json.loads(out)["points"] in {94, 95}, "what may not be listed yet is left out"
    assert not (tmp_path / "state.db").exists(), "a running exporter holds it"


def test_a_bank_that_does_not_answer_and_a_span_that_is_none_are_told_apart(tmp_path: Path) -> None:
    file = configuration(tmp_path, free_port())

    code, _, err = finished("backtest", f"--config.file={file}", "--from=now-1d", "--to=now")
    assert (code, err.count("\n")) == (1, 1)
    assert "127.0.0.1" in err
    code, _, err = finished("backtest", f"--config.file={file}", "--from=now", "--to=now-1d")
    assert (code, err[:22]) == (2, "epay-exporter: --from ")
    code, _, err = finished("backtest", f"--config.file={file}", "--from=now-1d")
    assert (code, "--to=T" in err) == (2, True)
