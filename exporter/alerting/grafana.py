"""The alert rules as Grafana-managed ones: a file for `provisioning/alerting`, made from the Prometheus files.

No series from a query is called OK and every series, whatever its value, an alert: the same that Prometheus does. Rules
of one name differ in severity; up to version 11 Grafana wants titles to be unique in a folder, so each severity has a
folder of its own.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from exporter.alerting.rules import AlertRule
from exporter.alerting.templates import in_grafana

DATASOURCE_UID: Final = "prometheus"
LONGEST_UID: Final = 40

_EXPRESSIONS: Final = {"type": "__expr__", "uid": "__expr__"}
_LOOK_BACK: Final = 600  # seconds; an instant query is asked at its end
_HEADER: Final = """\
# Grafana-managed alert rules of {product}, for Grafana 11 and newer: put this file into
# provisioning/alerting. Made from the Prometheus rule files by `epay-exporter rules --format=grafana`; do not edit.
#
# They replace the alerts of the Prometheus files, not their recording rules: these must be evaluated by the Prometheus
# (or Mimir) that the data source asks. Load the output of `epay-exporter rules` there; its alerts lead nowhere where no
# Alertmanager is configured.
#
# What Grafana cannot do: annotations cannot ask queries, so PromQL stands in brackets where Prometheus shows a result,
# and links to dashboards have relative times. keepFiringFor is known from Grafana 12 on and ignored before. Inhibition
# is Alertmanager's: notification policies of Grafana send children along with their cause.

"""


class Misnamed(ValueError):
    """An alert that cannot have a uid in Grafana."""


def uid_of_datasource(text: str) -> str:
    """A data source's uid. ValueError where Grafana would not take it."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{LONGEST_UID}}}", text):
        raise ValueError("letters, digits, - and _ are wanted, 40 at most")
    return text


def provisioning(version: str, alerts: Sequence[AlertRule], datasource: str = DATASOURCE_UID) -> str:
    """The file's text; without a version it names none.

    Raises Misnamed and TemplateUnfit where a rule cannot be said in Grafana's words.
    """
    document = {"apiVersion": 1, "groups": list(_groups(alerts, datasource))}
    return _HEADER.format(product=f"epay-exporter {version}".rstrip()) + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )


def _groups(alerts: Sequence[AlertRule], datasource: str) -> Iterator[dict[str, Any]]:
    """Grafana's groups: a Prometheus group once for each folder that it needs."""
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for alert in alerts:
        severity = alert.labels.get("severity", "none")
        seen[alert.name, severity] += 1
        number = seen[alert.name, severity]
        folder = f"ePay {severity}" + (f" {number}" if number > 1 else "")
        rule = _rule(alert, _uid(alert.name, severity, number), datasource)
        found.setdefault((folder, alert.group, alert.interval), []).append(rule)
    for (folder, group, interval), rules in found.items():
        yield {"orgId": 1, "name": group, "folder": folder, "interval": interval, "rules": rules}


def _uid(name: str, severity: str, number: int) -> str:
    uid = f"epay-{name.removeprefix('Epay').lower()}-{severity}" + (f"-{number}" if number > 1 else "")
    if not re.fullmatch(rf"[a-z0-9-]{{1,{LONGEST_UID}}}", uid):
        raise Misnamed(f"{name} ({severity}): {uid} is no uid")
    return uid


def _rule(alert: AlertRule, uid: str, datasource: str) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": alert.name,
        "condition": "C",
        "data": [_query(alert.expression, datasource), _any_value(), _above_zero()],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": alert.pending_for or "0s",
        **({"keepFiringFor": alert.keep_firing_for} if alert.keep_firing_for else {}),
        "annotations": {name: in_grafana(text) for name, text in alert.annotations.items()},
        "labels": dict(alert.labels),
        "isPaused": False,
    }


def _query(expression: str, datasource: str) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": datasource}
    return _step("A", source, {"editorMode": "code", "expr": expression, "instant": True, "range": False}, _LOOK_BACK)


def _any_value() -> dict[str, Any]:
    """1 for each series, NaN and 0 included: the comparison has been made in PromQL."""
    anything = "is_number($A) || is_nan($A) || is_inf($A)"
    return _step("B", _EXPRESSIONS, {"type": "math", "expression": anything})


def _above_zero() -> dict[str, Any]:
    above_zero = {"evaluator": {"type": "gt", "params": [0]}}
    return _step("C", _EXPRESSIONS, {"type": "threshold", "expression": "B", "conditions": [above_zero]})


def _step(ref_id: str, source: Mapping[str, str], model: Mapping[str, Any], look_back: int = 0) -> dict[str, Any]:
    return {
        "refId": ref_id,
        "relativeTimeRange": {"from": look_back, "to": 0},
        "datasourceUid": source["uid"],
        "model": {"refId": ref_id, "datasource": dict(source), **model},
    }


class _Dumper(yaml.SafeDumper):
    """Expressions of several lines stay readable, and nothing is written as a reference to what stood before."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
