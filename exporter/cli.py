"""Arguments in, exit code out.

Exit codes: 0 fine, or stopped by a signal; 1 the exporter could not start or `check` has findings; 2 the command line
or the configuration is wrong, or `check` could not run.
"""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click
import structlog

from exporter import __version__, app, logs
from exporter.config import Config, ConfigInvalid, load
from exporter.simulator.faults import FAULTS
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.server import Settings, serve
from exporter.simulator.settings import VARIANTS
from exporter.web import Protection

_ENVIRONMENT = "EPAY_EXPORTER_"


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


def _flag(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A flag in the Prometheus manner that an environment variable can give as well."""
    parameter = name.removeprefix("--").replace(".", "_").replace("-", "_")
    settings.setdefault("show_envvar", True)
    return click.option(name, parameter, envvar=_ENVIRONMENT + parameter.upper(), **settings)


_config_file = _flag(
    "--config.file", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The YAML configuration."
)
_listen_address = _flag(
    "--web.listen-address",
    multiple=True,
    default=(":10084",),
    show_default=":10084",
    metavar="ADDRESS",
    help="Where to serve metrics and pages; may be given several times.",
)
_telemetry_path = _flag(
    "--web.telemetry-path", default="/metrics", show_default=True, metavar="PATH", help="Where the metrics are."
)
_log_level = _flag(
    "--log.level",
    type=click.Choice(["debug", "info", "warn", "error"]),
    default="info",
    show_default=True,
    help="The least important kind of line that is logged.",
)
_log_format = _flag(
    "--log.format",
    type=click.Choice(["logfmt", "json", "console"]),
    default="logfmt",
    show_default=True,
    help="How lines are written to the standard error.",
)


@commands.command()
@_config_file
@_listen_address
@_telemetry_path
@_flag(
    "--web.config.file",
    metavar="FILE",
    help="TLS, basic auth, headers and a rate limit, in the exporter-toolkit's format; read again when it changes.",
)
@_flag("--web.enable-lifecycle", is_flag=True, help="Allow a reload by POST /-/reload; this version cannot reload yet.")
@_log_level
@_log_format
def run(
    config_file: Path,
    web_listen_address: tuple[str, ...],
    web_telemetry_path: str,
    web_config_file: str | None,
    web_enable_lifecycle: bool,
    log_level: str,
    log_format: str,
) -> None:
    """Poll the bank and serve the metrics."""
    protection, unprotected = _protection(web_config_file)
    options = app.Options(web_listen_address, _path(web_telemetry_path), protection)
    config = _load(config_file, unprotected)
    if problems := app.unreadable_secrets(config):
        _fail(2, *problems)
    logs.configure(log_level, log_format, app.readable_secrets(config))
    log = structlog.get_logger("epay.cli")
    log.info(
        "starting",
        version=__version__,
        config=str(config_file),
        accounts=len(config.accounts),
        terminals=len(config.terminals),
    )
    if protection is not None:
        protection.announce()
    if web_enable_lifecycle:
        log.warning("--web.enable-lifecycle: this version cannot reload: restart it to apply a new configuration")
    _run(app.run(config, options))


@commands.command()
@_config_file
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
            _fail(2, *map(str, error.problems))
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
        _fail(2, "the bank was not asked: the configuration comes first")
    sys.exit(1 if findings else 0)


def _check_online(config: Config, format_: str) -> NoReturn:
    try:
        examined = asyncio.run(app.examine(config))
    except KeyboardInterrupt:
        sys.exit(130)
    click.echo(examined.json if format_ == "json" else examined.text)
    if examined.obstacles:
        _fail(examined.exit_code, *examined.obstacles)
    sys.exit(examined.exit_code)


@commands.command()
@_config_file
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
    config = _load(config_file)
    if problems := app.unreadable_secrets(config):
        _fail(2, *problems)
    try:
        lines, complete = asyncio.run(app.backfill(config, app.Backfill(start, end, step, output, force)))
    except app.ArgumentInvalid as error:
        _fail(2, str(error))
    except app.StartFailed as error:
        _fail(1, str(error))
    except app.Interrupted as interrupted:
        _fail(interrupted.exit_code, str(interrupted))
    for line in lines:
        click.echo(f"epay-exporter: {line}", err=True)
    sys.exit(0 if complete else 1)


_scenario = click.option(
    "--scenario",
    type=click.Choice(list(SCENARIOS)),
    default="normal-day",
    show_default=True,
    help="What the bank's day is like.",
)
_speed = click.option("--speed", type=float, default=1.0, show_default=True, help="How much faster its day goes.")
_seed = click.option("--seed", type=int, default=1, show_default=True, help="Another number is another world.")
_faults = click.option(
    "--fault", "faults", multiple=True, metavar="NAME=RATE", help=f"What goes wrong, how often: {', '.join(FAULTS)}."
)
_variants = click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="NAME=VALUE",
    help=f"Where the bank differs from its documentation: {', '.join(VARIANTS)}.",
)


@commands.command()
@click.option("--listen", default="127.0.0.1:8900", show_default=True, metavar="ADDRESS", help="Where to answer.")
@_scenario
@_speed
@_seed
@_faults
@_variants
def simulate(
    listen: str, scenario: str, speed: float, seed: int, faults: tuple[str, ...], variants: tuple[str, ...]
) -> None:
    """The bank simulator alone: token, operations, and its own truth."""
    settings = _settings(scenario, speed, seed, faults, variants)

    def ready(address: str) -> None:
        click.echo(f"bank simulator: {address} (scenario {scenario}); its truth: {address}/truth", err=True)

    try:
        _run(serve(settings, app.wall_clock, *_host_and_port(listen), ready))
    except OSError as error:
        _fail(1, error.strerror or str(error))


@commands.command()
@click.option("--listen", default="127.0.0.1:8900", show_default=True, metavar="ADDRESS", help="The bank's address.")
@click.option(
    "--web.listen-address",
    "web_listen_address",
    default="127.0.0.1:10084",
    show_default=True,
    metavar="ADDRESS",
    help="Where to serve metrics and pages.",
)
@_scenario
@_speed
@_seed
@_faults
@_log_level
@_log_format
def demo(
    listen: str,
    web_listen_address: str,
    scenario: str,
    speed: float,
    seed: int,
    faults: tuple[str, ...],
    log_level: str,
    log_format: str,
) -> None:
    """The exporter against the bank simulator, until interrupted."""
    settings = _settings(scenario, speed, seed, faults, ())
    logs.configure(log_level, log_format)

    def announce(addresses: app.Addresses) -> None:
        base = addresses.exporter[0]
        click.echo(
            f"\n  status page   {base}/\n  metrics       {base}/metrics\n"
            f"  the bank      {addresses.bank}/truth\n\n  Ctrl-C ends it.\n",
            err=True,
        )

    _run(app.demo(settings, _host_and_port(listen), app.Options((web_listen_address,)), announce))


def _settings(scenario: str, speed: float, seed: int, faults: tuple[str, ...], variants: tuple[str, ...]) -> Settings:
    try:
        settings = Settings(scenario=scenario, speed=speed, seed=seed)
        for fault in faults:
            settings = settings.with_fault(fault)
        for variant in variants:
            name, _, value = variant.partition("=")
            settings = settings.with_variant(name, value)
    except ValueError as error:
        _fail(2, str(error))
    return settings


def _host_and_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        _fail(2, f'--listen: "{listen}" is not HOST:PORT')
    return host.strip("[]"), int(port)


def _path(telemetry_path: str) -> str:
    if not telemetry_path.startswith("/") or telemetry_path == "/" or telemetry_path.startswith("/-/"):
        _fail(2, f'--web.telemetry-path: "{telemetry_path}" must begin with "/" and not be "/" or under "/-/"')
    return telemetry_path


def _load(path: Path, also_wrong: tuple[str, ...] = ()) -> Config:
    try:
        config = load(path, os.environ)
    except ConfigInvalid as error:
        _fail(2, *map(str, error.problems), *also_wrong)
    if also_wrong:
        _fail(2, *also_wrong)
    return config


def _protection(path: str | None) -> tuple[Protection | None, tuple[str, ...]]:
    """What a web configuration asks for, or what is wrong with it."""
    try:
        return (Protection(Path(path)) if path else None), ()
    except ConfigInvalid as error:
        return None, tuple(map(str, error.problems))


def _summary(config: Config) -> str:
    return f"accounts: {len(config.accounts)}, terminals: {len(config.terminals)}, state: {config.state_url}"


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except app.StartFailed as error:
        _fail(1, str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(code: int, *lines: str) -> NoReturn:
    for line in lines:
        click.echo(f"epay-exporter: {line}", err=True)
    sys.exit(code)
