"""The exporter's own metrics."""

import subprocess

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import Exposition, render
from exporter.instrumentation import Instruments
from exporter.model import SECOND, LoginMade, Observer, PollMade, RequestMade
from tests.tools import COUNTED_IN_DAYS, NOW, require, snapshot, terminal_snapshot


@pytest.fixture
def instruments() -> Instruments:
    return Instruments(["main", "second"], version="1.2.3", revision="abc")


def value(instruments: Instruments, name: str, **labels: str) -> float | None:
    return instruments.registry.get_sample_value(name, labels)


def test_is_an_observer(instruments: Instruments) -> None:
    observer: Observer = instruments

    assert observer is instruments


def test_what_can_happen_first_starts_at_zero(instruments: Instruments) -> None:
    for account in ("main", "second"):
        assert value(instruments, "epay_polls_total", account=account, result="success") == 0
        assert value(instruments, "epay_poll_duration_seconds_count", account=account) == 0
        assert value(instruments, "epay_logins_total", account=account, result="success") == 0
        assert value(instruments, "epay_logins_total", account=account, result="refused") == 0
        for endpoint in ("token", "operations"):
            labels = {"account": account, "endpoint": endpoint}
            assert value(instruments, "epay_api_requests_total", result="success", **labels) == 0
            assert value(instruments, "epay_api_request_duration_seconds_count", **labels) == 0


def test_what_is_not_known_yet_is_absent(instruments: Instruments) -> None:
    assert value(instruments, "epay_token_expiry_timestamp_seconds", account="main") is None
    assert value(instruments, "epay_clock_skew_seconds", account="main") is None


def test_an_account_that_comes_later_starts_at_zero_and_disturbs_no_other(instruments: Instruments) -> None:
    instruments.observe(PollMade("main", "success", 0.2))

    instruments.follow(["main", "second", "third"])

    assert value(instruments, "epay_polls_total", account="third", result="success") == 0
    assert value(instruments, "epay_logins_total", account="third", result="refused") == 0
    assert value(instruments, "epay_polls_total", account="main", result="success") == 1


def test_an_account_that_goes_leaves_nothing_behind(instruments: Instruments) -> None:
    instruments.observe(PollMade("second", "timeout", 0.2))
    instruments.observe(RequestMade("second", "operations", "reset", 0.01, skew=1.0))
    instruments.observe(LoginMade("second", "success", NOW))

    instruments.follow(["main"])

    samples = [sample for family in instruments.registry.collect() for sample in family.samples]
    assert {sample.labels["account"] for sample in samples if "account" in sample.labels} == {"main"}
    instruments.follow(["main", "second"])
    assert value(instruments, "epay_polls_total", account="second", result="success") == 0
    assert value(instruments, "epay_token_expiry_timestamp_seconds", account="second") is None


def test_polls_are_counted_and_timed(instruments: Instruments) -> None:
    instruments.observe(PollMade("main", "success", 0.2))
    instruments.observe(PollMade("main", "timeout", 30.0))

    assert value(instruments, "epay_polls_total", account="main", result="success") == 1
    assert value(instruments, "epay_polls_total", account="main", result="timeout") == 1
    assert value(instruments, "epay_poll_duration_seconds_sum", account="main") == 30.2
    assert value(instruments, "epay_poll_duration_seconds_bucket", account="main", le="0.25") == 1


def test_requests_are_counted_and_timed_and_tell_the_banks_clock(instruments: Instruments) -> None:
    instruments.observe(RequestMade("main", "operations", "success", 0.07, skew=-1.5))
    instruments.observe(RequestMade("main", "operations", "reset", 0.01))

    labels = {"account": "main", "endpoint": "operations"}
    assert value(instruments, "epay_api_requests_total", result="success", **labels) == 1
    assert value(instruments, "epay_api_requests_total", result="reset", **labels) == 1
    assert value(instruments, "epay_api_request_duration_seconds_count", **labels) == 2
    assert value(instruments, "epay_clock_skew_seconds", account="main") == -1.5


def test_a_login_that_fails_leaves_the_expiry_of_the_last_token(instruments: Instruments) -> None:
    instruments.observe(LoginMade("main", "success", expires=NOW))
    instruments.observe(LoginMade("main", "refused"))

    assert value(instruments, "epay_logins_total", account="main", result="refused") == 1
    assert value(instruments, "epay_token_expiry_timestamp_seconds", account="main") == NOW / SECOND


def test_a_refused_reload_keeps_the_time_of_the_last_good_one(instruments: Instruments) -> None:
    instruments.configuration_applied(NOW)
    assert value(instruments, "epay_config_last_reload_successful") == 1

    instruments.configuration_refused()

    assert value(instruments, "epay_config_last_reload_successful") == 0
    assert value(instruments, "epay_config_last_reload_success_timestamp_seconds") == NOW / SECOND


def test_build_process_and_python_are_told(instruments: Instruments) -> None:
    names = {sample.name for family in instruments.registry.collect() for sample in family.samples}
    build = next(family for family in instruments.registry.collect() if family.name == "epay_exporter_build_info")

    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "python_info"} <= names
    assert build.samples[0].labels.keys() == {"version", "revision", "python_version"}
    assert build.samples[0].labels["version"] == "1.2.3"


def test_two_in_one_process_share_nothing(instruments: Instruments) -> None:
    other = Instruments(["main"], version="1.2.3")
    other.observe(PollMade("main", "success", 0.2))

    assert value(instruments, "epay_polls_total", account="main", result="success") == 0
    assert not [family for family in REGISTRY.collect() if family.name.startswith("epay_")]


def test_promtool_has_nothing_to_say_about_all_metrics_together(instruments: Instruments) -> None:
    promtool = require("promtool", "prometheus")
    instruments.configuration_applied(NOW)
    instruments.observe(PollMade("main", "success", 0.2))
    instruments.observe(RequestMade("main", "operations", "success", 0.07, skew=-1.5))
    instruments.observe(LoginMade("main", "success", expires=NOW))
    own, _ = render([instruments.registry.collect()], "text/plain")

    body = Exposition().plain(snapshot(terminal_snapshot()), NOW, 10, own, openmetrics=False).body
    checked = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)

    said = checked.stdout + checked.stderr
    assert b"".join(line for line in said.splitlines(keepends=True) if line not in COUNTED_IN_DAYS) == b""
    assert all(len(family.documentation) >= 20 for family in text_string_to_metric_families(body.decode()))
