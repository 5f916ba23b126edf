"""What the compose file says, as Docker's own program reads it, and its services as processes of this machine."""

import importlib.util
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.shipped import ROOT
from tests.tools import require

FILE: Final = ROOT / "compose.yaml"
PASSWORD: Final = "kept by nobody"
NAMED: Final = {"GF_SECURITY_ADMIN_PASSWORD": PASSWORD}

Service = dict[str, Any]


def program() -> list[str]:
    """Docker Compose out of its Python package, whose own command hides the exit code; else that of the machine."""
    found = importlib.util.find_spec("compose")
    if found is not None and found.origin is not None:
        return [str(Path(found.origin).parent / "docker-compose")]
    return [require("docker", "docker-compose-v2"), "compose"]


def docker_compose(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What `docker compose` makes of the file. No .env is read."""
    command = [*program(), "--file", str(FILE), "--env-file", os.devnull, *arguments]
    around = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, env=around | environ, capture_output=True, text=True, timeout=60, check=False)


@cache
def services(*profiles: str) -> dict[str, Service]:
    """What `docker compose up` starts, with all that is written shortly written out."""
    chosen = [f"--profile={profile}" for profile in profiles]
    done = docker_compose(*chosen, "config", "--format=json", **NAMED)
    assert done.returncode == 0, done.stderr
    found: dict[str, Service] = json.loads(done.stdout)["services"]
    return found


def written() -> dict[str, Any]:
    """The file itself, before variables are put in."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def mounts(service: Service, kind: str) -> dict[str, Path]:
    """Place in the container → source."""
    return {each["target"]: Path(each["source"]) for each in service.get("volumes", ()) if each["type"] == kind}


def laid_out(service: Service, root: Path) -> Path:
    """A directory with what the container finds beside its image: copies of its files, and empty volumes."""
    for target, source in mounts(service, "bind").items():
        place = root / target.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place)
        else:
            shutil.copy(source, place)
    for target in mounts(service, "volume"):
        (root / target.removeprefix("/")).mkdir(parents=True)
    return root


def moved(arguments: list[str], service: Service, root: Path) -> list[str]:
    """Arguments whose paths in the container are those under `root`."""
    places = [*mounts(service, "bind"), *mounts(service, "volume")]
    return [_moved(argument, places, root) for argument in arguments]


def _moved(argument: str, places: list[str], root: Path) -> str:
    flag, equals, value = argument.rpartition("=")
    return f"{flag}{equals}{root}{value}" if value.startswith(tuple(places)) else argument
