"""Flags in the Prometheus manner, each also an environment variable, and what several commands share of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

_ENVIRONMENT: Final = "EPAY_EXPORTER_"


def flag(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A flag in the Prometheus manner that an environment variable can give as well."""
    parameter = name.removeprefix("--").replace(".", "_").replace("-", "_")
    settings.setdefault("show_envvar", True)
    return click.option(name, parameter, envvar=_ENVIRONMENT + parameter.upper(), **settings)


config_file_flag = flag(
    "--config.file", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The YAML configuration."
)
listen_address_flag = flag(
    "--web.listen-address",
    multiple=True,
    default=(":10084",),
    show_default=":10084",
    metavar="ADDRESS",
    help="Where to serve metrics and pages; may be given several times.",
)
telemetry_path_flag = flag(
    "--web.telemetry-path", default="/metrics", show_default=True, metavar="PATH", help="Where the metrics are."
)
web_config_file_flag = flag(
    "--web.config.file",
    metavar="FILE",
    help="TLS, basic auth, headers and a rate limit, in the exporter-toolkit's format; read again when it changes.",
)
log_level_flag = flag(
    "--log.level",
    type=click.Choice(["debug", "info", "warn", "error"]),
    default="info",
    show_default=True,
    help="The least important kind of line that is logged.",
)
log_format_flag = flag(
    "--log.format",
    type=click.Choice(["logfmt", "json", "console"]),
    default="logfmt",
    show_default=True,
    help="How lines are written to the standard error.",
)
