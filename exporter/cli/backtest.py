"""`backtest`: which volume alarms there would have been."""

import asyncio
from pathlib import Path

import click
from click.core import ParameterSource

from exporter.app import ArgumentInvalid, Interrupted, StartFailed, unreadable_secrets
from exporter.app.backtesting import backtest_bank, backtest_csv
from exporter.cli.ending import fail, load_or_fail
from exporter.cli.flags import flag


@click.command()
@click.option("--csv", "csv_file", metavar="FILE", type=click.Path(path_type=Path), help="Header: timestamp,value.")
@click.option("--step", metavar="DURATION", help="How far apart the CSV's points are: 15m, 1h.")
@flag("--config.file", metavar="FILE", type=click.Path(path_type=Path), help="The YAML configuration.")
@click.option("--from", "start", metavar="T", help="The beginning, with --config.file.")
@click.option("--to", "end", metavar="T", help="The end, with --config.file.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def backtest(
    csv_file: Path | None, step: str | None, config_file: Path | None, start: str | None, end: str | None, format_: str
) -> None:
    """Which volume alarms the defaults would have raised over a series of the past.

    Each point is judged knowing only what came before it, by the bounds that the exporter exposes; there is no alarm
    in the first three weeks. Exit 0: replayed, with or without alarms, 2: wrong arguments or a wrong file.
    """
    try:
        if csv_file is not None:
            # The environment may name the configuration for other commands; only the command line conflicts.
            if click.get_current_context().get_parameter_source("config_file") is ParameterSource.COMMANDLINE:
                fail(2, "backtest: --csv and --config.file are two histories: leave out one of them")
            if start or end:
                fail(2, "backtest: --from and --to belong to --config.file, a CSV is replayed whole: leave them out")
            if step is None:
                fail(2, "backtest: --csv needs --step=DURATION: how far apart its points are, like 15m or 1h")
            text, notes = backtest_csv(csv_file, step, format_)
        elif config_file is not None and start and end:
            if step is not None:
                fail(2, "backtest: --step belongs to --csv, the bank's history has quarters of an hour: leave it out")
            config = load_or_fail(config_file)
            if problems := unreadable_secrets(config):
                fail(2, *problems)
            text, notes = asyncio.run(backtest_bank(config, start, end, format_))
        else:
            fail(2, "backtest: give --csv=FILE --step=DURATION, or --config.file=FILE --from=T --to=T")
    except ArgumentInvalid as error:
        fail(2, str(error))
    except StartFailed as error:
        fail(1, str(error))
    except Interrupted as interrupted:
        fail(interrupted.exit_code, str(interrupted))
    for note in notes:
        click.echo(f"epay-exporter: {note}", err=True)
    click.echo(text)
