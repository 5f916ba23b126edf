"""Where panels stand: looked at as numbers, since nobody looks at every picture."""

from itertools import combinations
from typing import Any, Final

import pytest

from tests.dashboards.shipped import boards, panels

COLUMNS: Final = 24
UNIT, GAP = 30, 8  # pixels of a grid unit and of the gap between two
SCREEN: Final = (1366, 768)
CHROME: Final = 136
"""Pixels above the first panel: Grafana's bars and the row of variables, in its newer and in its older look at most."""
SIDES: Final = 32
FIRST: Final = 16
"""Grid units that the first screen holds."""
LEAST: Final = {"stat": (2, 3), "timeseries": (6, 5), "table": (6, 4), "heatmap": (8, 6), "state-timeline": (6, 4)}
"""Type → columns and units below which nothing can be read."""
LETTER: Final = 7.6
"""Pixels of a letter of a title, about."""
BUTTON: Final = 55
"""Pixels beside a title: the frame, and the sign that shows the description."""


def _places(board: str) -> list[tuple[str, dict[str, int]]]:
    return [(panel["title"], panel["gridPos"]) for panel in boards()[board]["panels"]]


@pytest.mark.parametrize("board", boards())
def test_no_panel_covers_another_or_leaves_the_grid(board: str) -> None:
    places = _places(board)
    for title, at in places:
        assert at["x"] >= 0, title
        assert at["y"] >= 0, title
        assert at["x"] + at["w"] <= COLUMNS, title
    for (one, a), (other, b) in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (one, other)


@pytest.mark.parametrize("board", boards())
def test_every_line_is_full_and_none_is_empty(board: str) -> None:
    filled: dict[int, int] = {}
    for _, at in _places(board):
        for line in range(at["y"], at["y"] + at["h"]):
            filled[line] = filled.get(line, 0) + at["w"]
    assert set(filled) == set(range(max(filled) + 1))
    assert set(filled.values()) == {COLUMNS}


@pytest.mark.parametrize("board", boards())
def test_the_first_screen_ends_with_a_line_of_panels(board: str) -> None:
    assert SCREEN[1] >= CHROME + FIRST * (UNIT + GAP) - GAP
    ends = {at["y"] + at["h"] for _, at in _places(board)}
    assert FIRST in ends, "a panel is cut in two by the lower edge"
    assert not [title for title, at in _places(board) if at["y"] < FIRST < at["y"] + at["h"]]
    kinds = {panel["type"] for panel in boards()[board]["panels"] if panel["gridPos"]["y"] < FIRST}
    assert "row" not in kinds


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_panel_is_large_enough_for_what_it_shows(panel: Any) -> None:
    at = panel.content["gridPos"]
    width, height = LEAST.get(panel.content["type"], (4, 4))
    assert at["w"] >= width
    assert at["h"] >= height


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_title_is_not_cut(panel: Any) -> None:
    a_column = (SCREEN[0] - SIDES) / COLUMNS
    room = panel.content["gridPos"]["w"] * a_column - GAP - BUTTON
    assert len(panel.content["title"]) * LETTER <= room


@pytest.mark.parametrize("board", boards())
def test_ids_are_each_panels_own(board: str) -> None:
    ids = [panel["id"] for panel in boards()[board]["panels"]]
    assert ids == list(range(1, len(ids) + 1))


@pytest.mark.parametrize("panel", [each for each in panels() if each.content["type"] == "table"], ids=str)
def test_the_columns_with_a_width_fit_beside_each_other(panel: Any) -> None:
    widths = [
        each["value"]
        for override in panel.content["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] in {"custom.width", "custom.minWidth"} and override["matcher"]["id"] == "byName"
    ]
    room = panel.content["gridPos"]["w"] * (SCREEN[0] - SIDES) / COLUMNS - GAP
    assert sum(widths) <= room
