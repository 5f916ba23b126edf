"""What the shipped files of a deployment are held to: the command line, the endpoints and the configuration."""

from collections.abc import Mapping
from pathlib import Path

import click
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from exporter import cli
from exporter.config import Config, load
from exporter.config.keys import SECRETS
from exporter.model import Snapshot, Totals
from exporter.web import create_app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
USER = 65532
"""The image's."""


def options() -> dict[str, click.Option]:
    """The flags of `epay-exporter run`."""
    parameters = cli.commands.commands["run"].params
    return {name: each for each in parameters if isinstance(each, click.Option) for name in each.opts}


def default(flag: str) -> str:
    """What a flag is where it is not given; the first of several."""
    value = options()[flag].default
    return str(value[0] if isinstance(value, tuple) else value)


PORT = int(default("--web.listen-address").rpartition(":")[2])
METRICS = default("--web.telemetry-path")


def given(arguments: list[str]) -> dict[str, str]:
    """Flag → value of a command line, which must be one that `run` takes."""
    assert arguments[0] == "run"
    cli.commands.commands["run"].make_context("run", list(arguments[1:]))
    return dict(argument.split("=", 1) for argument in arguments[1:])


def endpoints() -> set[str]:
    """The paths that are served."""
    app = create_app(lambda: Snapshot(0, 0, 0, (), Totals()), CollectorRegistry(), lambda: 0)
    return {route.path for route in app.routes if isinstance(route, Route)}


def loaded(text: str, directory: Path, credentials: str, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration in `text`, whose credentials are files of the directory that it calls `credentials`."""
    for name in SECRETS:
        assert text.count(f"{name}_file: {credentials}/{name}\n") == 1
        (directory / name).write_text(f"the {name}\n", encoding="utf-8")
    path = directory / "config.yaml"
    path.write_text(text if environment else text.replace(credentials, str(directory)), encoding="utf-8")
    return load(path, environment or {})
