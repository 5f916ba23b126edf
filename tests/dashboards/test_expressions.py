"""Every expression is PromQL, for Prometheus 2.42 as for 3, and asks for what there is."""

import re
import subprocess
from pathlib import Path
from typing import Final

import promql_parser
import pytest
import yaml

from exporter.exposition.catalogue import CATALOGUE, Kind
from exporter.instrumentation import Instruments
from exporter.thresholds import CATALOGUE as ALERTS
from grafana.source.conditions import conditions
from grafana.source.levels import LEVELS
from tests.dashboards.shipped import expressions, substituted
from tests.rules.promql import metrics, tokens
from tests.rules.shipped import rules
from tests.tools import require

OF_PROMETHEUS: Final = {"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_samples_scraped", "scrape_duration_seconds"}
OF_THE_PROCESS: Final = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"}
"""What the client library exposes where there is /proc."""
GATES: Final = {
    "epay_poll_success",
    "epay_last_poll_success_timestamp_seconds",
    "epay_window_complete",
    "epay_catching_up",
    "epay_calendar_active",
    "epay_baseline_weeks",
    "epay_terminal_info",
    "ALERTS",
}
"""What opens and shuts the gates, names accounts, or lets one alert stay silent while another speaks."""


def _exposed() -> set[str]:
    """Every name that a scrape can have."""
    names = {each.name for each in CATALOGUE if each.kind is not Kind.HISTOGRAM}
    histograms = {each.name for each in CATALOGUE if each.kind is Kind.HISTOGRAM}
    for family in Instruments(["main"], "0").registry.collect():
        names |= {sample.name for sample in family.samples}
        names.add(family.name)
    return names | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


def test_every_expression_is_promql() -> None:
    assert all(promql_parser.parse(substituted(asked.expression)) for asked in expressions())


def test_every_expression_is_promql_to_the_oldest_prometheus_that_is_served(tmp_path: Path) -> None:
    rules_ = [
        {
            "record": f"asked:{number}",
            "expr": substituted(asked.expression),
            "labels": {"from": re.sub(r"\W", "_", str(asked))},
        }
        for number, asked in enumerate(expressions())
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules_}]}), encoding="utf-8")
    command = [require("promtool", "prometheus"), "check", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules_)} rules found" in done.stdout


def test_every_series_that_is_asked_for_is_exposed_or_recorded() -> None:
    recorded = {rule.name for rule in rules() if "record" in rule.content}
    known = _exposed() | recorded | OF_PROMETHEUS | OF_THE_PROCESS | {"Inf"}  # a number, but the tokens do not say so
    missing = {str(asked): metrics(tokens(substituted(asked.expression))) - known for asked in expressions()}
    assert not {where: names for where, names in missing.items() if names}


def test_the_landing_page_needs_no_recorded_series() -> None:
    wanted = {
        name
        for asked in expressions()
        if asked.board == "epay-overview"
        for name in metrics(tokens(substituted(asked.expression)))
    }
    assert not [name for name in wanted if ":" in name], "it must work while the rules are not loaded"


def test_every_alert_with_a_key_is_explained() -> None:
    assert [level.key for level in LEVELS] == [*dict.fromkeys(level.key for level in LEVELS)]
    assert {level.key for level in LEVELS} == set(ALERTS)


@pytest.mark.parametrize("key", ALERTS)
def test_an_explanation_compares_what_the_rule_compares(key: str) -> None:
    """The same settings, and every metric that the rule comes from but those of the gates, which have a panel."""
    (level,) = [each for each in LEVELS if each.key == key]
    shown = substituted(" ".join(part for _, value, _, wanted in conditions(level) for part in (value, wanted)))
    settings = set(re.findall(rf'alert="{key}", severity="(\w+)"', " ".join(rule.content["expr"] for rule in rules())))
    assert settings == set(ALERTS[key].defaults)
    assert settings - {"objective"} <= set(re.findall(r'severity="(\w+)"', shown)), "the objective is in the burn rates"
    wanted = {name for rule in rules() if rule.name == ALERTS[key].name for name in _raw(rule.content["expr"])}
    assert wanted - GATES <= _raw(shown)


def _raw(expression: str) -> set[str]:
    """The scraped metrics that an expression comes from, through whatever is recorded."""
    found: set[str] = set()
    for name in metrics(tokens(expression)):
        recorded = [rule.content["expr"] for rule in rules() if rule.content.get("record") == name]
        found |= {raw for each in recorded for raw in _raw(each)} if recorded else {name}
    return found
