"""`check`: what is wrong with a configuration, and what the bank says to it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from exporter import app
from exporter.cli.ending import fail
from exporter.cli.flags import config_file_flag
from exporter.config import Config, ConfigInvalid, load


@click.command()
@config_file_flag
@click.option("--online", is_flag=True, help="Ask the bank as well.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check(config_file: Path, online: bool, format_: str) -> None:
    """Find all errors of a configuration at once. Exit 0: none, 1: some, 2: could not look.

    With --online the bank is asked as well, read-only and with at most 40 requests an account: what its documentation
    leaves open, and which lines of configuration follow.
    """
    findings: list[dict[str, Any]] = []
    lines: list[str] = []
    try:
        config = load(config_file, os.environ)
    except ConfigInvalid as error:
        if not config_file.is_file():
            fail(2, *map(str, error.problems))
        lines = [str(problem) for problem in error.problems]
        findings = [
            {"file": p.file, "line": p.line, "key": p.key, "text": p.text, "hint": p.hint} for p in error.problems
        ]
    else:
        lines = [f"{config_file}: {problem}" for problem in app.unreadable_secrets(config)]
        findings = [
            {"file": str(config_file), "line": None, "key": problem.split(":", 1)[0], "text": problem, "hint": None}
            for problem in app.unreadable_secrets(config)
        ]
        if online and not findings:
            _check_online(config, format_)
    if format_ == "json":
        accounts: dict[str, Any] = {"accounts": []} if online else {}
        click.echo(json.dumps({**accounts, "findings": findings}, ensure_ascii=False, indent=2))
    else:
        for line in lines or [f"{config_file}: fine: {_summary(config)}"]:
            click.echo(line)
    if online:
        fail(2, "the bank was not asked: the configuration comes first")
    sys.exit(1 if findings else 0)


def _check_online(config: Config, format_: str) -> NoReturn:
    try:
        examined = asyncio.run(app.examine(config))
    except KeyboardInterrupt:
        sys.exit(130)
    click.echo(examined.json if format_ == "json" else examined.text)
    if examined.obstacles:
        fail(examined.exit_code, *examined.obstacles)
    sys.exit(examined.exit_code)


def _summary(config: Config) -> str:
    return f"accounts: {len(config.accounts)}, terminals: {len(config.terminals)}, state: {config.state_url}"
