"""The simulator's settings: variants and faults by name, and clear refusals."""

import re

import pytest

from exporter.simulator.faults import FAULTS
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.settings import VARIANTS, Settings


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("paging", "page-index", "paging", "page-index"),
        ("size-cap", "40", "size_cap", 40),
        ("error-status", "200", "error_status", 200),
        ("clock-skew", "-1.5", "clock_skew", -1.5),
        ("local-hour", "14", "local_hour", 14),
        ("late-share", "0.5", "late_share", 0.5),
        ("terminals", "1000", "terminals", 1000),
        ("scenario-terminals", "98151552, 98151553", "scenario_terminals", ("98151552", "98151553")),
    ],
)
def test_a_variant_changes_one_setting(name: str, value: str, field: str, expected: object) -> None:
    assert getattr(Settings().with_variant(name, value), field) == expected


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("pagination", "offset", "unknown variant 'pagination'; there are: period-field, paging, "),
        ("paging", "cursor", "variant 'paging' is one of offset, page-index, not 'cursor'"),
        ("size-cap", "0", "variant 'size-cap' cannot be '0'"),
        ("size-cap", "many", "variant 'size-cap' cannot be 'many'"),
        ("local-hour", "24", "variant 'local-hour' cannot be '24'"),
        ("terminals", "5", "variant 'terminals' cannot be '5'"),
        ("late-share", "2", "variant 'late-share' cannot be '2'"),
        ("scenario-duration", "0", "its duration must be above zero"),
    ],
)
def test_a_wrong_variant_is_told_clearly(name: str, value: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Settings().with_variant(name, value)


def test_every_variant_with_choices_takes_each_of_them() -> None:
    for name, description in VARIANTS.items():
        if description.endswith(")"):
            for choice in description.rpartition("(")[2].rstrip(")").split(" | "):
                Settings().with_variant(name, choice)


def test_faults_add_up() -> None:
    settings = Settings().with_fault("html=0.05").with_fault("reset=1").with_fault("html=0.1")
    assert settings.faults == {"html": 0.1, "reset": 1.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http=0.1", "unknown fault 'http'; there are: http-500, reset, "),
        ("html", "a fault is written NAME=RATE"),
        ("html=often", "a fault is written NAME=RATE"),
        ("html=1.5", "the rate of fault 'html' must be between 0 and 1"),
    ],
)
def test_a_wrong_fault_is_told_clearly(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Settings().with_fault(text)


def test_a_scenario_must_exist() -> None:
    with pytest.raises(ValueError, match="unknown scenario 'chaos'; there are: normal-day, total-outage"):
        Settings(scenario="chaos")


def test_speed_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="speed must be above zero"):
        Settings(speed=0.0)


def test_every_scenario_and_fault_has_a_line_of_explanation() -> None:
    assert len(SCENARIOS) == 11
    assert len(FAULTS) == 9
    assert all(SCENARIOS.values())
    assert all(FAULTS.values())
