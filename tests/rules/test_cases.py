"""No alert without proof that it fires and that it can be silent."""

import pytest

from tests.rules.shipped import Rule, alerts, cases


def expected(rule: Rule) -> list[bool]:
    """For each test that asks for the rule's alert: whether this severity of it is to fire."""
    return [
        any(each.get("exp_labels", {}).get("severity", "") == rule.severity for each in case.get("exp_alerts") or [])
        for case in cases()
        if case["alertname"] == rule.name
    ]


@pytest.mark.parametrize("rule", alerts(), ids=str)
def test_an_alert_has_a_case_in_which_it_fires(rule: Rule) -> None:
    assert True in expected(rule)


@pytest.mark.parametrize("rule", [each for each in alerts() if each.name != "EpayWatchdog"], ids=str)
def test_an_alert_has_a_case_in_which_it_is_silent(rule: Rule) -> None:
    assert False in expected(rule)


def test_tests_ask_only_for_alerts_that_exist() -> None:
    assert {case["alertname"] for case in cases()} <= {rule.name for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=str)
def test_an_alerts_annotations_are_compared_once_at_least(rule: Rule) -> None:
    """promtool compares annotations only where a test writes them down."""
    assert any(
        each.get("exp_annotations") and each.get("exp_labels", {}).get("severity", "") == rule.severity
        for case in cases()
        if case["alertname"] == rule.name
        for each in case.get("exp_alerts") or []
    )
