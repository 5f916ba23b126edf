"""What the compose file starts, started without an engine: the same commands on the same files as processes of this
machine, with addresses in place of the services' names and shorter intervals. Grafana is not to be had here."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from tests.deploy.composed import laid_out, moved, services
from tests.deploy.shipped import ROOT
from tests.end_to_end.pages.servers import asked, ready, running
from tests.processes import eventually, free_port, get
from tests.tools import require

PORTS: Final = {"simulator": 8900, "exporter": 10084, "prometheus": 9090, "alertmanager": 9093}
OWN: Final = {
    "simulator": lambda: ["epay-exporter"],
    "prometheus": lambda: [require("prometheus", "prometheus")],
    "alertmanager": lambda: [require("prometheus-alertmanager", "prometheus-alertmanager")],
}
"""What images begin with by themselves."""


class Stack(NamedTuple):
    """Addresses of services by name, and the directory they find their files in."""

    addresses: dict[str, str]
    directory: Path

    def put_in(self, text: str) -> str:
        """A text with addresses where it names services, or all interfaces."""
        for name, address in self.addresses.items():
            for host in (name, "0.0.0.0", "127.0.0.1"):
                text = text.replace(f"{host}:{PORTS[name]}", address)
            text = text.replace(f'"127.0.0.1", {PORTS[name]}', f'"127.0.0.1", {address.rpartition(":")[2]}')
        return text

    def url(self, name: str, path: str) -> str:
        return f"http://{self.addresses[name]}{path}"


def command(stack: Stack, name: str) -> list[str]:
    """What the container would run, for here."""
    service = services("demo")[name]
    whole = [*(service["entrypoint"] or OWN[name]()), *service["command"]]
    if "volumes" in service:
        root = laid_out(service, stack.directory / name)
        for path in (each for each in root.rglob("*") if each.is_file()):
            path.write_text(hastened(stack.put_in(path.read_text(encoding="utf-8")), path), encoding="utf-8")
        whole = moved(whole, service, root)
    address = f"--web.listen-address={stack.addresses[name]}"
    more = {
        "simulator": (),  # it is told its address already; the others listen on their default one
        "prometheus": (address, "--rules.alert.resend-delay=1s"),  # the first time nobody may be known yet to send to
    }.get(name, (address,))
    return [{"python": sys.executable}.get(each, each) for each in map(stack.put_in, [*whole, *more])]


def hastened(text: str, path: Path) -> str:
    """Prometheus' files with a second for every interval."""
    if path.parent.name not in {"prometheus", "rules"}:
        return text
    return re.sub(r"^( +(?:\w+_)?(?:interval|timeout): )\w+", r"\g<1>1s", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The demo, running."""
    directory = tmp_path_factory.mktemp("stack")
    found = Stack({name: f"127.0.0.1:{free_port()}" for name in PORTS}, directory)
    with contextlib.ExitStack() as running_ones, pytest.MonkeyPatch.context() as patched:
        # The environment's own commands, as in the image.
        patched.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for name in ("simulator", "exporter", "alertmanager", "prometheus"):  # as they wait for each other
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


@pytest.mark.parametrize("name", PORTS)
def test_a_service_is_healthy_while_it_runs_only(stack: Stack, name: str) -> None:
    kind, program, *arguments = services("demo")[name]["healthcheck"]["test"]
    assert kind == "CMD"
    programs = {"python": sys.executable, "wget": require("wget", "wget")}

    def healthy(of: Stack) -> bool:
        check = [programs[program], *map(of.put_in, arguments)]
        return subprocess.run(check, capture_output=True, timeout=30, check=False).returncode == 0

    eventually(lambda: healthy(stack))
    assert not healthy(stack._replace(addresses={each: f"127.0.0.1:{free_port()}" for each in PORTS}))
