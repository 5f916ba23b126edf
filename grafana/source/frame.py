"""What a dashboard is besides its panels: variables, annotations, links, and the JSON that is committed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from grafana.source import looks
from grafana.source.layout import Section, placed
from grafana.source.panels import SOURCE

TAG: Final = "epay"
STEP: Final = 60
"""Seconds between two looks of an annotation."""
GRAFANA: Final = "11.6.0"
"""The version that the SDK's models are of, which the panels' options are written for."""


class Board(NamedTuple):
    """A dashboard before it is drawn."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    variables: Sequence[builders.QueryVariable]
    since: str = "now-3h"


def url(uid: str, **variables: str) -> str:
    """A link to another dashboard that keeps the time and the data source; variables as the URL has them."""
    parts = [f"var-{name}={value}" for name, value in variables.items()]
    return f"/d/{uid}?" + "&".join(["${__url_time_range}", "${datasource:queryparam}", *parts])


def terminals() -> builders.QueryVariable:
    """Several terminals, or all."""
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    chosen = _asked(
        "terminal", "Terminal", "label_values(epay_terminal_info, terminal)", "What to look at: some, or all."
    )
    return chosen.multi(True).include_all(True).all_value(".*").current(everything)


def one_terminal() -> builders.QueryVariable:
    """One terminal."""
    return _asked("terminal", "Terminal", "label_values(epay_alert_threshold, terminal)", "The terminal it fired for.")


def alerts() -> builders.QueryVariable:
    """One alert, by its key in the configuration."""
    question = "label_values(epay_alert_threshold, alert)"
    return _asked("alert", "Alert", question, "The alert, by its key in the configuration.")


def accounts() -> builders.QueryVariable:
    """Several accounts at the bank, or all."""
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    chosen = _asked("account", "Account", "label_values(epay_terminal_info, account)", "Accounts at the bank.")
    return chosen.multi(True).include_all(True).all_value(".*").current(everything)


def document(board: Board) -> dict[str, Any]:
    """A dashboard as JSON has it."""
    made = builders.Dashboard(board.title).uid(board.uid).description(board.description)
    made = made.tags([TAG]).readonly().time(board.since, "now").refresh("30s").timezone("browser").version(1)
    made = made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    for variable in (_source(), *board.variables):
        made = made.with_variable(variable)
    made = made.link(_others())
    whole = made.build()
    whole.panels = placed(board.sections)
    content: dict[str, Any] = json.loads(json.dumps(whole, cls=JSONEncoder))
    content["annotations"] = {"list": _annotations(board)}
    for variable in content["templating"]["list"]:
        for name in [name for name in variable if name.startswith("auto")]:
            del variable[name]  # of intervals; the SDK's other variables have them too
    for panel in content["panels"]:
        if panel["type"] != "row":
            panel["pluginVersion"] = GRAFANA
    return content


def text(board: Board) -> str:
    """The file's content."""
    return json.dumps(document(board), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _source() -> builders.DatasourceVariable:
    chosen = builders.DatasourceVariable("datasource").label("Data source").type("prometheus").multi(False)
    first = dashboard.VariableOption(selected=True, text="default", value="default")
    return chosen.description("The Prometheus that scrapes the exporter.").current(first)


def _asked(name: str, label: str, question: str, description: str) -> builders.QueryVariable:
    asked: Mapping[str, object] = {"query": question, "refId": f"variable-{name}", "qryType": 1}
    made = builders.QueryVariable(name).label(label).description(description).datasource(SOURCE)
    made = made.query(dict(asked)).refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return made.sort(dashboard.VariableSort.ALPHABETICAL_ASC).multi(False).include_all(False)


def _others() -> builders.DashboardLink:
    """One menu of all of them: seven links would take a line of the first screen."""
    made = builders.DashboardLink("ePay dashboards").type(dashboard.DashboardLinkType.DASHBOARDS).tags([TAG])
    made = made.as_dropdown(True).icon("external link").tooltip("Other views of the same time and terminals")
    return made.keep_time(True).include_vars(True).target_blank(False)


def _annotations(board: Board) -> list[dict[str, Any]]:
    """Alerts as they fired and starts of the exporter, without their switches, which would take a line of the first
    screen. Written out, because the SDK has no model of what Prometheus'
    annotations are given besides the expression."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    of_terminal = any(variable.build().name == "terminal" for variable in board.variables)
    firing = 'alertname=~"Epay.*", alertname!="EpayWatchdog", alertstate="firing"'
    if of_terminal:
        firing += ', terminal=~"$terminal|"'
    common = {"datasource": source, "enable": True, "hide": True, "step": f"{STEP}s", "tagKeys": ""}
    severities = [
        common
        | {
            "name": f"Alerts, {severity}",
            "expr": f'ALERTS{{{firing}, severity="{severity}"}}',
            "iconColor": color,
            "titleFormat": "{{alertname}}",
            "textFormat": "{{severity}} {{terminal}} {{account}} {{value}}",
        }
        for severity, color in looks.SEVERITIES.items()
    ]
    start = common | {
        "name": "Starts of the exporter",
        "expr": f'time() - process_start_time_seconds{{job=~".*epay.*"}} < {STEP}',  # at one step only
        "iconColor": looks.BLUE,
        "titleFormat": "exporter started",
        "textFormat": "{{instance}}",
    }
    return [*severities, start]
