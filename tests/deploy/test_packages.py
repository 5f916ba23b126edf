"""Wheel and sdist build, and the sdist is enough to build the same wheel again."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from exporter.alerting.rules import FILES
from tests.deploy.shipped import ROOT


def build(directory: Path, target: str, into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=120)
    (built,) = into.iterdir()
    return built


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_sdist_builds_the_wheel_that_the_checkout_builds(tmp_path: Path) -> None:
    sdist = build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert {"pyproject.toml", "CHANGELOG.md", "LICENSE", "config.example.yaml"} <= names
    assert {"README.md", "README.ru.md", "README.kk.md"} <= names
    assert not [name for name in names if name.startswith(("tests/", ".venv/", "dist/"))]
    assert {name for name in names if name.startswith("grafana/")} == {f"grafana/alerts/{name}" for name in FILES}

    again = contents(build(unpacked, "wheel", tmp_path / "again"))
    assert again == contents(build(ROOT, "wheel", tmp_path / "wheel"))
