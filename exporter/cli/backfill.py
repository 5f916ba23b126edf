"""`backfill`: the bank's history for Prometheus."""

import asyncio
import sys
from pathlib import Path

import click

from exporter import app
from exporter.cli.ending import fail, load_or_fail
from exporter.cli.flags import config_file_flag


@click.command()
@config_file_flag
@click.option("--from", "start", required=True, metavar="T", help="The beginning: RFC 3339, a date (UTC), or now-7d.")
@click.option("--to", "end", required=True, metavar="T", help="The end, in the same forms, or now.")
@click.option("--output", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Where to write it.")
@click.option("--step", default="1m", show_default=True, help="How far apart samples are, 5m at most.")
@click.option("--force", is_flag=True, help="Replace an output that exists.")
def backfill(config_file: Path, start: str, end: str, output: Path, step: str, force: bool) -> None:
    """The bank's history as OpenMetrics, for `promtool tsdb create-blocks-from openmetrics`.

    What has been read is kept in FILE.partial until the output is whole: interrupted, the same command goes on. A day
    of a series at the step of 1m takes some 200 KiB. promtool reads the file once for each block: for more than a few
    days give it --max-block-duration=24h, before the word openmetrics. Exit 0: written, 1: incomplete, or could not
    read it, 2: wrong arguments.
    """
    config = load_or_fail(config_file)
    if problems := app.unreadable_secrets(config):
        fail(2, *problems)
    try:
        lines, complete = asyncio.run(app.backfill(config, app.Backfill(start, end, step, output, force)))
    except app.ArgumentInvalid as error:
        fail(2, str(error))
    except app.StartFailed as error:
        fail(1, str(error))
    except app.Interrupted as interrupted:
        fail(interrupted.exit_code, str(interrupted))
    for line in lines:
        click.echo(f"epay-exporter: {line}", err=True)
    sys.exit(0 if complete else 1)
