"""The scrape configuration of several replicas: what is of terminals is one series, what is of a replica is its own."""

import re
import subprocess
from typing import Any

import yaml

from exporter.exposition.catalogue import CATALOGUE, Kind
from exporter.instrumentation import Instruments
from tests.deploy.shipped import ROOT
from tests.tools import require

PATH = ROOT / "deploy/prometheus/replicas.yml"
SCRAPE: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))["scrape_configs"][0]


def test_promtool_accepts_it() -> None:
    command = [require("promtool", "prometheus"), "check", "config", str(PATH)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def shared(name: str, labels: set[str]) -> bool:
    """Whether a series loses the instance that it comes from."""
    return any(
        re.fullmatch(rule["regex"], name if rule["source_labels"] == ["__name__"] else "wallet")
        for rule in SCRAPE["metric_relabel_configs"]
        if rule["source_labels"] == ["__name__"] or rule["source_labels"][0] in labels
    )


def test_whatever_a_snapshot_gives_is_the_same_series_from_every_replica() -> None:
    for metric in CATALOGUE:
        histogram = metric.kind is Kind.HISTOGRAM
        names = [f"{metric.name}_{part}" for part in ("bucket", "count", "sum")] if histogram else [metric.name]
        assert all(shared(name, set(metric.labels)) for name in names), metric.name


def test_what_a_replica_says_of_itself_is_its_own() -> None:
    for metric in Instruments(["main"], "1.0").registry.collect():
        for sample in metric.samples:
            assert not shared(sample.name, set(sample.labels)), sample.name


def test_all_of_it_becomes_the_same_instance() -> None:
    targets = {(rule["target_label"], rule["replacement"]) for rule in SCRAPE["metric_relabel_configs"]}
    assert targets == {("instance", "epay")}
