"""The profile `replicas`: three exporters that share one PostgreSQL and never read the same terminal, as they stand in
the file and as processes of this machine."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import pytest
import yaml

from deploy import derive
from exporter.config import load, shown_state
from exporter.sharing import shares
from tests.deploy.composed import NAMED, docker_compose, mounts, services
from tests.deploy.shipped import DEPLOY, PORT
from tests.deploy.stack import Stack, command
from tests.deploy.test_compose import START
from tests.end_to_end.pages.servers import asked, ready, running
from tests.postgresql import Server, server
from tests.processes import configuration, eventually, free_port, get, simulated
from tests.tools import require

REPLICAS: Final = ("exporter", "exporter-2", "exporter-3")
STATE_PASSWORD: Final = "EPAY_STATE_PASSWORD"
DEMO: Final = derive.DEMO_SHARED


# The file


def test_the_profile_adds_two_exporters_and_their_database() -> None:
    assert set(services("replicas")) - set(services()) == {"exporter-2", "exporter-3", "postgres"}
    unchanged = set(services()) - {"exporter"}  # which waits for the database where there is one
    assert {name: services("replicas")[name] for name in unchanged} == {name: services()[name] for name in unchanged}


def test_exporters_differ_in_their_port_and_their_own_volume_only() -> None:
    first, *others = (services("demo", "replicas")[name] for name in REPLICAS)
    assert [each["ports"][0]["published"] for each in (first, *others)] == ["10084", "10085", "10086"]
    assert {each["ports"][0]["target"] for each in (first, *others)} == {PORT}
    assert mounts(first, "bind") == mounts(others[0], "bind") == mounts(others[1], "bind")
    assert [each["tmpfs"] for each in others] == [["/data"]] * 2
    assert [each["entrypoint"] for each in others] == [
        [*first["entrypoint"][:2], "--replica", *first["entrypoint"][2:]]
    ] * 2
    for same in ("command", "environment", "image", "healthcheck", "user", "mem_limit", "stop_grace_period"):
        assert first[same] == others[0][same] == others[1][same], same


def test_the_database_has_no_password_by_default_and_nobody_outside_reaches_it() -> None:
    postgres = services("replicas")["postgres"]
    assert postgres["environment"] == {"POSTGRES_USER": "epay", "POSTGRES_PASSWORD": ""}
    assert "ports" not in postgres
    assert mounts(postgres, "volume") == {"/var/lib/postgresql": Path("postgres")}  # where version 18 has its data


def test_one_variable_is_the_password_on_both_sides() -> None:
    done = docker_compose(
        "--profile=replicas", "config", "--format=json", **NAMED, **{STATE_PASSWORD: "told by nobody"}
    )
    found = json.loads(done.stdout)["services"]
    assert found["postgres"]["environment"]["POSTGRES_PASSWORD"] == "told by nobody"
    assert {found[name]["environment"][STATE_PASSWORD] for name in REPLICAS} == {"told by nobody"}
    # So that a single exporter that runs already is started anew when it gets a state to share.
    assert services()["exporter"]["environment"][STATE_PASSWORD] is None


def test_the_demos_terminals_are_as_many_shares_as_replicas_in_the_state_of_the_file() -> None:
    assert DEMO.read_text(encoding="utf-8") == derive.demo_of_replicas(), "python deploy/derive.py"
    mine, other = load(DEMO, {STATE_PASSWORD: "told"}), load(derive.DEMO, {})
    assert [(each.id, each.name) for each in mine.terminals] == [(each.id, each.name) for each in other.terminals]
    assert len(shares(mine.accounts)) == len(REPLICAS)
    assert shown_state(mine.state_url) == "postgresql://postgres:5432/epay"
    assert (mine.poll, mine.breakdowns) == (other.poll, other.breakdowns)


def scraped() -> dict[str, Any]:
    text = (DEPLOY / "compose" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert isinstance(job, dict)
    return job


def test_prometheus_relabels_as_shipped_and_finds_the_others_while_they_run() -> None:
    shipped = yaml.safe_load((DEPLOY / "prometheus" / "replicas.yml").read_text(encoding="utf-8"))
    assert scraped()["metric_relabel_configs"] == shipped["scrape_configs"][0]["metric_relabel_configs"]
    (found,) = scraped()["dns_sd_configs"]
    assert found["names"] == [f"{name}." for name in REPLICAS[1:]]
    assert (found["type"], found["port"]) == ("A", PORT)
    (rule,) = scraped()["relabel_configs"]
    named = [re.sub(rule["regex"], rule["replacement"].replace("$1", r"\1"), name) for name in found["names"]]
    assert named == [f"{name}:{PORT}" for name in REPLICAS[1:]]


def test_prometheus_finds_by_name_who_runs_and_asks_no_other_domain(tmp_path: Path) -> None:
    """A real one, in a network of its own with a server of names: the second exporter runs, the third does not."""
    alone = [require("unshare", "util-linux"), "--map-root-user", "--mount", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody have a network of his own")
    resolv_conf, configured = tmp_path / "resolv.conf", tmp_path / "prometheus.yml"
    resolv_conf.write_text("nameserver 127.0.0.1\nsearch corp.example.com\n", encoding="utf-8")
    configured.write_text(yaml.safe_dump({"scrape_configs": [scraped()]}), encoding="utf-8")
    # Asked from within: its network cannot be reached from here.
    asking = f"""
"$1" --config.file={configured} --storage.tsdb.path={tmp_path / "data"} --web.listen-address=127.0.0.1:9090 2>&1 &
trap "kill $!; wait" EXIT
for attempt in $(seq 200); do
    "$2" -c '
import json, sys, urllib.request
found = json.load(urllib.request.urlopen("http://127.0.0.1:9090/api/v1/targets"))["data"]["activeTargets"]
for each in found: print("target", each["labels"]["job"], each["labels"]["instance"], each["scrapeUrl"])
sys.exit(len(found) < 2)' 2>/dev/null && exit
    sleep 0.1
done
"""
    inside = [sys.executable, str(Path(__file__).with_name("names.py")), str(resolv_conf), "exporter-2=127.0.0.2"]
    command = [*alone, *inside, "bash", "-c", asking, "bash", require("prometheus", "prometheus"), sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert {line for line in lines if line.startswith("target ")} == {
        f"target epay exporter:{PORT} http://exporter:{PORT}/metrics",
        f"target epay exporter-2:{PORT} http://127.0.0.2:{PORT}/metrics",
    }, done.stdout + done.stderr
    asked_for = {line for line in lines if line.startswith(("exporter-2", "exporter-3"))}
    assert asked_for == {"exporter-2 127.0.0.2", "exporter-3 -"}


# The start


def start(yours: Path, *arguments: str, bank: int = 0, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit code and what is said, with `check` in place of `run`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    whole = [sys.executable, str(START), *arguments, str(yours), str(derive.DEMO), f"127.0.0.1:{bank or free_port()}"]
    around = (
        {name: value for name, value in os.environ.items() if name != STATE_PASSWORD}
        | {"PATH": path}
        | dict(environ or {})
    )
    done = subprocess.run([*whole, "check"], env=around, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    with simulated(tmp_path_factory.mktemp("bank") / "log", port):
        eventually(lambda: get(f"http://127.0.0.1:{port}/truth")[0] == 200)
        yield port


def test_with_the_password_the_demos_state_is_the_one_that_is_shared(tmp_path: Path, bank: int) -> None:
    nothing = tmp_path / "config.yaml"
    code, said = start(nothing, bank=bank, environ={STATE_PASSWORD: "told"})
    assert (code, "state: postgresql://postgres:5432/epay" in said) == (0, True), said
    code, said = start(nothing, bank=bank)
    assert (code, "state: memory:" in said) == (0, True), said
    code, said = start(nothing, bank=bank, environ={STATE_PASSWORD: ""})
    assert (code, "state: memory:" in said) == (0, True), said


def test_a_replica_of_the_demo_does_not_start_without_the_password(tmp_path: Path, bank: int) -> None:
    code, said = start(tmp_path / "config.yaml", "--replica", bank=bank)
    assert (code, STATE_PASSWORD in said) == (1, True), said


@pytest.mark.parametrize(
    ("arguments", "environ"), [((), {STATE_PASSWORD: "told"}), (("--replica",), {})], ids=["password", "replica"]
)
def test_your_configuration_is_refused_where_replicas_would_each_have_a_state(
    tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    code, said = start(configuration(tmp_path, free_port()), *arguments, environ=environ)
    assert code == 2
    assert f"postgresql://epay:${{{STATE_PASSWORD}}}@postgres:5432/epay" in said


def test_your_configuration_is_taken_with_a_state_that_can_be_shared(tmp_path: Path) -> None:
    state = f"postgresql://epay:${{{STATE_PASSWORD}}}@postgres:5432/epay"
    yours = configuration(tmp_path, free_port(), state=state)
    code, said = start(yours, "--replica", environ={STATE_PASSWORD: "told"})
    assert (code, "state: postgresql://postgres:5432/epay" in said) == (0, True), said


def test_what_else_is_wrong_with_your_configuration_the_exporter_says(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("accounts: []\n")
    code, said = start(tmp_path / "config.yaml", "--replica")
    assert (code, "accounts" in said) == (1, True), said


# Running


class Profile(NamedTuple):
    """The profiles demo and replicas, running: what stops a service, and its PostgreSQL."""

    stack: Stack
    stop: dict[str, contextlib.ExitStack]
    database: Server


def with_leases_of_two_seconds(stack: Stack, name: str) -> None:
    path = stack.directory / name / "etc" / "epay-exporter-demo" / "replicas.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("\nstate:\n") == 1
    path.write_text(text.replace("\nstate:\n", "\nstate:\n  lease: 2s\n"), encoding="utf-8")


def with_addresses_for_names(stack: Stack) -> None:
    """There is no server of names here that knows the services'."""
    path = stack.directory / "prometheus" / "etc" / "epay" / "prometheus" / "prometheus.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    (job,) = document["scrape_configs"]
    (found,) = job.pop("dns_sd_configs")
    job["static_configs"] += [
        {"targets": [stack.addresses[name.removesuffix(".")]], "labels": {"__meta_dns_name": name}}
        for name in found["names"]
    ]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profile]:
    directory = tmp_path_factory.mktemp("stack")
    with contextlib.ExitStack() as all_of_it, pytest.MonkeyPatch.context() as patched:
        database = all_of_it.enter_context(server())
        database.create("epay")
        addresses = {
            name: f"127.0.0.1:{free_port()}" for name in ("simulator", *REPLICAS, "prometheus", "alertmanager")
        }
        stack = Stack({**addresses, "postgres": f"127.0.0.1:{database.port}"}, directory)
        patched.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patched.setenv(STATE_PASSWORD, "told")
        stop = {}
        for name in ("simulator", *REPLICAS, "prometheus"):
            whole = command(stack, name)
            if name in REPLICAS:
                with_leases_of_two_seconds(stack, name)
            if name == "prometheus":
                with_addresses_for_names(stack)
            stop[name] = all_of_it.enter_context(contextlib.ExitStack())
            log = directory / f"{name}.log"
            stop[name].enter_context(running(log, *whole, directory=directory))
            if name == "simulator":
                eventually(lambda: get(stack.url("simulator", "/truth"))[0] == 200)
            else:
                ready(f"http://{stack.addresses[name]}", log)
        yield Profile(stack, stop, database)


def answer(stack: Stack, query: str) -> list[dict[str, str]]:
    """The labels of what an instant query gives."""
    found = asked(stack.url("prometheus", f"/api/v1/query?query={quote(query)}"))["data"]["result"]
    return [each["metric"] for each in found]


def test_each_reads_its_part_and_prometheus_sees_one_series_of_each_terminal(profile: Profile) -> None:
    stack = profile.stack
    eventually(lambda: len(answer(stack, "sum by (instance) (epay_share_held) == 1")) == 3)
    eventually(lambda: len(answer(stack, "epay_poll_success == 1")) == 6)
    assert answer(stack, "sum by (share) (epay_share_held) != 1") == []
    names = {each["instance"] for each in answer(stack, "up == 1")}
    assert names == {stack.addresses["exporter"], "exporter-2:10084", "exporter-3:10084"}
    counters = eventually(lambda: answer(stack, "epay_operations_total"))
    assert {(each["job"], each["instance"]) for each in counters} == {("epay", "epay")}
    assert {each["instance"] for each in answer(stack, "epay_replicas == 3")} == names


def test_the_database_is_healthy_while_it_runs_only(profile: Profile) -> None:
    kind, program, *arguments = services("replicas")["postgres"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "pg_isready")
    program = str(profile.database.binaries / program)
    assert Path(program).exists() or require("pg_isready", "postgresql")

    def healthy(port: int) -> bool:
        check = [program, *(argument.replace("--port=5432", f"--port={port}") for argument in arguments)]
        return subprocess.run(check, capture_output=True, timeout=30, check=False).returncode == 0

    assert healthy(profile.database.port)
    assert not healthy(free_port())


def test_when_one_is_killed_the_others_go_on_with_its_series(profile: Profile) -> None:
    stack = profile.stack
    eventually(lambda: len(answer(stack, "epay_poll_success == 1")) == 6)
    before = {each["terminal"] for each in answer(stack, "epay_poll_success == 1")}
    profile.stop["exporter-2"].close()
    eventually(lambda: answer(stack, 'up{instance="exporter-2:10084"} == 0'))
    eventually(lambda: len(answer(stack, 'epay_share_held{instance!="exporter-2:10084"} == 1')) == 3)
    eventually(lambda: {each["terminal"] for each in answer(stack, "epay_poll_success == 1")} == before)
    series = "count by (terminal, outcome, status, code, reason_code) (last_over_time(epay_operations_total[10m])) > 1"
    assert answer(stack, series) == []
