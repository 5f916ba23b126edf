"""Where panels stand: rows from top to bottom, in a grid of 24 columns whose unit is 30 pixels high with 8 between."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

COLUMNS: Final = 24


class PanelBuilder(Protocol):
    """What all of the SDK's panel builders have."""

    def build(self) -> dashboard.Panel:
        """The panel."""


class Line(NamedTuple):
    """Panels side by side, all of a height; each with its width, which come to no more than 24."""

    height: int
    panels: Sequence[tuple[int, PanelBuilder]]


class Section(NamedTuple):
    """Lines under a heading; without a title there is no heading, as on a first screen."""

    title: str
    lines: Sequence[Line]


def placed(sections: Sequence[Section]) -> list[dashboard.Panel | dashboard.RowPanel]:
    """All panels with their ids and places. ValueError where a line is too wide."""
    found: list[dashboard.Panel | dashboard.RowPanel] = []
    top = 0
    for section in sections:
        if section.title:
            heading = builders.Row(section.title).collapsed(False).build()
            heading.grid_pos = dashboard.GridPos(x=0, y=top, w=COLUMNS, h=1)
            heading.id_val = len(found) + 1
            found.append(heading)
            top += 1
        for line in section.lines:
            left = 0
            for width, builder in line.panels:
                panel = builder.build()
                panel.grid_pos = dashboard.GridPos(x=left, y=top, w=width, h=line.height)
                panel.id_val = len(found) + 1
                found.append(panel)
                left += width
            if left > COLUMNS:
                raise ValueError(f"{left} columns in a line of {section.title!r}")
            top += line.height
    return found
