"""What holds for every rule: names, labels, annotations, gates, and that all it asks for exists."""

import re
from typing import Any

import pytest

from exporter.alerting.rules import FILES
from exporter.exposition.catalogue import CATALOGUE as METRICS
from exporter.instrumentation import Instruments
from exporter.thresholds import CATALOGUE as THRESHOLDS
from tests.rules.promql import matchers, metrics, tokens
from tests.rules.shipped import RUNBOOKS, Rule, alerts, rules, runbook_alerts
from tests.rules.suites import rule_files

CATEGORIES = {
    "availability.yaml": "availability",
    "volume.yaml": "volume",
    "amount.yaml": "amount",
    "integrity.yaml": "integrity",
    "exporter.yaml": "exporter",
}
OF_PROMETHEUS = {"up", "scrape_samples_scraped", "ALERTS"}

each_alert = pytest.mark.parametrize("rule", alerts(), ids=str)
each_rule = pytest.mark.parametrize("rule", rules(), ids=str)


def expression(rule: Rule) -> str:
    return str(rule.content["expr"])


def records_of(rule: Rule) -> str:
    """The expressions of the records that a rule asks for itself."""
    asked = metrics(tokens(expression(rule)))
    return "\n".join(expression(each) for each in rules() if each.name in asked and each.file == rule.file)


def duration(text: str) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(amount) * units[unit] for amount, unit in re.findall(r"(\d+)([smhd])", text))


def test_the_files_are_those_that_are_shipped() -> None:
    assert {path.name for path in rule_files()} == set(FILES)


def test_the_alerts_are_those_that_the_runbooks_explain() -> None:
    named = {rule.name for rule in alerts()}

    assert named == set(runbook_alerts())
    assert len(runbook_alerts()) == len(set(runbook_alerts()))
    assert len(named) >= 30


@each_alert
def test_labels_say_how_urgent_and_of_what_kind_an_alert_is(rule: Rule) -> None:
    labels = rule.content["labels"]

    assert rule.name.startswith("Epay")
    assert labels["category"] == CATEGORIES[rule.file]
    assert ("severity" in labels) == (rule.name != "EpayWatchdog")
    assert rule.severity in {"critical", "warning", "info", ""}


@each_alert
def test_annotations_are_complete(rule: Rule) -> None:
    annotations = rule.content["annotations"]

    assert set(annotations) == {"summary", "description", "impact", "runbook_url", "dashboard_url"}
    assert all(annotations.values())
    assert re.search(r"\$value|query", annotations["description"]), "it says no number"
    assert annotations["runbook_url"].endswith(f"/docs/runbooks.md#{rule.name.lower()}")
    board = "epay-exporter" if rule.file == "exporter.yaml" else "epay-terminal"
    assert annotations["dashboard_url"].startswith(f"http://localhost:3000/d/{board}?")
    assert re.search(r"[?&]from=.+&to=", annotations["dashboard_url"])


def test_every_runbook_has_all_that_is_needed_at_night() -> None:
    text = RUNBOOKS.read_text(encoding="utf-8")
    for name, body in re.findall(r"^## (Epay\w+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL):
        for part in ("Means", "Impact", "Look", "Do", "False alarm"):
            assert f"**{part}.**" in body, f"{name} lacks {part}"


@each_alert
def test_what_pages_does_not_flap(rule: Rule) -> None:
    assert ("keep_firing_for" in rule.content) == (rule.severity == "critical")


@each_alert
def test_alerts_on_operations_speak_only_when_the_data_is_good_and_nothing_is_planned(rule: Rule) -> None:
    if rule.file == "exporter.yaml":
        assert not {"terminal:epay_gate:open", "terminal:epay_maintenance:active"} & metrics(tokens(expression(rule)))
        return
    text = " ".join(f"{expression(rule)} {records_of(rule)}".split())
    assert "and on (terminal) terminal:epay_gate:open" in text
    assert "unless on (terminal) terminal:epay_maintenance:active" in text
    in_shift = rule.file in {"volume.yaml", "amount.yaml"}
    assert ("unless on (terminal) terminal:epay_holiday:active" in text) == in_shift
    assert duration(rule.content["for"]) >= 60


def known_metrics() -> set[str]:
    own = {
        sample
        for metric in METRICS
        for sample in (
            [f"{metric.name}_{part}" for part in ("bucket", "count", "sum")]
            if metric.kind == "histogram"
            else [metric.name]
        )
    }
    return own | set(Instruments(["main"], "1.0").registry._names_to_collectors)


@each_rule
def test_everything_that_is_asked_for_exists(rule: Rule) -> None:
    recorded = {each.name for each in rules() if "record" in each.content}

    assert metrics(tokens(expression(rule))) - known_metrics() - recorded - OF_PROMETHEUS == set()


def test_every_record_is_asked_for() -> None:
    everything = " ".join(f"{expression(rule)} {rule.content.get('annotations', {})}" for rule in rules())
    for rule in rules():
        if "record" in rule.content:
            assert re.search(rf"(?<![\w:]){re.escape(rule.name)}(?![\w:])", everything), rule.name


def thresholds_of(rule: Rule) -> set[tuple[str, str]]:
    """Alert and setting of each epay_alert_threshold in a rule's expression."""
    row = tokens(expression(rule))
    found = set()
    for index, token in enumerate(row):
        if token.text == "epay_alert_threshold":
            end = next(place for place in range(index, len(row)) if row[place].text == "}")
            named = {each.label: each.value for each in matchers(row[index:end])}
            found.add((named["alert"], named["severity"]))
    return found


def test_rules_and_catalogue_of_thresholds_name_the_same_settings() -> None:
    used = {pair for rule in rules() for pair in thresholds_of(rule)}
    catalogue = {(alert.key, setting.name) for alert in THRESHOLDS.values() for setting in alert.settings}

    assert used == catalogue


@each_alert
def test_a_rule_is_tuned_by_the_key_of_its_own(rule: Rule) -> None:
    by_name = {alert.name: alert.key for alert in THRESHOLDS.values()}
    keys = {key for key, _ in thresholds_of(rule)}

    assert keys <= {by_name.get(rule.name, "")}


@each_rule
def test_no_rule_names_a_terminal_or_an_account(rule: Rule) -> None:
    content: dict[str, Any] = rule.content
    named = {each.label for each in matchers(tokens(expression(rule)))}

    assert not named & {"terminal", "account", "instance"}
    assert not set(content.get("labels", {})) & {"terminal", "account", "instance"}


@each_rule
def test_the_exporters_job_may_be_called_anything_with_epay(rule: Rule) -> None:
    for each in matchers(tokens(expression(rule))):
        if each.label == "job":
            assert (each.operator, each.value) == ("=~", ".*epay.*")
