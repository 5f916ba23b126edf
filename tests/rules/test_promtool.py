"""What promtool says to the rule files and what the rules say in its tests."""

import subprocess
from pathlib import Path

import pytest

from exporter.alerting.rules import prometheus
from tests.rules.suites import ALERTS, promtool_files, rule_files
from tests.tools import require


def promtool(*arguments: str | Path, directory: Path = ALERTS) -> str:
    """promtool's complaints; empty where it has none."""
    command = [require("promtool", "prometheus"), *map(str, arguments)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.name)
def test_rule_files_are_understood(path: Path) -> None:
    assert promtool("check", "rules", path) == ""


def test_the_printed_rules_are_understood(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(prometheus("1.0"), encoding="utf-8")

    assert promtool("check", "rules", "rules.yaml", directory=tmp_path) == ""


@pytest.mark.parametrize("path", promtool_files(), ids=lambda path: path.name.removesuffix(".test.yaml"))
def test_rules_do_what_their_tests_say(path: Path) -> None:
    assert promtool("test", "rules", path.name, directory=path.parent) == ""
