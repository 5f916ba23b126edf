"""Writes anew what is made from other shipped files: `python deploy/derive.py`.

The PrometheusRule holds what `epay-exporter rules` prints; Alertmanager's file for the compose stack holds the shipped
routes and inhibitions with receivers that tell nobody, because no address is known that could be told. The demo's
configuration for several replicas has its terminals in as many accounts. Manifests of replicas are `replicated.py`'s.
"""

from pathlib import Path
from typing import Any, Final

import yaml

from deploy.replicated import REPLICATED
from exporter.alerting.rules import texts

HERE: Final = Path(__file__).parent
RULE: Final = HERE / "kubernetes" / "prometheus-operator" / "prometheusrule.yaml"
SILENT: Final = HERE / "compose" / "alertmanager" / "alertmanager.yml"
SHIPPED: Final = HERE / "alertmanager" / "alertmanager.yml"
DEMO: Final = HERE / "compose" / "demo" / "config.yaml"
DEMO_SHARED: Final = DEMO.with_name("replicas.yaml")

_OF_RULE: Final = """\
# For the Prometheus Operator; give it the labels that your Prometheus selects PrometheusRules by. Made from
# grafana/alerts by deploy/derive.py; do not edit. Links lead to http://localhost:3000: put your Grafana there.
"""
_OF_SILENT: Final = """\
# The routes and inhibitions of deploy/alertmanager/alertmanager.yml, which says why they are so, with receivers that
# tell nobody: alerts are seen at http://localhost:9093 and in Grafana. Made by deploy/derive.py; do not edit.
"""
_OF_DEMO: Final = """\
# The demo's for the profile `replicas`: an account is what one replica reads, so its terminals are in three. A
# simulator that starts anew is another bank: `docker compose down --volumes` takes the state of the old one. Made of
# config.yaml by deploy/derive.py; do not edit.
"""


def prometheus_rule() -> str:
    """Every shipped rule, records included, as one object of Kubernetes."""
    groups = [group for _, text in texts() for group in yaml.safe_load(text)["groups"]]
    return _OF_RULE + _written(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "epay-exporter", "labels": {"app.kubernetes.io/name": "epay-exporter"}},
            "spec": {"groups": groups},
        }
    )


def silent_alertmanager() -> str:
    """The shipped configuration without addresses, templates and secrets."""
    shipped = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    return _OF_SILENT + _written(
        {
            "global": {"resolve_timeout": shipped["global"]["resolve_timeout"]},
            "route": shipped["route"],
            "receivers": [{"name": receiver["name"]} for receiver in shipped["receivers"]],
            "inhibit_rules": shipped["inhibit_rules"],
        }
    )


def demo_of_replicas() -> str:
    """The demo's terminals in three accounts, which are as many shares, and the state where replicas meet."""
    document = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    (account,) = document["accounts"]
    every = account["terminals"]
    parts = [every[start : start + 2] for start in range(0, len(every), 2)]
    return _OF_DEMO + _written(
        {
            **document,
            "accounts": [
                {**account, "name": f"{account['name']}-{number}", "terminals": part}
                for number, part in enumerate(parts, start=1)
            ],
            "state": {"url": "postgresql://epay:${EPAY_STATE_PASSWORD}@postgres:5432/epay"},
        }
    )


DERIVED: Final = {
    RULE: prometheus_rule,
    SILENT: silent_alertmanager,
    DEMO_SHARED: demo_of_replicas,
    **REPLICATED,
}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are read, and no references between places that hold the same."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 — of no place
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _written(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


if __name__ == "__main__":
    for path, make in DERIVED.items():
        path.write_text(make(), encoding="utf-8")
