"""`run`: the exporter itself."""

from pathlib import Path

import click
import structlog

from exporter import __version__, app, logs
from exporter.cli.ending import fail, load_or_fail, run_to_the_end
from exporter.cli.flags import (
    config_file_flag,
    flag,
    listen_address_flag,
    log_format_flag,
    log_level_flag,
    telemetry_path_flag,
    web_config_file_flag,
)
from exporter.cli.protecting import protection_of
from exporter.sharding import Shard


@click.command()
@config_file_flag
@listen_address_flag
@telemetry_path_flag
@web_config_file_flag
@flag("--web.enable-lifecycle", is_flag=True, help="Allow a reload by POST /-/reload.")
@flag(
    "--shard",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Which of the shards this exporter reads, from 0.",
)
@flag(
    "--total-shards",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Into how many shards the terminals are divided, by a hash of their names.",
)
@log_level_flag
@log_format_flag
def run(
    config_file: Path,
    web_listen_address: tuple[str, ...],
    web_telemetry_path: str,
    web_config_file: str | None,
    web_enable_lifecycle: bool,
    shard: int,
    total_shards: int,
    log_level: str,
    log_format: str,
) -> None:
    """Poll the bank and serve the metrics."""
    protection, problems = protection_of(web_config_file)
    options = app.Options(
        web_listen_address,
        _path(web_telemetry_path),
        protection,
        config_file,
        web_enable_lifecycle,
        _shard(shard, total_shards),
    )
    config = load_or_fail(config_file, tuple(map(str, problems)))
    if unreadable := app.unreadable_secrets(config):
        fail(2, *unreadable)
    logs.configure(log_level, log_format, app.readable_secrets(config))
    log = structlog.get_logger("epay.cli")
    log.info(
        "starting",
        version=__version__,
        config=str(config_file),
        accounts=len(config.accounts),
        terminals=len(config.terminals),
    )
    app.warn_of_expired_authorities(config)
    app.tell_doubts(config)
    if protection is not None:
        protection.announce()
    run_to_the_end(app.run(config, options))


def _shard(ordinal: int, total: int) -> Shard:
    if ordinal >= total:
        fail(2, f"--shard: {ordinal} is none of {total} shards: they are counted from 0, so the last is {total - 1}")
    return Shard(ordinal, total)


def _path(telemetry_path: str) -> str:
    if not telemetry_path.startswith("/") or telemetry_path == "/" or telemetry_path.startswith("/-/"):
        fail(2, f'--web.telemetry-path: "{telemetry_path}" must begin with "/" and not be "/" or under "/-/"')
    return telemetry_path
