"""The unit starts what there is, with credentials where the configuration looks for them, and is well locked up."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.config.keys import SECRETS
from tests.deploy.shipped import DEPLOY, PORT, given, loaded
from tests.tools import require

UNIT = DEPLOY / "systemd" / "epay-exporter.service"
SETTINGS: list[tuple[str, str]] = re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
EXPOSURE = 20
"""Tenths, of 100, by `systemd-analyze security`. Systemd 252 says 12; others weigh a little differently."""


def setting(name: str) -> str:
    (value,) = (value for key, value in SETTINGS if key == name)
    return value


def test_the_command_line_is_one() -> None:
    program, *arguments = shlex.split(setting("ExecStart"))
    flags = given(arguments)
    assert Path(program).name == "epay-exporter"
    assert flags["--config.file"] == "/etc/epay-exporter/config.yaml"
    assert flags["--web.listen-address"] == f"127.0.0.1:{PORT}"


def test_credentials_are_handed_over_where_the_configuration_looks(tmp_path: Path) -> None:
    handed = [value.split(":", 1) for key, value in SETTINGS if key == "LoadCredential"]
    assert handed == [[name, f"/etc/epay-exporter/credentials/{name}"] for name in SECRETS]
    text = (DEPLOY / "systemd" / "config.yaml").read_text(encoding="utf-8")
    config = loaded(text, tmp_path, "${CREDENTIALS_DIRECTORY}", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert config.accounts[0].client_secret.read() == "the client_secret"
    assert config.state_url.startswith(f"sqlite:////var/lib/{setting('StateDirectory')}/")


def test_a_mistake_in_the_configuration_is_not_tried_again_and_again() -> None:
    assert setting("Restart") == "on-failure"
    assert setting("RestartPreventExitStatus") == "2"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with the exporter of this environment, as if it lay where the unit says."""
    program = Path(sys.executable).with_name("epay-exporter")
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/epay-exporter/bin/epay-exporter", str(program)), encoding="utf-8")
    return unit


def test_systemd_takes_it_without_a_word(installed: Path) -> None:
    command = [require("systemd-analyze", "systemd"), "verify", "--man=no", "--recursive-errors=no", str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_locked_up(installed: Path) -> None:
    command = [require("systemd-analyze", "systemd"), "security", "--offline=yes", f"--threshold={EXPOSURE}"]
    done = subprocess.run([*command, str(installed)], capture_output=True, text=True, timeout=60, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd-analyze is older than 250: it cannot look at files")
    assert done.returncode == 0, done.stdout
    assert setting("DynamicUser") == "yes"
    assert setting("ProtectSystem") == "strict"
