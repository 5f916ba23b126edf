"""House rules for panels, and those of grafana/dashboard-linter that apply: it cannot be had here, so its rules are
held anew. Not applicable: its variables `job` and `instance` (the exporter is known by its job, and one instance reads
a terminal), and its rules for Loki.
"""

import json
import re
from typing import Any, Final

import pytest

from exporter.thresholds import CATALOGUE
from grafana.source import looks
from tests.dashboards.shipped import Panel, boards, expressions, panels

KINDS: Final = {"bargauge", "heatmap", "stat", "state-timeline", "table", "text", "timeseries"}
"""Panels that every Grafana has."""
SPELLED: Final = {
    "2m": ("2m", "2 minutes"),
    "5m": ("5m", "first scrape"),
    "10m": ("10m", "poll"),
    "15m": ("15m",),
    "30m": ("30m",),
    "1h": ("1h",),
    "1d": ("24h", "1d"),
    "6d": ("six days", "first day"),
    "7d": ("7 days", "seven days"),
}
"""A range that does not follow the screen → how a panel says so."""
VARIABLES: Final = {
    "epay-why": ["datasource", "alert", "terminal"],
    "epay-exporter": ["datasource", "account", "terminal"],
}
SINGLE: Final = ("epay-why",)
COLORS: Final = {
    value for name, value in vars(looks).items() if name.isupper() and isinstance(value, str) and value[:1] == "#"
}


@pytest.mark.parametrize("board", boards())
def test_a_dashboard_can_be_linked_to_and_is_not_edited_by_hand(board: str) -> None:
    content = boards()[board]
    assert content["uid"] == board
    assert re.fullmatch(r"epay-[a-z-]+", board)
    assert content["title"].startswith("ePay: ")
    assert len(content["description"]) > 40
    assert content["tags"] == ["epay"]
    assert content["editable"] is False
    assert content["schemaVersion"] >= 41
    assert content["refresh"]
    (link,) = content["links"]
    assert (link["type"], link["tags"], link["asDropdown"]) == ("dashboards", ["epay"], True)
    assert link["keepTime"]
    assert link["includeVars"]
    assert not link["targetBlank"]


@pytest.mark.parametrize("board", boards())
def test_variables_are_the_house_ones_and_follow_the_time(board: str) -> None:
    found = {each["name"]: each for each in boards()[board]["templating"]["list"]}
    assert list(found) == VARIABLES.get(board, ["datasource", "terminal"])
    source = found.pop("datasource")
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")
    for name, variable in found.items():
        assert variable["type"] == "query", name
        assert variable["datasource"]["uid"] == "${datasource}"
        assert variable["refresh"] == 2, "asked anew when the time changes"
        assert variable["label"]
        assert variable["description"]
        several = board not in SINGLE
        assert (variable["multi"], variable["includeAll"]) == (several, several)
        if several:
            assert variable["allValue"] == ".*"
            assert variable["current"]["value"] == ["$__all"]
        assert not [key for key in variable if key.startswith("auto")]


@pytest.mark.parametrize("board", boards())
def test_alerts_and_starts_of_the_exporter_are_drawn_into_every_graph(board: str) -> None:
    annotations = {each["name"]: each for each in boards()[board]["annotations"]["list"]}
    assert list(annotations) == ["Alerts, critical", "Alerts, warning", "Alerts, info", "Starts of the exporter"]
    for annotation in annotations.values():
        assert annotation["enable"]
        assert annotation["datasource"]["uid"] == "${datasource}"
    assert "process_start_time_seconds" in annotations["Starts of the exporter"]["expr"]


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_panel_says_what_it_shows_in_which_unit_and_from_where_to_where(panel: Panel) -> None:
    content, defaults = panel.content, panel.content["fieldConfig"]["defaults"]
    assert content["type"] in KINDS
    assert content["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert content["title"]
    assert content["description"].endswith((".", "."))
    assert len(content["description"]) > 10
    assert content["description"] != content["title"]
    assert defaults["unit"]
    below_zero = content["type"] == "timeseries" and "min" not in defaults
    if below_zero:
        assert re.search(r"minus|below 0|objective|compares", content["description"])
    else:
        assert defaults["min"] == 0
    if content["type"] == "timeseries":
        assert "max" in defaults or defaults["custom"]["axisSoftMax"] > 0
    if content["type"] == "state-timeline":
        assert defaults["max"] in {1, 2}


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_share_of_a_whole_ends_at_the_whole(panel: Panel) -> None:
    defaults = panel.content["fieldConfig"]["defaults"]
    if panel.content["type"] in {"stat", "bargauge"} and defaults["unit"] == "percentunit":
        of_expected = "expect" in panel.content["description"]
        assert of_expected or defaults["max"] == 1


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_queries_name_the_data_source_and_each_has_a_letter_of_its_own(panel: Panel) -> None:
    if panel.content["type"] == "text":
        assert not panel.content.get("targets")
        return
    targets = panel.content["targets"]
    assert targets
    refs = [each["refId"] for each in targets]
    assert len(set(refs)) == len(refs)
    for each in targets:
        assert each["datasource"]["uid"] == "${datasource}"
        assert each["instant"] != each["range"]
        assert each["instant"] == (panel.content["type"] in {"stat", "table", "bargauge"})
        assert each["format"] == {"table": "table", "heatmap": "heatmap"}.get(panel.content["type"], "time_series")
        assert each["expr"]


def test_no_expression_names_a_terminal_or_a_job() -> None:
    everything = "\n".join(asked.expression for asked in expressions())
    assert set(re.findall(r'terminal\s*(=~?|!~?)\s*"([^"]*)"', everything)) == {
        ("=~", "$terminal"),
        ("=~", "$terminal|"),
        ("=", "$terminal"),
    }
    assert set(re.findall(r'job=~?"([^"]*)"', everything)) == {".*epay.*"}


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_ranges_follow_the_screen_unless_the_panel_says_which(panel: Panel) -> None:
    legends = " ".join(each.get("legendFormat", "") for each in panel.content.get("targets", []))
    overrides = " ".join(str(each) for each in panel.content["fieldConfig"]["overrides"])
    said = f"{panel.content['title']} {panel.content['description']} {legends} {overrides}"
    said += str([each.get("options", {}).get("renameByName") for each in panel.content.get("transformations", [])])
    for target in panel.content.get("targets", []):
        for found in re.findall(r"\[(.*?)(?::.*?)?\]", target["expr"]):
            if found in {"$__rate_interval", "$__range"} or panel.board == "epay-why":
                continue  # there the ranges are those of the rule that is explained
            assert any(word in said for word in SPELLED[found]), (found, target["expr"])
        assert "$__interval" not in target["expr"], "may hold a single sample"


def test_counters_are_looked_at_by_how_they_grew() -> None:
    everything = "\n".join(asked.expression for asked in expressions())
    for match in re.finditer(r"(\w+)\s*\(\s*(epay_\w+_(?:total|bucket|count|sum))\b", everything):
        allowed = {"increase", "rate", "max_over_time", "last_over_time"}
        first_seen = match[1] == "timestamp"
        gap = match[2] == "epay_gap_seconds_total"
        assert match[1] in allowed or first_seen or gap, match[0]


@pytest.mark.parametrize("panel", [each for each in panels() if each.content["type"] == "timeseries"], ids=str)
def test_nothing_divided_by_nothing_is_drawn(panel: Panel) -> None:
    """One series of NaN, and Grafana finds no scale for all the others."""
    for target in panel.content["targets"]:
        asked = re.sub(r" / \d+", "", target["expr"])
        if (
            " / " in asked
            or "histogram_quantile" in asked
            or "epay_window_failure_ratio" in asked
            or "budget_burn:" in asked
        ):
            assert re.search(r"> (0|-Inf)", asked) or "sum(clamp_min" in asked, asked


def test_thresholds_are_drawn_from_what_is_configured() -> None:
    drawn = {
        found
        for asked in expressions()
        if asked.board != "epay-why"
        for found in re.findall(r'epay_alert_threshold\{alert="(\w+)"', asked.expression)
    }
    assert drawn <= set(CATALOGUE)
    assert len(drawn) >= 8
    written = {
        each["value"]
        for panel in panels()
        for each in panel.content["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    }
    fixed = {None, 0.25, 0.5, 0.9, 0.99, 1, 14.4, 60, 120, 200_000}
    assert written <= fixed


@pytest.mark.parametrize("board", boards())
def test_colours_are_those_that_can_be_told_apart(board: str) -> None:
    used = set(re.findall(r'"(?:color|fixedColor|iconColor)": "(.*?)"', _text(board)))
    shades = {"#9AD0F5", "#3D8FC4", "#B8C7D9", "#7A9BB5", "#4B6A88"}  # of one blue, for customers' classes
    assert used <= COLORS | shades | {"transparent", "rgba(0, 114, 178, 0.45)"}


@pytest.mark.parametrize("board", boards())
def test_links_between_dashboards_keep_the_time_and_the_data_source(board: str) -> None:
    for url in re.findall(r'"url": "(.*?)"', _text(board)):
        if not url:
            continue
        found = re.match(r"/d/(epay-[a-z-]+)\?", url)
        assert found, url
        assert found[1] in boards()
        assert "${__url_time_range}" in url
        assert "${datasource:queryparam}" in url


def test_tenge_are_written_behind_the_number() -> None:
    units = {value for board in boards() for value in re.findall(r'"(?:unit|value)": "([^"]*₸[^"]*)"', _text(board))}
    assert units == {"currency:financial: ₸:suffix", "count:₸"}


def _text(board: str) -> str:
    content: dict[str, Any] = boards()[board]
    return json.dumps(content, ensure_ascii=False)
