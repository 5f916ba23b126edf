"""`epay-exporter rules`: what it prints is what the repository ships, and a wheel anywhere prints the same."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from exporter.alerting.rules import FILES
from tests.processes import finished
from tests.tools import require

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "grafana" / "alerts"


def test_the_rules_are_printed_for_prometheus(tmp_path: Path) -> None:
    code, shown, errors = finished("rules")

    assert (code, errors) == (0, "")
    path = tmp_path / "rules.yaml"
    path.write_text(shown, encoding="utf-8")
    check = [require("promtool", "prometheus"), "check", "rules", str(path)]
    assert subprocess.run(check, capture_output=True, timeout=60, check=False).returncode == 0


def test_the_rules_are_printed_for_grafana_with_links_and_data_source_of_ones_own() -> None:
    code, shown, errors = finished(
        "rules",
        "--format=grafana",
        "--grafana-url=https://grafana.example.com/",
        "--runbook-url=https://wiki.example.com/epay",
        "--datasource-uid=mimir",
    )

    assert (code, errors) == (0, "")
    rules = [rule for group in yaml.safe_load(shown)["groups"] for rule in group["rules"]]
    assert len(rules) > 30
    for rule in rules:
        assert rule["annotations"]["dashboard_url"].startswith("https://grafana.example.com/d/epay-")
        assert rule["annotations"]["runbook_url"] == f"https://wiki.example.com/epay#{rule['title'].lower()}"
        assert rule["data"][0]["datasourceUid"] == "mimir"


@pytest.mark.parametrize(
    "flag", ["--grafana-url=grafana", "--runbook-url=https://a#b", "--datasource-uid=a b", "--format=json"]
)
def test_a_wrong_flag_is_named(flag: str) -> None:
    code, shown, errors = finished("rules", flag)

    assert (code, shown) == (2, "")
    assert f"'{flag.partition('=')[0]}'" in errors


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout."""
    into = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = into.iterdir()
    return built


def printed_by(directory: Path) -> subprocess.CompletedProcess[str]:
    """What the package that is unpacked in a directory prints."""
    command = [sys.executable, "-m", "exporter", "rules"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=False)


def test_a_wheel_carries_the_rules_and_prints_them_anywhere(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = {name: archive.read(name) for name in archive.namelist() if name.startswith("exporter/data/alerts/")}
        archive.extractall(tmp_path)

    assert carried == {f"exporter/data/alerts/{name}": (ALERTS / name).read_bytes() for name in FILES}
    assert printed_by(tmp_path).stdout == finished("rules")[1]


def test_an_installation_that_lacks_rules_says_so(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "exporter/data/alerts/volume.yaml").unlink()

    done = printed_by(tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "epay-exporter: volume.yaml cannot be read: No such file or directory\n"
