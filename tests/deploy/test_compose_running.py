"""What the compose file starts, started without an engine: the same commands on the same files as processes of this
machine, with addresses in place of the services' names and shorter intervals. Grafana is not to be had here."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.composed import services
from tests.deploy.shipped import ROOT
from tests.deploy.stack import Stack, command
from tests.end_to_end.pages.servers import asked, ready, running
from tests.processes import eventually, free_port, get
from tests.tools import require

RUNNING: Final = ("simulator", "exporter", "alertmanager", "prometheus")
"""As they wait for each other."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The demo, running."""
    directory = tmp_path_factory.mktemp("stack")
    found = Stack({name: f"127.0.0.1:{free_port()}" for name in RUNNING}, directory)
    with contextlib.ExitStack() as running_ones, pytest.MonkeyPatch.context() as patched:
        # The environment's own commands, as in the image.
        patched.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patched.delenv("EPAY_STATE_PASSWORD", raising=False)
        for name in RUNNING:
            log = directory / f"{name}.log"
            running_ones.enter_context(running(log, *command(found, name), directory=directory))
            if name == "simulator":
                eventually(lambda: get(found.url("simulator", "/truth"))[0] == 200)
            else:
                ready(f"http://{found.addresses[name]}", log)
        yield found


def samples(stack: Stack, query: str) -> list[dict[str, Any]]:
    """Prometheus' answer to an instant query."""
    result: list[dict[str, Any]] = asked(stack.url("prometheus", f"/api/v1/query?query={query}"))["data"]["result"]
    return result


def test_prometheus_scrapes_the_exporter_that_reads_the_simulator(stack: Stack) -> None:
    eventually(lambda: [sample["value"][1] for sample in samples(stack, "up")] == ["1"])
    read = eventually(lambda: samples(stack, "epay_poll_success==1"))
    assert {sample["metric"]["terminal"] for sample in read} >= {"wallet"}
    eventually(lambda: len(samples(stack, "epay_poll_success==1")) == 6)


def test_every_shipped_group_of_rules_is_evaluated_and_none_fails(stack: Stack) -> None:
    files = sorted((ROOT / "grafana" / "alerts").glob("*.yaml"))
    shipped = {group["name"] for path in files for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]}

    def health() -> dict[str, set[str]]:
        groups = asked(stack.url("prometheus", "/api/v1/rules"))["data"]["groups"]
        return {group["name"]: {rule["health"] for rule in group["rules"]} for group in groups}

    assert set(health()) == shipped
    eventually(lambda: {state for states in health().values() for state in states} == {"ok"})


def test_what_fires_reaches_alertmanager(stack: Stack) -> None:
    eventually(lambda: len(asked(stack.url("prometheus", "/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]) == 1)

    def told() -> set[str]:
        return {alert["labels"]["alertname"] for alert in asked(stack.url("alertmanager", "/api/v2/alerts"))}

    eventually(lambda: "EpayWatchdog" in told())
    assert "EpayExporterDown" not in told()


@pytest.mark.parametrize("name", RUNNING)
def test_a_service_is_healthy_while_it_runs_only(stack: Stack, name: str) -> None:
    kind, program, *arguments = services("demo")[name]["healthcheck"]["test"]
    assert kind == "CMD"
    programs = {"python": sys.executable, "wget": require("wget", "wget")}

    def healthy(of: Stack) -> bool:
        check = [programs[program], *map(of.put_in, arguments)]
        return subprocess.run(check, capture_output=True, timeout=30, check=False).returncode == 0

    eventually(lambda: healthy(stack))
    assert not healthy(stack._replace(addresses={each: f"127.0.0.1:{free_port()}" for each in RUNNING}))
