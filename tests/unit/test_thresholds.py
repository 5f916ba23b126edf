"""Thresholds as data: the shipped ones, what a configuration lays over them, and what `off` takes away."""

import math
from collections.abc import Mapping, Sequence

import pytest

from exporter.alerting.thresholds import Thresholds
from exporter.config import Alerts
from exporter.model import Threshold
from exporter.thresholds import CATALOGUE, Alert, Given, in_force
from tests.builders import SHOP, WALLET

FAILURE_RATIO = CATALOGUE["failure_ratio"]
SHIPPED = {"warning": 0.08, "critical": 0.2, "min_operations": 20, "min_failures": 5}


def of(key: str, defaults: Given | None = None, wallet: Given | None = None) -> dict[str, float]:
    """One alert's thresholds of the wallet by their severity."""
    alerts = Alerts(defaults or {}, {"wallet": wallet} if wallet is not None else {})
    found = Thresholds(alerts).of([WALLET, SHOP])["wallet"]
    return {each.severity: each.value for each in found if each.alert == key}


def alerts_of(found: Mapping[str, Sequence[Threshold]], terminal: str) -> set[str]:
    return {each.alert for each in found[terminal]}


def test_every_terminal_has_every_shipped_threshold() -> None:
    expected = [
        Threshold(alert.key, setting.name, setting.default)
        for alert in CATALOGUE.values()
        for setting in alert.settings
    ]
    found = Thresholds(Alerts()).of([WALLET, SHOP])
    assert {name: list(its) for name, its in found.items()} == {"wallet": expected, "shop": expected}


def test_defaults_go_over_the_shipped_values_setting_by_setting() -> None:
    assert of("failure_ratio", {"failure_ratio": {"critical": 0.3}}) == SHIPPED | {"critical": 0.3}


def test_a_terminals_settings_go_over_the_defaults_setting_by_setting() -> None:
    defaults: Given = {"failure_ratio": {"critical": 0.3, "warning": 0.1}}
    expected = SHIPPED | {"warning": 0.1, "critical": 0.4}
    assert of("failure_ratio", defaults, {"failure_ratio": {"critical": 0.4}}) == expected


def test_what_is_said_of_one_terminal_says_nothing_of_another() -> None:
    found = Thresholds(Alerts({}, {"wallet": {"failure_ratio": {"critical": 0.4}}})).of([WALLET, SHOP])
    assert Threshold("failure_ratio", "critical", 0.2) in found["shop"]
    assert Threshold("failure_ratio", "critical", 0.4) in found["wallet"]


def test_off_in_the_defaults_removes_an_alert_everywhere() -> None:
    found = Thresholds(Alerts({"volume_drop": None})).of([WALLET, SHOP])
    for terminal in ("wallet", "shop"):
        assert "volume_drop" not in alerts_of(found, terminal)
        assert "volume_spike" in alerts_of(found, terminal)


def test_off_for_a_terminal_removes_an_alert_there_and_nowhere_else() -> None:
    found = Thresholds(Alerts({}, {"wallet": {"volume_drop": None}})).of([WALLET, SHOP])
    assert {name for name in found if "volume_drop" in alerts_of(found, name)} == {"shop"}
    assert {name for name in found if "volume_spike" in alerts_of(found, name)} == {"wallet", "shop"}


def test_a_terminal_gets_an_alert_back_with_the_shipped_values_below_its_own() -> None:
    defaults: Given = {"failure_ratio": None}
    expected = SHIPPED | {"critical": 0.4}
    assert of("failure_ratio", defaults) == {}
    assert of("failure_ratio", defaults, {"failure_ratio": {"critical": 0.4}}) == expected
    assert of("failure_ratio", defaults, {"failure_ratio": {}}) == SHIPPED


def test_laying_over_changes_neither_the_catalogue_nor_what_was_given() -> None:
    given: dict[str, dict[str, float] | None] = {"failure_ratio": {"critical": 0.4}}
    in_force(FAILURE_RATIO, given, {"failure_ratio": {"warning": 0.1}})
    assert given == {"failure_ratio": {"critical": 0.4}}
    assert FAILURE_RATIO.defaults == SHIPPED


@pytest.mark.parametrize("alert", CATALOGUE.values(), ids=lambda alert: alert.key)
def test_every_alert_of_the_catalogue_is_sound(alert: Alert) -> None:
    names = [setting.name for setting in alert.settings]
    assert CATALOGUE[alert.key] is alert
    assert len(names) == len(set(names))
    assert {"critical", "warning", "high"} & set(names)
    for setting in alert.settings:
        least, most = setting.bounds
        assert least <= setting.default <= most
        assert math.isfinite(setting.default)
        assert setting.meaning
    if alert.order is not None:
        low, high = alert.order
        assert alert.defaults[low] <= alert.defaults[high]


def test_names_of_rules_are_unique_and_made_from_epay_and_words() -> None:
    names = [alert.name for alert in CATALOGUE.values()]
    assert len(set(names)) == len(names) == 25
    assert all(name.startswith("Epay") and name.isalpha() for name in names)
