"""The manifests of several replicas: what is not about replicas is as of one, and the rest holds what it promises."""

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import derive
from deploy.replicated import REPLICATED
from exporter.config import load, state_kind
from exporter.config.durations import parse_duration
from exporter.config.keys import SECRETS
from exporter.model import SECOND
from exporter.state import Database, StateUnusable
from tests.certificates import Pair, pair
from tests.deploy import test_kubernetes as one
from tests.deploy.shipped import DEPLOY, given, loaded
from tests.postgresql import Server, server
from tests.processes import eventually, finished
from tests.tools import require

HERE = DEPLOY / "kubernetes" / "replicas"
PLAIN = sorted(HERE.glob("*.yaml"))
ALL = sorted(HERE.rglob("*.yaml"))
KINDS: dict[str, dict[str, Any]] = {
    found["kind"]: found for found in (yaml.safe_load(path.read_text(encoding="utf-8")) for path in ALL)
}
SPEC = KINDS["Deployment"]["spec"]
POD = SPEC["template"]["spec"]
(CONTAINER,) = POD["containers"]
LABELS = SPEC["template"]["metadata"]["labels"]
(CONFIGURATION,) = KINDS["ConfigMap"]["data"].values()


def test_all_that_is_needed_is_in_one_directory() -> None:
    assert len(ALL) == len(KINDS)
    assert set(KINDS) == {
        *("ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"),
        "ServiceMonitor",
    }


@pytest.mark.parametrize("path", REPLICATED, ids=lambda path: path.stem)
def test_what_is_made_of_the_manifests_of_one_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == REPLICATED[path](), "python deploy/derive.py"
    assert path in derive.DERIVED


def test_a_passage_that_has_changed_is_not_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "configmap.yaml").write_text("data: {}\n")
    monkeypatch.setattr("deploy.replicated._ONE", tmp_path)
    with pytest.raises(ValueError, match=r"configmap\.yaml: not there, or not once"):
        REPLICATED[HERE / "configmap.yaml"]()


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_manifests_keep_to_the_schema(path: Path) -> None:
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("manifest", KINDS.values(), ids=KINDS)
def test_manifests_take_the_place_of_those_of_one_in_any_namespace(manifest: dict[str, Any]) -> None:
    assert "namespace" not in manifest["metadata"]
    assert manifest["metadata"]["name"] == "epay-exporter"
    assert manifest["metadata"]["labels"] == {"app.kubernetes.io/name": "epay-exporter"}


def test_the_pod_is_that_of_one_but_for_the_state_the_spread_and_the_time_to_leave() -> None:
    mine, other = deepcopy(POD), deepcopy(one.POD)
    del mine["topologySpreadConstraints"], mine["containers"][0]["env"]
    for pod in (mine, other):
        del pod["terminationGracePeriodSeconds"]
        pod["securityContext"].pop("fsGroupChangePolicy", None)  # there is no volume that it would be about
        pod["volumes"] = [each for each in pod["volumes"] if each["name"] not in {"state", "postgresql-ca"}]
        mounts = pod["containers"][0]["volumeMounts"]
        mounts[:] = [each for each in mounts if each["name"] not in {"state", "postgresql-ca"}]
    assert mine == other
    assert LABELS == one.LABELS
    assert KINDS["Service"] == one.KINDS["Service"]


def test_there_are_three_and_never_fewer_while_they_are_replaced() -> None:
    assert SPEC["replicas"] == 3
    assert SPEC["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_shares_come_to_rest_before_the_next_one_goes_and_leases_run_out_before_it_is_killed(tmp_path: Path) -> None:
    lease = loaded(CONFIGURATION, tmp_path, mount_of("credentials")["mountPath"]).lease / SECOND
    assert SPEC["minReadySeconds"] >= 2 * lease
    assert POD["terminationGracePeriodSeconds"] >= 2 * lease


def test_selectors_find_the_pods() -> None:
    for selector in (
        SPEC["selector"]["matchLabels"],
        KINDS["Service"]["spec"]["selector"],
        KINDS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        KINDS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in POD["topologySpreadConstraints"]),
    ):
        assert selector
        assert selector.items() <= LABELS.items()
    wanted = KINDS["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= KINDS["Service"]["metadata"]["labels"].items()


def test_a_node_or_a_zone_that_fails_takes_as_few_as_can_be() -> None:
    spread = {each["topologyKey"]: each for each in POD["topologySpreadConstraints"]}
    assert {key: (each["whenUnsatisfiable"], each["maxSkew"]) for key, each in spread.items()} == {
        "kubernetes.io/hostname": ("DoNotSchedule", 1),
        "topology.kubernetes.io/zone": ("ScheduleAnyway", 1),
    }
    # Else a node that is being drained would count as an empty one, and its pod would fit nowhere.
    assert spread["kubernetes.io/hostname"]["nodeTaintsPolicy"] == "Honor"


def test_a_drain_takes_one_at_a_time_and_is_not_held_up_by_one_that_is_broken() -> None:
    budget = KINDS["PodDisruptionBudget"]["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert SPEC["replicas"] > budget["maxUnavailable"]


def mount_of(volume: str) -> dict[str, Any]:
    (found,) = (each for each in CONTAINER["volumeMounts"] if each["name"] == volume)
    assert isinstance(found, dict)
    return found


def test_nothing_can_be_written_to_and_nothing_is_claimed() -> None:
    assert all(each["readOnly"] for each in CONTAINER["volumeMounts"])
    assert {each["name"] for each in POD["volumes"]} == {each["name"] for each in CONTAINER["volumeMounts"]}
    assert not [each for each in POD["volumes"] if set(each) - {"name", "configMap", "secret"}]


def test_check_passes_the_configuration(tmp_path: Path) -> None:
    for name in SECRETS:
        (tmp_path / name).write_text(f"the {name}\n", encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION.replace(mount_of("credentials")["mountPath"], str(tmp_path)), encoding="utf-8")
    code, out, err = finished("check", f"--config.file={path}")
    assert (code, err) == (0, ""), out
    assert "state: postgresql://db.example.com/epay" in out
    assert given(CONTAINER["args"])["--config.file"] == f"{mount_of('configuration')['mountPath']}/config.yaml"


def test_terminals_and_credentials_are_those_of_one() -> None:
    mine, other = (yaml.safe_load(text) for text in (CONFIGURATION, one.KINDS["ConfigMap"]["data"]["config.yaml"]))
    assert state_kind(mine.pop("state")["url"]) == "postgresql"
    del other["state"]
    assert mine == other


def test_no_manifest_holds_a_secret_and_no_argument_names_one() -> None:
    assert "Secret" not in KINDS
    (variable,) = CONTAINER["env"]
    assert variable == {
        "name": "PGPASSWORD",
        "valueFrom": {"secretKeyRef": {"name": "epay-exporter-postgresql", "key": "password"}},
    }
    text = "".join(path.read_text(encoding="utf-8") for path in ALL)
    assert re.findall(r"postgresql://([^@\s]*)@", text) == ["epay_exporter"]  # a user, and no password behind it
    given_here = re.findall(r"^\s*(?:password|client_secret|username|client_id): *(.+)$", text, re.MULTILINE)
    assert given_here == []
    assert not [argument for argument in CONTAINER["args"] if re.search("pass|secret|postgres", argument)]


def test_the_ways_out_are_those_of_one_and_to_postgresql() -> None:
    mine, other = KINDS["NetworkPolicy"]["spec"], one.KINDS["NetworkPolicy"]["spec"]
    added = [rule for rule in mine["egress"] if rule not in other["egress"]]
    assert [rule["ports"] for rule in added] == [[{"protocol": "TCP", "port": 5432}]]
    assert all(rule["to"] for rule in added)
    assert {**mine, "egress": [rule for rule in mine["egress"] if rule not in added]} == other


# The scrape


def endpoint() -> dict[str, Any]:
    (found,) = KINDS["ServiceMonitor"]["spec"]["endpoints"]
    assert isinstance(found, dict)
    return found


def in_prometheus_words(rule: dict[str, Any]) -> dict[str, Any]:
    return {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): value for key, value in rule.items()}


def test_it_is_scraped_like_one_with_the_shipped_relabelling() -> None:
    shipped = yaml.safe_load((DEPLOY / "prometheus" / "replicas.yml").read_text(encoding="utf-8"))
    (scrape,) = shipped["scrape_configs"]
    assert list(map(in_prometheus_words, endpoint()["metricRelabelings"])) == scrape["metric_relabel_configs"]
    (other,) = one.KINDS["ServiceMonitor"]["spec"]["endpoints"]
    assert {key: value for key, value in endpoint().items() if "elabelings" not in key} == other
    assert parse_duration(other["interval"]) == parse_duration(scrape["scrape_interval"])


def test_no_label_but_the_instance_tells_pods_apart() -> None:
    """Of those that the operator gives: the pod's name and its address. The others are the Service's."""
    labels = {
        "__meta_kubernetes_pod_name": "epay-exporter-5c8-x2v",
        "pod": "epay-exporter-5c8-x2v",
        "instance": "10.1.2.3:10084",
        "namespace": "payments",
        "service": "epay-exporter",
        "endpoint": "metrics",
        "container": "epay-exporter",
        "job": "epay-exporter",
    }
    for rule in endpoint()["relabelings"]:
        if rule.get("action") == "labeldrop":
            labels = {name: value for name, value in labels.items() if not re.fullmatch(rule["regex"], name)}
        else:
            labels[rule["targetLabel"]] = ";".join(labels[name] for name in rule["sourceLabels"])
    apart = {name for name, value in labels.items() if "x2v" in value or "10.1.2.3" in value}
    assert apart == {"__meta_kubernetes_pod_name", "instance"}


def test_promtool_accepts_the_relabelling(tmp_path: Path) -> None:
    job = {
        "job_name": "epay-exporter",
        "relabel_configs": list(map(in_prometheus_words, endpoint()["relabelings"])),
        "metric_relabel_configs": list(map(in_prometheus_words, endpoint()["metricRelabelings"])),
    }
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump({"scrape_configs": [job]}), encoding="utf-8")
    command = [require("promtool", "prometheus"), "check", "config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# The way to the database, tried at a real one: it asks for TLS and for a password

PASSWORD = "p@ss/w%rd: as it is"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def strict(authority: Pair) -> Iterator[Server]:
    """A database `epay` for the role that README.md describes, by TLS and with its password only."""
    with server() as running:
        data = running.directory / "data"
        certificate = pair(running.directory, "server", authority, san="DNS:db.example.com")
        if running.as_user:
            shutil.chown(certificate.key, "postgres", "postgres")
        running.create("epay")
        running.sql(f"CREATE ROLE epay_exporter LOGIN PASSWORD '{PASSWORD}'")
        running.sql("CREATE SCHEMA epay AUTHORIZATION epay_exporter", "epay")
        running.sql(f"ALTER SYSTEM SET ssl_cert_file = '{certificate.certificate}'")
        running.sql(f"ALTER SYSTEM SET ssl_key_file = '{certificate.key}'")
        running.sql("ALTER SYSTEM SET ssl = on")
        (data / "pg_hba.conf").write_text(
            "host all epay 127.0.0.1/32 trust\nhostssl epay epay_exporter 127.0.0.1/32 scram-sha-256\n"
        )
        running.stop()
        running.start()
        eventually(lambda: running.sql("SELECT 1") == [(1,)])
        yield running


def url(at: Server, authority: Path, more: str = "") -> str:
    """The ConfigMap's, which this machine's server answers to."""
    found: str = yaml.safe_load(CONFIGURATION)["state"]["url"]
    place = f"{mount_of('postgresql-ca')['mountPath']}/ca.crt"
    assert found.count(place) == 1
    return f"{found.replace(place, str(authority))}&hostaddr=127.0.0.1&port={at.port}{more}"


def test_the_password_from_the_secret_and_the_mounted_authority_lead_to_the_state(
    strict: Server, authority: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CONTAINER["env"][0]["name"], PASSWORD)
    path = tmp_path / "config.yaml"
    text = CONFIGURATION.replace(yaml.safe_load(CONFIGURATION)["state"]["url"], url(strict, authority.certificate))
    for name in SECRETS:
        (tmp_path / name).write_text("x\n")
    path.write_text(text.replace(mount_of("credentials")["mountPath"], str(tmp_path)), encoding="utf-8")
    Database(load(path, {}).state_url).close()

    assert strict.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'leases'", "epay") == [("epay_exporter",)]


def test_a_server_that_another_authority_vouches_for_is_refused(
    strict: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with pytest.raises(StateUnusable, match="certificate verify failed"):
        Database(url(strict, pair(tmp_path, "somebody").certificate))


@pytest.mark.parametrize(("mode", "taken"), [(0o400, True), (0o440, False)])
def test_a_file_of_the_password_that_a_group_may_read_would_be_passed_over(
    strict: Server, authority: Pair, tmp_path: Path, mode: int, taken: bool
) -> None:
    """As a Secret's file is for a user that is not root; why the password is a variable."""
    file = tmp_path / "pgpass"
    escaped = PASSWORD.replace(":", r"\:")
    file.write_text(f"*:*:*:*:{escaped}\n")
    file.chmod(mode)
    assert stat.S_IMODE(file.stat().st_mode) == mode
    where = url(strict, authority.certificate, f"&passfile={file}")
    if taken:
        Database(where).close()
    else:
        with pytest.raises(StateUnusable, match="no password supplied"):
            Database(where)
