"""The Grafana-managed rules are the Prometheus rules."""

import importlib.util
import re
from collections import Counter
from typing import Any

import pytest

from tests.rules.shipped import Rule, alerts
from tests.rules.suites import ROOT, parsed

GENERATOR = ROOT / "grafana" / "provision_alerting.py"
COMMITTED = ROOT / "grafana" / "provisioning" / "alerting" / "epay.yaml"


def groups() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parsed(COMMITTED)["groups"]
    return found


def managed() -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"]]


def said(rule: Rule) -> tuple[str, str, str, str, str]:
    content = rule.content
    return (
        rule.name,
        content.get("for", "0s"),
        content.get("keep_firing_for", ""),
        str(sorted(content["labels"].items())),
        content["expr"],
    )


def said_by_grafana(rule: dict[str, Any]) -> tuple[str, str, str, str, str]:
    (expression,) = (step["model"]["expr"] for step in rule["data"] if "expr" in step["model"])
    labels = str(sorted(rule["labels"].items()))
    return rule["title"], rule["for"], rule.get("keepFiringFor", ""), labels, expression


def test_what_is_committed_is_what_is_generated() -> None:
    specification = importlib.util.spec_from_file_location("provision_alerting", GENERATOR)
    assert specification
    assert specification.loader
    generator = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(generator)

    assert generator.TARGET == COMMITTED
    assert COMMITTED.read_text(encoding="utf-8") == generator.text(), f"run python {GENERATOR.relative_to(ROOT)}"


def test_names_times_labels_and_expressions_are_those_of_prometheus() -> None:
    assert Counter(map(said_by_grafana, managed())) == Counter(map(said, alerts()))


def test_uids_are_unique_and_short() -> None:
    uids = [rule["uid"] for rule in managed()]

    assert len(set(uids)) == len(uids)
    assert max(map(len, uids)) <= 40


def test_no_folder_has_two_rules_of_one_title() -> None:
    titles = Counter((group["folder"], rule["title"]) for group in groups() for rule in group["rules"])

    assert max(titles.values()) == 1


@pytest.mark.parametrize("rule", managed(), ids=lambda rule: rule["uid"])
def test_every_series_is_an_alert_and_none_is_not(rule: dict[str, Any]) -> None:
    query, anything, above_zero = rule["data"]

    assert (rule["noDataState"], rule["execErrState"]) == ("OK", "Error")
    assert query["model"]["instant"]
    assert query["datasourceUid"] == "prometheus"
    assert anything["model"]["expression"] == "is_number($A) || is_nan($A) || is_inf($A)"
    assert above_zero["model"]["expression"] == "B"
    assert rule["condition"] == above_zero["refId"] == "C"


@pytest.mark.parametrize("rule", managed(), ids=lambda rule: rule["uid"])
def test_annotations_ask_nothing_that_grafana_cannot_answer(rule: dict[str, Any]) -> None:
    whole = " ".join(rule["annotations"].values())

    assert not re.search(r"\bquery\b|\$value\b(?!s)|\| *(first|value|label)\b", whole)
    assert whole.count("{{") == whole.count("}}")
    assert rule["annotations"]["dashboard_url"].endswith("from=now-10800s&to=now")
