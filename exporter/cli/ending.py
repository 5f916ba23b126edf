"""How commands end: an exit code, and one line for each thing that is wrong."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click

from exporter import app
from exporter.config import Config, ConfigInvalid, load


def load_or_fail(path: Path, also_wrong: tuple[str, ...] = ()) -> Config:
    """The configuration, or an end with all that is wrong with it, and what else is wrong."""
    try:
        config = load(path, os.environ)
    except ConfigInvalid as error:
        fail(2, *map(str, error.problems), *also_wrong)
    if also_wrong:
        fail(2, *also_wrong)
    return config


def run_to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Run what ends by a signal, or cannot start."""
    try:
        asyncio.run(work)
    except app.StartFailed as error:
        fail(1, str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def fail(code: int, *lines: str) -> NoReturn:
    """End with an exit code and these lines on the standard error."""
    for line in lines:
        click.echo(f"epay-exporter: {line}", err=True)
    sys.exit(code)
