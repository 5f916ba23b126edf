"""The command `backtest`, as a person and as a program run it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

_HOURS = 5 * 7 * 24


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exporter", "backtest", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """Five weeks of hours from 2026-03-01; a stop from 06:00 to 09:00 on 2026-04-01."""
    begin = 1_772_323_200
    outage = range(31 * 24 + 6, 31 * 24 + 9)
    rows = [f"{begin + 3600 * hour},{0 if hour in outage else 500 + hour % 24}" for hour in range(_HOURS)]
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["\ufefftimestamp,value", *rows, ""]), encoding="utf-8")
    return path


def test_json_is_the_alarms_and_the_number_of_points(csv_file: Path) -> None:
    done = _run(f"--csv={csv_file}", "--step=1h", "--format=json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "alarms": [{"start": "2026-04-01T06:00:00Z", "end": "2026-04-01T09:00:00Z", "direction": "drop"}],
        "points": _HOURS,
    }


def test_text_is_a_table_for_a_person(csv_file: Path) -> None:
    done = _run(f"--csv={csv_file}", "--step=1h")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "START (UTC)           END                         FOR  DIRECTION",
        "2026-04-01 06:00:00   2026-04-01 09:00:00          3h  drop",
        "",
        "alarms: 1, points: 840, weeks: 5.0",
    ]


def test_a_series_of_two_weeks_has_no_alarm_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("timestamp,value\n" + "".join(f"{3600 * hour},{hour % 7 * 90}\n" for hour in range(336)))
    done = _run(f"--csv={path}", "--step=1h")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "alarms: 0, points: 336, weeks: 2.0")
    assert "no alarm can come of 2.0 weeks" in done.stdout
    done = _run(f"--csv={path}", "--step=1h", "--format=json")
    assert json.loads(done.stdout) == {"alarms": [], "points": 336}
    assert "no alarm can come of 2.0 weeks" in done.stderr


def test_what_was_left_out_is_said_beside_the_result(csv_file: Path) -> None:
    csv_file.write_text(csv_file.read_text(encoding="utf-8") + "1772323200,\n", encoding="utf-8")
    done = _run(f"--csv={csv_file}", "--step=1h", "--format=json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["points"] == _HOURS - 1
    assert "1 point(s) without a value: left out" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "give --csv=FILE --step=DURATION"),
        (("--csv={csv}",), "--csv needs --step=DURATION"),
        (("--csv={csv}", "--step=60"), '--step: "60" is not a duration like 15s, 5m or 1h30m: did you mean "60s"?'),
        (("--csv={csv}", "--step=0"), '--step: "0"'),
        (("--csv={csv}", "--step=1 fortnight"), "--step"),
        (("--csv={csv}", "--step=1w"), "longer than a day"),
        (("--csv={csv}", "--step=5m"), "give --step=1h"),
        (("--csv={csv}.none", "--step=1h"), "No such file or directory"),
        (("--csv={csv}", "--step=1h", "--from=now-7d"), "leave them out"),
        (("--csv={csv}", "--step=1h", "--config.file={csv}"), "--csv and --config.file are two histories"),
        (("--config.file={csv}", "--step=1h", "--from=now-7d", "--to=now"), "--step belongs to --csv"),
    ],
)
def test_what_cannot_be_replayed_ends_with_two(csv_file: Path, arguments: tuple[str, ...], text: str) -> None:
    done = _run(*(argument.format(csv=csv_file) for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_named_by_the_environment_does_not_stand_against_a_csv(
    csv_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPAY_EXPORTER_CONFIG_FILE", str(csv_file))
    assert _run(f"--csv={csv_file}", "--step=1h").returncode == 0


def test_hours_without_a_line_are_said_and_not_taken_for_an_outage(csv_file: Path) -> None:
    lines = csv_file.read_text(encoding="utf-8").splitlines()
    outage = [line for line in lines if not line.endswith(",0")]
    csv_file.write_text("\n".join([*outage, ""]), encoding="utf-8")
    done = _run(f"--csv={csv_file}", "--step=1h", "--format=json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"alarms": [], "points": _HOURS - 3})
    assert "3 step(s) without a line, the longest gap from 2026-04-01T06:00:00Z to 2026-04-01T09:00:00Z" in done.stderr


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(b"timestamp,value\n0,\xff\n")
    done = _run(f"--csv={path}", "--step=1h")
    assert done.returncode == 2
    assert "not UTF-8" in done.stderr


def test_ten_thousand_points_take_seconds(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("timestamp,value\n" + "".join(f"{1800 * slot},{slot % 48 * 90}\n" for slot in range(10_000)))
    begin = time.perf_counter()
    assert _run(f"--csv={path}", "--step=30m").returncode == 0
    # Two seconds on a machine of one's own; the bound is for one that is shared.
    assert time.perf_counter() - begin < 20
