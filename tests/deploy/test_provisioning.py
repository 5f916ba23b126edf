"""What Grafana is provisioned with fits the stack around it: one Prometheus, one pager, the shipped dashboards."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.alerting.grafana import DATASOURCE_UID
from tests.deploy.composed import mounts, services
from tests.deploy.shipped import ROOT

PROVISIONING = ROOT / "grafana" / "provisioning"
DASHBOARDS = ROOT / "grafana" / "dashboards"
INSIDE = "/etc/grafana/provisioning"

OF_DATASOURCE = {"name", "uid", "orgId", "type", "access", "url", "isDefault", "editable", "jsonData"}
OF_PROVIDER = {
    *("name", "orgId", "folder", "folderUid", "type", "disableDeletion", "allowUiUpdates", "updateIntervalSeconds"),
    "options",
}
"""Keys that Grafana knows and we use. Others would be passed over without a word."""


def provisioned(kind: str) -> dict[str, Any]:
    """The one file of a kind."""
    (path,) = (PROVISIONING / kind).iterdir()
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert found["apiVersion"] == 1
    return found


def datasources() -> dict[str, dict[str, Any]]:
    """By uid."""
    found: list[dict[str, Any]] = provisioned("datasources")["datasources"]
    return {each["uid"]: each for each in found}


def addresses() -> set[str]:
    """Where services of the stack are for each other."""
    return {f"http://{name}:{port['target']}" for name, service in services().items() for port in service["ports"]}


def test_there_is_one_prometheus_and_the_alertmanager_beside_it() -> None:
    found = datasources()
    assert {uid: each["type"] for uid, each in found.items()} == {
        DATASOURCE_UID: "prometheus",
        "alertmanager": "alertmanager",
    }
    assert [uid for uid, each in found.items() if each.get("isDefault")] == [DATASOURCE_UID]
    assert len({each["name"] for each in found.values()}) == len(found)


@pytest.mark.parametrize("uid", datasources())
def test_a_data_source_is_a_service_of_the_stack_and_holds_no_secret(uid: str) -> None:
    datasource = datasources()[uid]
    assert set(datasource) <= OF_DATASOURCE
    assert datasource["url"] in addresses()
    assert datasource["url"].startswith(f"http://{datasource['type']}:")
    assert (datasource["access"], datasource["editable"], datasource["orgId"]) == ("proxy", False, 1)


def test_the_interval_is_that_of_the_scrapes() -> None:
    document = yaml.safe_load(
        (ROOT / "deploy" / "compose" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    )
    (job,) = document["scrape_configs"]
    assert datasources()[DATASOURCE_UID]["jsonData"]["timeInterval"] == job["scrape_interval"]


def test_one_cause_pages_once() -> None:
    # Prometheus' rules are the active ones: Grafana's own are not there, and would not reach the same Alertmanager.
    assert f"{INSIDE}/alerting" not in mounts(services()["grafana"], "bind")
    assert datasources()["alertmanager"]["jsonData"] == {
        "implementation": "prometheus",
        "handleGrafanaManagedAlerts": False,
    }


def test_grafanas_own_rules_would_ask_the_same_prometheus() -> None:
    text = (PROVISIONING / "alerting" / "epay.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"datasourceUid: (\S+)", text)) == {DATASOURCE_UID, "__expr__"}


def test_grafana_finds_what_it_is_provisioned_with() -> None:
    found = mounts(services()["grafana"], "bind")
    assert found[f"{INSIDE}/datasources"] == PROVISIONING / "datasources"
    assert found[f"{INSIDE}/dashboards"] == PROVISIONING / "dashboards"
    (provider,) = provisioned("dashboards")["providers"]
    assert found[provider["options"]["path"]] == DASHBOARDS
    home = Path(services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (found[str(home.parent)] / home.name).is_file()


def test_dashboards_come_from_their_files_and_stay_as_they_are() -> None:
    (provider,) = provisioned("dashboards")["providers"]
    assert set(provider) == OF_PROVIDER
    assert (provider["type"], provider["allowUiUpdates"], provider["disableDeletion"]) == ("file", False, True)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", provider["folderUid"])


def test_dashboards_ask_what_is_provisioned() -> None:
    paths = sorted(DASHBOARDS.glob("*.json"))
    assert paths
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    assert len({dashboard["uid"] for dashboard in found}) == len(found)
    assert {uid for dashboard in found for uid in asked(dashboard)} <= {
        "${datasource}",
        "-- Grafana --",
        *datasources(),
    }
    for dashboard in found:
        chosen = [each for each in dashboard["templating"]["list"] if each["type"] == "datasource"]
        assert [(each["name"], each["query"]) for each in chosen] == [("datasource", "prometheus")]


def asked(part: object) -> set[str]:
    """The uids of data sources anywhere in a dashboard."""
    if isinstance(part, dict):
        source = part.get("datasource")
        own = {source["uid"]} if isinstance(source, dict) and "uid" in source else set[str]()
        return own.union(*map(asked, part.values()))
    return set[str]().union(*map(asked, part)) if isinstance(part, list) else set()


@pytest.mark.parametrize(
    "path", sorted(PROVISIONING.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_files_lie_where_grafana_looks(path: Path) -> None:
    assert path.parent.name in {"datasources", "dashboards", "alerting"}
