"""The committed dashboards as the tests look at them."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
DIRECTORY: Final = ROOT / "grafana" / "dashboards"

BUILT_IN: Final = {
    "__rate_interval": "1m",
    "__interval": "15s",
    "__range": "3h",
    "__range_s": "10800",
    "terminal": ".*",
    "account": ".*",
    "alert": "failure_ratio",
    "datasource": "default",
}
"""What Grafana would put in the place of a variable."""


class Panel(NamedTuple):
    """A panel of a dashboard."""

    board: str
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.board}: {self.content['title']}"


class Asked(NamedTuple):
    """An expression of a dashboard, and where it stands."""

    board: str
    panel: str
    ref: str
    expression: str

    def __str__(self) -> str:
        return f"{self.board}: {self.panel} {self.ref}"


@cache
def boards() -> dict[str, dict[str, Any]]:
    """Name of the file, without its end → dashboard."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DIRECTORY.glob("*.json"))}


def panels(*, rows: bool = False) -> list[Panel]:
    """Every panel; with `rows` their headings as well."""
    return [
        Panel(name, panel)
        for name, board in boards().items()
        for panel in board["panels"]
        if rows or panel["type"] != "row"
    ]


def expressions() -> list[Asked]:
    """Every expression: of panels, of annotations, of variables."""
    return [*_of_panels(), *_of_annotations(), *_of_variables()]


def substituted(expression: str, values: Mapping[str, str] = BUILT_IN) -> str:
    """An expression without variables. KeyError where one is not known."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: values[match[1] or match[2]], expression)


def _of_panels() -> Iterator[Asked]:
    for panel in panels():
        for target in panel.content.get("targets", []):
            yield Asked(panel.board, panel.content["title"], target["refId"], target["expr"])


def _of_annotations() -> Iterator[Asked]:
    for name, board in boards().items():
        for annotation in board["annotations"]["list"]:
            yield Asked(name, "annotation", annotation["name"], annotation["expr"])


def _of_variables() -> Iterator[Asked]:
    for name, board in boards().items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((.*), \w+\)", variable["query"]["query"])
                assert found, variable["query"]
                yield Asked(name, "variable", variable["name"], found[1])
