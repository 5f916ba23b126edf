"""The bill of materials is the lock file's, and README has a reason for each direct dependency."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.deploy.shipped import DEPLOY, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
WANTED = {re.split(r"[^\w.-]", dependency, maxsplit=1)[0].lower() for dependency in PROJECT["dependencies"]}


def sbom() -> str:
    command = [sys.executable, str(DEPLOY / "sbom.py")]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sbom())
    return found


def test_every_locked_package_is_a_component_with_all_its_hashes() -> None:
    components = document()["components"]
    pins = set(re.findall(r"^([\w.-]+)(?:\[[^]]+\])?==([\w.]+)", LOCK, re.MULTILINE))
    assert {(each["name"], each["version"]) for each in components} == pins
    hashes = [each["content"] for part in components for each in part["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall("sha256:([0-9a-f]{64})", LOCK))


def test_every_component_is_there_because_of_another() -> None:
    found = document()
    itself = found["metadata"]["component"]["bom-ref"]
    needs = {each["ref"]: set(each["dependsOn"]) for each in found["dependencies"]}
    references = {each["bom-ref"] for each in found["components"]}
    assert set(needs) == references | {itself}
    assert set().union(*needs.values()) == references
    direct = {reference.removeprefix("pkg:pypi/").partition("@")[0] for reference in needs[itself]}
    assert direct == WANTED


def test_the_same_lock_gives_the_same_document() -> None:
    assert sbom() == sbom()


def test_only_what_is_locked_with_hashes_is_taken_for_granted(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    for name in ("deploy/sbom.py", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "requirements.lock").write_text(f"{LOCK}\nnaked==1.0\n", encoding="utf-8")
    command = [sys.executable, str(tmp_path / "deploy/sbom.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "requirements.lock is not as `make lock` writes it" in done.stderr


def test_readme_has_a_reason_for_each_dependency() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("### Dependencies\n")[2].partition("\n#")[0]
    reasons = dict(re.findall(r"^\| `([\w.-]+)` \| (.+) \|$", table, re.MULTILINE))
    assert set(reasons) == WANTED
