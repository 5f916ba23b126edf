"""Arguments in, exit code out.

Exit codes: 0 fine, or stopped by a signal; 1 the exporter could not start or `check` has findings; 2 the command line
or the configuration is wrong, or `check` could not run.
"""

import os
import platform
import sys
from typing import NoReturn

import click

from exporter import __version__
from exporter.cli.backfill import backfill
from exporter.cli.backtest import backtest
from exporter.cli.checking import check
from exporter.cli.rules import rules
from exporter.cli.serving import run
from exporter.cli.simulating import demo, simulate


def main() -> NoReturn:
    """The command `epay-exporter`."""
    commands(prog_name="epay-exporter")
    sys.exit(0)  # not reached: click exits by itself


class _Commands(click.Group):
    """`run` may be left out: what begins with a flag is meant for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in {"--help", "--version"}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


def _version() -> str:
    revision = os.environ.get("EPAY_EXPORTER_REVISION", "unknown")
    return f"{__version__} (revision: {revision}, Python {platform.python_version()}, {platform.system().lower()})"


@click.group(cls=_Commands, context_settings={"max_content_width": 110})
@click.version_option(_version(), prog_name="epay-exporter", message="%(prog)s %(version)s")
def commands() -> None:
    """Prometheus exporter for card-to-card transfers at Halyk Bank's ePay.

    Without a command, `run` is meant: epay-exporter --config.file=FILE
    """


for command in (run, check, backfill, backtest, rules, simulate, demo):
    commands.add_command(command)
