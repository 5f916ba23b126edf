"""The compose file is one, fits the exporter and its own parts, and leaves nothing open."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import derive
from exporter import cli
from exporter.config import load
from exporter.config.durations import parse_duration
from exporter.simulator.world import TERMINALS
from tests.deploy.composed import (
    FILE,
    NAMED,
    PASSWORD,
    Service,
    docker_compose,
    laid_out,
    mounts,
    moved,
    services,
    written,
)
from tests.deploy.shipped import DEPLOY, METRICS, PORT, ROOT, USER, endpoints, given
from tests.processes import configuration, eventually, free_port, get, simulated
from tests.tools import require

START = DEPLOY / "compose" / "start.py"
DEMO = DEPLOY / "compose" / "demo" / "config.yaml"


def every() -> dict[str, Service]:
    """All services, of every profile."""
    return services("demo", "replicas")


every_service = pytest.mark.parametrize("name", written()["services"])


@pytest.mark.parametrize("profiles", [(), ("demo",), ("replicas",), ("demo", "replicas")], ids="-".join)
def test_docker_accepts_it(profiles: tuple[str, ...]) -> None:
    done = docker_compose(*(f"--profile={profile}" for profile in profiles), "config", "--quiet", **NAMED)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_keeps_to_the_specifications_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_adds_the_bank_and_nothing_else() -> None:
    assert set(services()) == {"exporter", "prometheus", "alertmanager", "grafana"}
    assert set(services("demo")) - set(services()) == {"simulator"}
    assert {name: services("demo")[name] for name in services()} | {"exporter": {}} == services() | {"exporter": {}}


def test_no_password_is_there_by_default() -> None:
    done = docker_compose("config", "--quiet")
    assert done.returncode != 0
    assert "GF_SECURITY_ADMIN_PASSWORD is missing a value: choose a password" in done.stderr
    secret = re.compile("PASSWORD|SECRET|TOKEN|KEY")
    set_here = {
        name: value for service in every().values() for name, value in (service.get("environment") or {}).items()
    }
    assert {name for name, value in set_here.items() if secret.search(name) and value} == {*NAMED}
    assert json.dumps(every()).count(PASSWORD) == 1
    assert written()["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"].startswith(
        "${GF_SECURITY_ADMIN_PASSWORD:?"
    )


@every_service
def test_images_are_pinned(name: str) -> None:
    # PostgreSQL's versions have two numbers: the second one is that of its corrections.
    assert re.fullmatch(r"postgres:\d+\.\d+|[a-z/-]+:v?\d+\.\d+\.\d+", every()[name]["image"])


def test_the_exporters_image_is_this_version_and_comes_from_this_checkout() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    built = every()["exporter"]
    assert (Path(built["build"]["context"]), built["pull_policy"]) == (ROOT, "build")
    for other in (every()[name] for name in ("simulator", "exporter-2", "exporter-3")):
        assert built["image"] == other["image"] == f"{project['name']}:{project['version']}"
        assert ("build" in other, other["pull_policy"]) == (False, "never")


@every_service
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    service = every()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].partition(":")[0]) > 0
    assert not {"cap_add", "privileged", "network_mode", "pid", "ipc", "devices"} & set(service)
    assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ()))


@every_service
def test_a_service_is_bounded_looked_after_and_comes_back(name: str) -> None:
    service = every()[name]
    assert 0 < int(service["mem_limit"]) <= 1 << 30
    assert service["pids_limit"] > 0
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["healthcheck"]["test"][0] == "CMD"
    assert set(service["healthcheck"]) == {"test", "interval", "timeout", "retries", "start_period"}
    assert service["restart"] == "unless-stopped"


@every_service
def test_what_is_mounted_is_in_the_repository_and_cannot_be_written_to(name: str) -> None:
    for mount in every()[name].get("volumes", []):
        if mount["type"] == "bind":
            assert mount["read_only"] is True
            assert not mount["bind"].get("create_host_path")  # what is missing is an error, not an empty directory
            assert Path(mount["source"]).is_relative_to(ROOT)
            assert Path(mount["source"]).exists()


def test_every_volume_keeps_one_services_data() -> None:
    kept = [
        str(source)
        for service in every().values()
        if "volumes" in service
        for source in mounts(service, "volume").values()
    ]
    assert sorted(kept) == sorted(written()["volumes"])


def test_services_wait_for_what_they_ask() -> None:
    waits = {
        (name, other): (condition["condition"], condition["required"])
        for name, service in every().items()
        for other, condition in service.get("depends_on", {}).items()
    }
    assert waits == {
        ("exporter", "simulator"): ("service_healthy", False),
        ("exporter", "postgres"): ("service_healthy", False),
        **{(f"exporter-{number}", "simulator"): ("service_healthy", False) for number in (2, 3)},
        **{(f"exporter-{number}", "postgres"): ("service_healthy", True) for number in (2, 3)},
        ("prometheus", "exporter"): ("service_healthy", True),
        ("prometheus", "alertmanager"): ("service_healthy", True),
        ("grafana", "prometheus"): ("service_healthy", True),
        ("grafana", "alertmanager"): ("service_healthy", True),
    }


def test_commands_are_ones_of_the_exporter() -> None:
    exporter, simulator = every()["exporter"], every()["simulator"]
    assert given([*exporter["command"], "--config.file=config.yaml"])
    name, *arguments = simulator["command"]
    context = cli.commands.commands[name].make_context(name, arguments)
    assert context.params["listen"] == "0.0.0.0:8900"
    assert simulator["entrypoint"] is None  # the image's own
    # A scenario that there is not is refused, so the default is one that there is.
    assert context.params["scenario"] == "normal-day"


def test_ports_places_and_users_are_the_exporters() -> None:
    exporter = every()["exporter"]
    assert [port["target"] for port in exporter["ports"]] == [PORT]
    assert exporter["user"] == every()["simulator"]["user"] == f"{USER}:{USER}"
    assert mounts(exporter, "volume") == {"/data": Path("state")}  # where the image works
    check = exporter["healthcheck"]["test"][-1]
    assert f'"127.0.0.1", {PORT}' in check
    assert set(re.findall(r'"GET", "([^"]+)"', check)) <= endpoints()


def test_what_the_exporter_is_started_with_is_mounted() -> None:
    exporter = every()["exporter"]
    _python, start, yours, demo, bank = exporter["entrypoint"]
    binds = mounts(exporter, "bind")
    assert binds[start] == START
    assert binds[str(Path(yours).parent)] == DEPLOY / "compose" / "configuration"
    assert binds[str(Path(demo).parent)] / Path(demo).name == DEMO
    host, _, port = bank.partition(":")
    assert [published["target"] for published in every()[host]["ports"]] == [int(port)]


def test_the_demo_reads_the_simulators_terminals() -> None:
    config = load(DEMO, {})
    (account,) = config.accounts
    bank = every()["exporter"]["entrypoint"][-1]
    assert account.token_url.startswith(f"http://{bank}/")
    assert account.operations_url.startswith(f"http://{bank}/")
    assert [terminal.id for terminal in account.terminals] == [terminal.number for terminal in TERMINALS]


@pytest.mark.parametrize("name", ["config.yaml", "secrets/password"])
def test_your_configuration_stays_out_of_the_repository(name: str) -> None:
    asked = [require("git", "git"), "check-ignore", "--quiet", f"deploy/compose/configuration/{name}"]
    assert subprocess.run(asked, cwd=ROOT, timeout=30, check=False).returncode == 0


def start(yours: Path, bank: int) -> tuple[int, str]:
    """Exit code and what is said, with `check` in place of `run`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, str(START), str(yours), str(DEMO), f"127.0.0.1:{bank}", "check"]
    done = subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_without_a_configuration_and_a_demo_it_says_what_is_missing(tmp_path: Path) -> None:
    code, said = start(tmp_path / "config.yaml", free_port())
    assert code == 2
    assert said.startswith(f"epay-exporter: there is no {tmp_path}/config.yaml: on the host it is ")


def test_your_configuration_is_taken_where_no_simulator_runs(tmp_path: Path) -> None:
    yours = configuration(tmp_path, free_port())
    code, said = start(yours, free_port())
    assert (code, "demo:" in said) == (0, False), said


def test_a_configuration_that_cannot_be_used_is_explained_by_the_exporter(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("accounts: []\n")
    code, said = start(tmp_path / "config.yaml", free_port())
    assert (code, "accounts" in said) == (1, True), said


def test_the_demos_is_taken_where_the_simulator_runs_and_never_beside_yours(tmp_path: Path) -> None:
    bank = free_port()
    with simulated(tmp_path / "bank.log", bank):
        eventually(lambda: get(f"http://127.0.0.1:{bank}/truth")[0] == 200)
        code, said = start(tmp_path / "config.yaml", bank)
        assert code == 0, said
        assert f"demo: everything is read from the simulator, 127.0.0.1:{bank}" in said

        code, said = start(configuration(tmp_path, bank), bank)
        assert code == 2
        assert "are both there: with which of them?" in said


def prometheus_file(root: Path) -> Path:
    """Prometheus' configuration where its command finds it."""
    (flag,) = (each for each in every()["prometheus"]["command"] if each.startswith("--config.file="))
    (place,) = moved([flag.partition("=")[2]], every()["prometheus"], root)
    return Path(place)


def test_promtool_accepts_what_prometheus_finds(tmp_path: Path) -> None:
    root = laid_out(every()["prometheus"], tmp_path)
    command = [require("promtool", "prometheus"), "check", "config", str(prometheus_file(root))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in sorted((ROOT / "grafana" / "alerts").glob("*.yaml")):
        assert f"rules/{path.name}" in done.stdout


def test_prometheus_is_the_shipped_one_but_for_the_names_of_services(tmp_path: Path) -> None:
    def read(path: Path) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return document

    here = read(DEPLOY / "compose" / "prometheus" / "prometheus.yml")
    shipped = read(DEPLOY / "prometheus" / "prometheus.yml")
    (scraped,), (told,) = here["scrape_configs"], here["alerting"]["alertmanagers"]
    assert scraped["static_configs"] == [{"targets": [f"exporter:{PORT}"]}]
    assert scraped["metrics_path"] == METRICS
    assert told["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    assert [port["target"] for port in every()["alertmanager"]["ports"]] == [9093]
    for document in (here, shipped):
        del document["rule_files"], document["alerting"], document["scrape_configs"][0]["static_configs"]
    for added in ("dns_sd_configs", "relabel_configs", "metric_relabel_configs"):  # see test_compose_replicas
        del scraped[added]
    assert here == shipped


def test_samples_are_kept_for_longer_than_rules_look_back() -> None:
    (kept,) = (flag.partition("=")[2] for flag in every()["prometheus"]["command"] if "retention.time" in flag)
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "grafana" / "alerts").glob("*.yaml"))
    longest = max(parse_duration(found) for found in re.findall(r"(?:\[|offset )(\d+[smhdw])", text))
    assert longest < parse_duration(kept)


def test_amtool_accepts_what_alertmanager_finds(tmp_path: Path) -> None:
    root = laid_out(every()["alertmanager"], tmp_path)
    (flag,) = (each for each in every()["alertmanager"]["command"] if each.startswith("--config.file="))
    (place,) = moved([flag.partition("=")[2]], every()["alertmanager"], root)
    command = [require("amtool", "prometheus-alertmanager"), "--no-version-check", "check-config", place]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_goes_the_shipped_ways_and_tells_nobody() -> None:
    assert derive.SILENT.read_text(encoding="utf-8") == derive.silent_alertmanager(), "python deploy/derive.py"
    here = yaml.safe_load(derive.SILENT.read_text(encoding="utf-8"))
    shipped = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    assert (here["route"], here["inhibit_rules"]) == (shipped["route"], shipped["inhibit_rules"])
    assert all(set(receiver) == {"name"} for receiver in here["receivers"])
