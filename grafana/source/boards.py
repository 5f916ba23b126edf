"""All dashboards, in the order of their links."""

from typing import Final

from grafana.source import overview, terminal
from grafana.source.frame import Board

BOARDS: Final[tuple[Board, ...]] = (overview.board(), terminal.board())
