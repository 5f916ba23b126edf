"""The example of a scrape is what promtool accepts and what the exporter serves."""

import subprocess

import yaml

from tests.deploy.shipped import DEPLOY, METRICS, PORT
from tests.tools import require

PATH = DEPLOY / "prometheus" / "prometheus.yml"


def test_promtool_accepts_it() -> None:
    command = [require("promtool", "prometheus"), "check", "config", str(PATH)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_scrapes_the_default_address() -> None:
    (job,) = yaml.safe_load(PATH.read_text(encoding="utf-8"))["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"localhost:{PORT}"]}]
    assert job["metrics_path"] == METRICS
