"""deploy/README.md shows commands that can be given, of files and targets that there are."""

import re
import shlex

import pytest

from exporter import cli
from tests.deploy.shipped import DEPLOY, ROOT

README = (DEPLOY / "README.md").read_text(encoding="utf-8")
SHOWN = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")


def test_commands_of_the_exporter_can_be_given() -> None:
    found = re.findall(r"bin/epay-exporter (.+)$", SHOWN, re.MULTILINE)
    assert found
    for line in found:
        name, *arguments = shlex.split(line)
        cli.commands.commands[name].make_context(name, arguments)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert named == {"image-test", "audit", "sbom"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bdeploy/[\w./-]+\w|\brequirements[\w.-]*\.lock", SHOWN))))
def test_files_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_links_lead_somewhere() -> None:
    assert all((DEPLOY / target).exists() for target in re.findall(r"\]\(([^)#\s]+)\)", README))
