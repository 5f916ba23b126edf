"""The image's steps, as far as they can be taken without a container engine."""

import importlib.util
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_everything_that_is_copied_exists_and_is_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }

    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_does_not_run_as_root_and_watches_itself() -> None:
    assert re.search(r"^USER 65532:65532$", DOCKERFILE, re.MULTILINE)
    (module,) = re.findall(r'^HEALTHCHECK .*\\\n +CMD \["python", "-m", "([a-z.]+)"\]$', DOCKERFILE, re.MULTILINE)
    assert importlib.util.find_spec(module) is not None


def test_the_revision_of_the_build_reaches_label_and_exporter() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    (variable,) = re.findall(r"(EPAY_\w+)=\"\$\{REVISION\}\"$", last_stage, re.MULTILINE)
    assert re.search(r"^ARG REVISION=unknown$", last_stage, re.MULTILINE)
    assert 'image.revision="${REVISION}"' in last_stage

    command = [sys.executable, "-m", "exporter", "--version"]
    environment = {**os.environ, variable: "0123abc"}
    shown = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert "(revision: 0123abc, " in shown.stdout


def test_the_wheel_installs_with_locked_dependencies_only_and_runs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"exporter/data/outcomes.yaml", "exporter/web/templates/status.html", "exporter/py.typed"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "grafana/"))]

    venv.create(tmp_path / "venv", with_pip=True)
    pip = [str(tmp_path / "venv/bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    for arguments in (["--require-hashes", "-r", "requirements.lock"], ["--no-deps", str(wheel)]):
        done = subprocess.run([*pip, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        if "No matching distribution" in done.stderr or "Could not find a version" in done.stderr:
            pytest.skip("no package index within reach: the wheel's installation was not tried")
        assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [tmp_path / "venv/bin/epay-exporter", "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    assert "simulate" in shown.stdout
