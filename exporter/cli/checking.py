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
from exporter.cli.flags import config_file_flag, web_config_file_flag
from exporter.cli.protecting import protection_of
from exporter.config import Config, ConfigInvalid, Problem, load, shown_state


@click.command()
@config_file_flag
@web_config_file_flag
@click.option("--online", is_flag=True, help="Ask the bank as well.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check(config_file: Path, web_config_file: str | None, online: bool, format_: str) -> None:
    """Find all errors of a configuration at once. Exit 0: none, 1: some, 2: could not look.

    What can be used and is hardly meant is a warning on stderr, and changes no exit code.

    A web configuration is checked as well where it is given, with the certificates and keys that it names. With
    --online the bank is asked, read-only and with at most 40 requests an account: what its documentation leaves open,
    and which lines of configuration follow.
    """
    _, web_problems = protection_of(web_config_file)
    config, problems = _loaded(config_file)
    for file in (config_file, *([Path(web_config_file)] if web_config_file else [])):
        if not file.is_file():
            fail(2, *map(str, (*problems, *web_problems)))
    said = (*app.unreadable_secrets(config), *app.expired_authorities(config, app.wall_clock())) if config else ()
    lines = [*map(str, problems), *(f"{config_file}: {line}" for line in said), *map(str, web_problems)]
    findings = [
        *map(_finding, problems),
        *(
            {"file": str(config_file), "line": None, "key": line.split(":", 1)[0], "text": line, "hint": None}
            for line in said
        ),
        *map(_finding, web_problems),
    ]
    doubts = config.doubts if config else ()
    for each in doubts:
        click.echo(f"warning: {each}", err=True)
    if online and config is not None and not findings:
        _check_online(config, format_)
    if format_ == "json":
        accounts: dict[str, Any] = {"accounts": []} if online else {}
        click.echo(
            json.dumps(
                {**accounts, "findings": findings, "warnings": [*map(_finding, doubts)]}, ensure_ascii=False, indent=2
            )
        )
    else:
        for line in lines or _fine(config_file, config, web_config_file):
            click.echo(line)
    if online:
        fail(2, "the bank was not asked: the configuration comes first")
    sys.exit(1 if findings else 0)


def _loaded(path: Path) -> tuple[Config | None, tuple[Problem, ...]]:
    try:
        return load(path, os.environ), ()
    except ConfigInvalid as error:
        return None, error.problems


def _finding(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "text": problem.text,
        "hint": problem.hint,
    }


def _fine(path: Path, config: Config | None, web_path: str | None) -> list[str]:
    lines = [f"{path}: fine: {_summary(config)}"] if config else []
    return [*lines, f"{web_path}: fine"] if web_path else lines


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
    return (
        f"accounts: {len(config.accounts)}, terminals: {len(config.terminals)}, state: {shown_state(config.state_url)}"
    )
