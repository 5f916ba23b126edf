"""The manifests are valid, fit each other, the image and the exporter, and grant nothing that is not needed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import derive
from exporter.config.durations import parse_duration
from exporter.config.keys import SECRETS
from tests.deploy.shipped import DEPLOY, METRICS, PORT, ROOT, USER, endpoints, given, loaded
from tests.tools import require

PLAIN = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
ALL = sorted([*PLAIN, *(DEPLOY / "kubernetes" / "prometheus-operator").glob("*.yaml")])


def manifests() -> dict[str, dict[str, Any]]:
    """By kind; there is one of each."""
    found = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in ALL]
    assert len({each["kind"] for each in found}) == len(found)
    return {each["kind"]: each for each in found}


KINDS = manifests()
POD = KINDS["Deployment"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
LABELS = KINDS["Deployment"]["spec"]["template"]["metadata"]["labels"]


def test_nothing_is_missing() -> None:
    assert set(KINDS) == {
        *("ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Service"),
        *("PrometheusRule", "ServiceMonitor"),
    }


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_manifests_keep_to_the_schema(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("manifest", KINDS.values(), ids=KINDS)
def test_manifests_go_into_any_namespace_and_are_found_by_their_label(manifest: dict[str, Any]) -> None:
    assert "namespace" not in manifest["metadata"]
    assert manifest["metadata"]["labels"].items() >= {"app.kubernetes.io/name": "epay-exporter"}.items()


def test_there_is_never_a_second_process_on_the_state() -> None:
    assert KINDS["Deployment"]["spec"]["replicas"] == 1
    assert KINDS["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}


def test_selectors_find_the_pod() -> None:
    assert KINDS["Deployment"]["spec"]["selector"]["matchLabels"].items() <= LABELS.items()
    assert KINDS["Service"]["spec"]["selector"].items() <= LABELS.items()
    assert KINDS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= LABELS.items()
    service = KINDS["Service"]["metadata"]["labels"]
    assert KINDS["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items() <= service.items()


def test_ports_and_paths_are_the_exporters() -> None:
    (port,) = CONTAINER["ports"]
    (served,) = KINDS["Service"]["spec"]["ports"]
    (scraped,) = KINDS["ServiceMonitor"]["spec"]["endpoints"]
    (let_in,) = KINDS["NetworkPolicy"]["spec"]["ingress"]
    assert port["containerPort"] == served["port"] == PORT
    assert served["targetPort"] == port["name"]
    assert let_in["ports"] == [{"protocol": "TCP", "port": port["name"]}]
    assert (scraped["port"], scraped["path"]) == (served["name"], METRICS)
    assert parse_duration(scraped["scrapeTimeout"]) < parse_duration(scraped["interval"])


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/-/healthy"), ("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")],
)
def test_probes_ask_what_is_served(probe: str, path: str) -> None:
    assert CONTAINER[probe]["httpGet"] == {"path": path, "port": "metrics"}
    assert path in endpoints()


def test_a_first_start_on_an_old_state_has_minutes() -> None:
    probe = CONTAINER["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 600


def test_the_command_line_is_one() -> None:
    assert "command" not in CONTAINER  # the image's own
    assert given(CONTAINER["args"])["--config.file"] == f"{mount_of('configuration')['mountPath']}/config.yaml"


def test_the_image_is_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert CONTAINER["image"] == f"{project['name']}:{project['version']}"


def test_the_security_context_is_the_restricted_one_and_more() -> None:
    own, pod = CONTAINER["securityContext"], POD["securityContext"]
    assert own == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] == pod["runAsGroup"] == pod["fsGroup"] == USER
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(POD)
    assert not [volume for volume in POD["volumes"] if "hostPath" in volume]


def test_variables_of_services_do_not_look_like_flags() -> None:
    assert POD["enableServiceLinks"] is False


def test_resources_are_said() -> None:
    assert set(CONTAINER["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in CONTAINER["resources"]["limits"]


def mount_of(volume: str) -> dict[str, Any]:
    (found,) = (each for each in CONTAINER["volumeMounts"] if each["name"] == volume)
    assert isinstance(found, dict)
    return found


def volume_of(name: str) -> dict[str, Any]:
    (found,) = (each for each in POD["volumes"] if each["name"] == name)
    assert isinstance(found, dict)
    return found


def test_every_volume_is_mounted_and_only_the_state_is_written_to() -> None:
    assert {each["name"] for each in POD["volumes"]} == {each["name"] for each in CONTAINER["volumeMounts"]}
    assert [each["name"] for each in CONTAINER["volumeMounts"] if not each.get("readOnly")] == ["state"]
    assert not [each for each in CONTAINER["volumeMounts"] if "subPath" in each]
    assert (
        volume_of("state")["persistentVolumeClaim"]["claimName"] == (KINDS["PersistentVolumeClaim"]["metadata"]["name"])
    )
    assert volume_of("configuration")["configMap"]["name"] == KINDS["ConfigMap"]["metadata"]["name"]


def test_the_configuration_loads_and_its_places_are_mounted(tmp_path: Path) -> None:
    (text,) = KINDS["ConfigMap"]["data"].values()
    config = loaded(text, tmp_path, mount_of("credentials")["mountPath"])
    assert config.accounts[0].password.read() == "the password"
    assert config.state_url.startswith(f"sqlite:///{mount_of('state')['mountPath']}/")


def test_credentials_come_from_a_secret_that_is_not_shipped() -> None:
    assert "Secret" not in KINDS
    items = volume_of("credentials")["secret"]["items"]
    assert [(item["key"], item["path"]) for item in items] == [(name, name) for name in SECRETS]
    assert volume_of("credentials")["secret"]["defaultMode"] == 0o440
    assert "env" not in CONTAINER


def test_the_way_to_the_bank_is_open_and_the_rest_closed() -> None:
    policy = KINDS["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all("to" in rule and "ports" in rule for rule in policy["egress"])
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443}


def test_the_operators_rules_are_the_shipped_ones() -> None:
    assert derive.RULE.read_text(encoding="utf-8") == derive.prometheus_rule(), "python deploy/derive.py"
    shipped = [
        group
        for path in sorted((ROOT / "grafana" / "alerts").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    ]
    groups = KINDS["PrometheusRule"]["spec"]["groups"]
    assert sorted(groups, key=lambda group: str(group["name"])) == sorted(shipped, key=lambda group: str(group["name"]))


def test_the_operators_rules_are_accepted_and_small_enough_to_be_applied(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump(KINDS["PrometheusRule"]["spec"]), encoding="utf-8")
    command = [require("promtool", "prometheus"), "check", "rules", str(rules)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # `kubectl apply` keeps the object once more in an annotation, of which there may be 256 KiB.
    assert derive.RULE.stat().st_size < 200_000


def test_rules_know_the_exporter_by_the_job_that_the_operator_gives_it() -> None:
    job = KINDS["Service"]["metadata"]["name"]
    text = str(KINDS["PrometheusRule"])
    named = set(re.findall(r'job=~"([^"]+)"', text))
    assert named
    assert all(re.fullmatch(pattern, job) for pattern in named)
