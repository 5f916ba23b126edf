"""The dashboards against the schema of Grafana's own types, which is kept beside this test."""

import copy
import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # comes with kubernetes-validate, without types

from tests.dashboards.shipped import Panel, boards, panels

SCHEMA: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "schema.json").read_text())
OF_PROMETHEUS: Final = ("expr", "step", "tagKeys", "textFormat", "titleFormat")
"""What an annotation tells the data source. Grafana keeps it in the annotation itself and its types do not list it."""


@pytest.mark.parametrize("board", boards())
def test_a_dashboard_is_what_grafana_takes(board: str) -> None:
    content = copy.deepcopy(boards()[board])
    for annotation in content["annotations"]["list"]:
        for name in OF_PROMETHEUS:
            del annotation[name]
    assert not _errors("dashboard", content)


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_panels_options_are_those_of_its_kind(panel: Panel) -> None:
    kind = panel.content["type"]
    assert f"{kind} Options" in SCHEMA, "no schema of this kind is kept"
    assert not _errors(f"{kind} Options", panel.content["options"])
    custom = panel.content["fieldConfig"]["defaults"].get("custom")
    if custom is not None and f"{kind} FieldConfig" in SCHEMA:
        assert not _errors(f"{kind} FieldConfig", custom)


def test_the_schema_refuses_what_grafana_does_not_know() -> None:
    content = copy.deepcopy(boards()["epay-overview"])
    content["panels"][0]["gridPos"]["w"] = "wide"
    del content["annotations"]
    assert _errors("dashboard", content)
    assert _errors("stat Options", {"graphMode": "mountain"})


def _errors(part: str, content: object) -> list[str]:
    found = Draft7Validator(SCHEMA[part]).iter_errors(content)
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message[:300]}" for each in found]
