"""`rules`: the alert rules as they are shipped, with links of the reader's own."""

from collections.abc import Callable

import click

from exporter import __version__
from exporter.alerting.grafana import DATASOURCE_UID, provisioning, uid_of_datasource
from exporter.alerting.rules import GRAFANA_URL, RUNBOOK_URL, Links, RulesMissing, alerts, link_base, prometheus
from exporter.cli.ending import fail


def _checked(reading: Callable[[str], str]) -> Callable[[click.Context, click.Parameter, str], str]:
    """What an option's text comes to, or a complaint that names the option."""

    def callback(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
        try:
            return reading(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


@click.command()
@click.option(
    "--format", "format_", type=click.Choice(["prometheus", "grafana"]), default="prometheus", show_default=True
)
@click.option(
    "--grafana-url",
    default=GRAFANA_URL,
    show_default=True,
    metavar="URL",
    callback=_checked(link_base),
    help="Where the dashboards are that alerts lead to.",
)
@click.option(
    "--runbook-url",
    default=RUNBOOK_URL,
    show_default=True,
    metavar="URL",
    callback=_checked(link_base),
    help="Where the runbooks are: one page with a heading for each alert.",
)
@click.option(
    "--datasource-uid",
    default=DATASOURCE_UID,
    show_default=True,
    metavar="UID",
    callback=_checked(uid_of_datasource),
    help="The Prometheus that Grafana's rules ask; for --format=grafana only.",
)
def rules(format_: str, grafana_url: str, runbook_url: str, datasource_uid: str) -> None:
    """Print the shipped alert rules.

    Prometheus: one file for `rule_files`, recording rules included. Grafana: one file for provisioning/alerting, with
    the alerts only; the recording rules stay with the Prometheus that Grafana asks. Thresholds are in neither: they are
    the exporter's configuration.
    """
    links = Links(grafana_url, runbook_url)
    try:
        if format_ == "prometheus":
            text = prometheus(__version__, links)
        else:
            text = provisioning(__version__, alerts(links), datasource_uid)
    except RulesMissing as error:
        fail(1, str(error))
    click.echo(text, nl=False)
