"""What a status and its codes mean, by the shipped tables."""

import pytest

from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.model import Outcome
from exporter.outcomes import Outcomes

SHIPPED = Outcomes(shipped_statuses(), shipped_reason_classes())


@pytest.mark.parametrize(
    ("status", "code", "reason_code", "outcome", "reason_class"),
    [
        ("ok", "00", "0", "success", "none"),
        ("OK ", "", "", "success", "none"),
        ("Charge", "CHARGE", "00", "success", "none"),
        ("success", "ok", "0", "success", "none"),
        ("ok", "05", "0", "failure", "issuer_declined"),
        ("ok", "00", "484", "failure", "funds"),
        ("ok", "00", "454", "failure", "technical"),
        ("new", "", "", "pending", "none"),
        ("3D", "", "0", "pending", "none"),
        ("in_progress", "", "454", "pending", "technical"),
        ("", "", "454", "pending", "technical"),
        ("odd", "", "454", "pending", "technical"),
        ("failed", "", "454", "failure", "technical"),
        ("failed", "51", "0", "failure", "funds"),
        ("failed", "", "5", "failure", "issuer_declined"),
        ("failed", "", "-1", "failure", "unknown"),
        ("failed", "00", "0", "failure", "unknown"),
        ("reject", "91", "494", "failure", "issuer_unavailable"),
        ("REFUND", "00", "0", "failure", "unknown"),
        ("cancel_old", "", "464", "failure", "configuration"),
        ("declined", "59", "", "failure", "fraud"),
        ("", "", "", "unknown", "unknown"),
        ("odd", "00", "0", "unknown", "unknown"),
    ],
)
def test_outcome_and_reason(status: str, code: str, reason_code: str, outcome: str, reason_class: str) -> None:
    verdict = SHIPPED.verdict(status, code, reason_code)

    assert (verdict.outcome, verdict.reason_class) == (outcome, reason_class)


@pytest.mark.parametrize(
    ("status", "code", "reason_code", "status_named", "code_named"),
    [
        ("ok", "00", "0", True, True),
        ("odd", "00", "0", False, True),
        ("failed", "", "99999", True, False),
        ("failed", "", "0", True, True),
        ("new", "", "", True, True),
    ],
)
def test_what_no_table_names_is_told_apart(
    status: str, code: str, reason_code: str, status_named: bool, code_named: bool
) -> None:
    verdict = SHIPPED.verdict(status, code, reason_code)

    assert (verdict.status_named, verdict.code_named) == (status_named, code_named)


def test_every_class_of_the_bank_s_list_is_shipped() -> None:
    assert set(shipped_reason_classes().values()) == {
        "none", "funds", "limits", "authentication", "card_data", "card_state", "issuer_declined", "fraud",
        "issuer_unavailable", "technical", "configuration",
    }  # fmt: skip


def test_configured_tables_override_the_shipped_ones() -> None:
    outcomes = Outcomes(shipped_statuses() | {"odd": Outcome.SUCCESS}, shipped_reason_classes() | {"7001": "funds"})

    assert outcomes.verdict("ODD", "00", "0").outcome is Outcome.SUCCESS
    assert outcomes.verdict("failed", "", "7001").reason_class == "funds"
