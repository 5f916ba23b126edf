"""The example for Prometheus is what promtool accepts, what the exporter serves, and finds the shipped rules."""

import re
import subprocess

import yaml

from tests.deploy.shipped import DEPLOY, METRICS, PORT, ROOT
from tests.tools import require

RULES = sorted((ROOT / "grafana" / "alerts").glob("*.yaml"))
PATH = DEPLOY / "prometheus" / "prometheus.yml"


def test_promtool_accepts_it() -> None:
    command = [require("promtool", "prometheus"), "check", "config", str(PATH)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # It follows the paths, too.
    for path in RULES:
        assert f"grafana/alerts/{path.name}" in done.stdout


def test_it_scrapes_the_default_address() -> None:
    (job,) = yaml.safe_load(PATH.read_text(encoding="utf-8"))["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"localhost:{PORT}"]}]
    assert job["metrics_path"] == METRICS


def test_alerts_reach_alertmanagers_default_address_and_are_evaluated_in_time_for_the_shortest_for() -> None:
    document = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    assert document["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["localhost:9093"]}]}]
    assert document["global"]["evaluation_interval"] == "30s"
    rules = [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
    assert not [rule["for"] for rule in rules if "for" in rule and not re.fullmatch(r"\d+[mhd]", rule["for"])]
    # The rules know the exporter by its job.
    assert re.fullmatch(".*epay.*", document["scrape_configs"][0]["job_name"])
