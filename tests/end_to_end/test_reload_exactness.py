"""Reloads among traffic and faults: the counters are the bank's truth to the last tiyn, and none ever goes back."""

import signal
import time
from pathlib import Path
from typing import Any

import yaml

from tests.end_to_end.bank_of_the_judge import NS, Bank, make_world
from tests.end_to_end.test_exactness import (
    Exporter,
    Watch,
    await_a_search,
    await_truth,
    enough,
    eventually,
    running,
)


def rewrite(exporter: Exporter, turn: int) -> None:
    """Another configuration each time: of all accounts, of the one, of thresholds only, and a bad one."""
    config: dict[str, Any] = yaml.safe_load(exporter.config.read_text(encoding="utf-8"))
    match turn % 4:
        case 0:
            config["poll"]["page_size"] = 300 + turn
        case 1:
            config["accounts"][0]["terminals"].reverse()
        case 2:
            config["alerts"] = {"defaults": {"stuck_pending": {"critical": 901 + turn}}}
        case 3:
            config["poll"]["intervall"] = "1s"
    exporter.config.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    assert exporter.process is not None
    exporter.process.send_signal(signal.SIGHUP)
    if turn % 4 == 3:
        said = exporter.log.read_text().count("configuration refused")
        eventually(lambda: exporter.log.read_text().count("configuration refused") > said, 3)
        del config["poll"]["intervall"]
        exporter.config.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")


def test_reloads_in_the_midst_of_polls_among_all_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    start = time.time_ns()
    world = make_world(start, traffic=25, rate=40, seed=11, poison=0.02)
    bank = Bank(world, fault_rate=0.03, faults_until=world.end + 2 * NS)
    with bank.serving(), running(tmp_path, bank) as exporter:
        watch = Watch(exporter)
        for turn in range(21):
            watch.until(start + (3 + turn) * NS)
            await_a_search(bank)
            rewrite(exporter, turn)
        watch.until(world.end)

        await_truth(watch, world, seconds=120)

        log = exporter.log.read_text()
        assert log.count("configuration reloaded") >= 12
        assert log.count("configuration refused") >= 4
        assert "defect" not in log
        assert enough(watch.look()) > 30 * 20
        assert watch.complaints == []
        assert bank.violations == []
        assert exporter.stop() == 0
