"""`simulate` and `demo`: the bank that is none."""

import click

from exporter import app, logs
from exporter.cli.ending import fail, run_to_the_end
from exporter.cli.flags import log_format_flag, log_level_flag
from exporter.simulator.faults import FAULTS
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.server import Settings, serve
from exporter.simulator.settings import VARIANTS

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


@click.command()
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
        run_to_the_end(serve(settings, app.wall_clock, *_host_and_port(listen), ready))
    except OSError as error:
        fail(1, error.strerror or str(error))


@click.command()
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
@log_level_flag
@log_format_flag
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

    run_to_the_end(app.demo(settings, _host_and_port(listen), app.Options((web_listen_address,)), announce))


def _settings(scenario: str, speed: float, seed: int, faults: tuple[str, ...], variants: tuple[str, ...]) -> Settings:
    try:
        settings = Settings(scenario=scenario, speed=speed, seed=seed)
        for fault in faults:
            settings = settings.with_fault(fault)
        for variant in variants:
            name, _, value = variant.partition("=")
            settings = settings.with_variant(name, value)
    except ValueError as error:
        fail(2, str(error))
    return settings


def _host_and_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        fail(2, f'--listen: "{listen}" is not HOST:PORT')
    return host.strip("[]"), int(port)
