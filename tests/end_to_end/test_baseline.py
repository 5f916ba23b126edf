"""Baselines on day one: a first start on a bank with five weeks of history, while polls go on as if nothing was."""

from pathlib import Path

from exporter.app import wall_clock
from exporter.model import SECOND
from tests.processes import configuration, eventually, free_port, get, sample, simulated, started

TERMINALS = ("98151552", "98230417")


def test_a_first_start_has_baselines_soon_and_no_poll_waits_for_them(tmp_path: Path) -> None:
    bank, web = free_port(), free_port()
    file = configuration(
        tmp_path,
        bank,
        TERMINALS,
        poll="interval: 3s",
        more="baseline: {history_requests_per_second: 10}",
    )
    url = f"http://127.0.0.1:{web}/metrics"
    ages: list[float] = []

    def look() -> str:
        """The metrics; how old the oldest data in them is, is written down."""
        text = get(url)[1]
        seen = [sample(text, "epay_last_poll_success_timestamp_seconds", terminal=f"t{n[-4:]}") for n in TERMINALS]
        ages.extend(wall_clock() / SECOND - at for at in seen if at is not None)
        return text

    def expected() -> str:
        text = look()
        known = [sample(text, "epay_expected_operations", terminal=f"t{n[-4:]}", window="1h") for n in TERMINALS]
        return text if all(value is not None for value in known) else ""

    run = ("run", f"--config.file={file}", f"--web.listen-address=127.0.0.1:{web}")
    with simulated(tmp_path / "bank.log", bank):
        with started(tmp_path / "first.log", *run) as first:
            text = eventually(expected, 180)
            for window in ("15m", "1h"):
                now = _window(text, "t1552", window)
                wanted, lower, upper = (
                    sample(text, f"epay_expected_operations{bound}", terminal="t1552", window=window) or 0.0
                    for bound in ("", "_lower", "_upper")
                )
                assert lower < wanted < upper
                assert lower < now < upper, "on a normal day what is there is what was expected"
            assert (sample(text, "epay_baseline_weeks", terminal="t1552") or 0) >= 3
            amount = {"terminal": "t1552", "window": "1h", "currency": "KZT"}
            assert eventually(lambda: sample(look(), "epay_expected_amount", **amount), 90)
            read = eventually(lambda: (sample(look(), "epay_baseline_progress_ratio", account="main") or 0) > 0.05, 60)
            assert read
            first.popen.kill()
            first.popen.wait()
        assert max(ages) < 6.0, "no poll has missed its turn"
        with started(tmp_path / "second.log", *run):
            assert eventually(expected, 60)
            shares = eventually(lambda: [s for s in [sample(look(), "epay_baseline_progress_ratio")] if s is not None])
            assert shares[0] > 0.04, "it went on, not anew"
    assert (tmp_path / "first.log").read_text().count("spans=") == 1


def _window(text: str, terminal: str, window: str) -> float:
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith("epay_window_operations{") and f'terminal="{terminal}",window="{window}"' in line
    )
