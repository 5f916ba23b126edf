"""All dashboards, in the order of their links."""

from typing import Final

from grafana.source import amounts, failures, overview, service_level, terminal
from grafana.source.frame import Board

BOARDS: Final[tuple[Board, ...]] = (
    overview.board(),
    terminal.board(),
    failures.board(),
    amounts.board(),
    service_level.board(),
)
