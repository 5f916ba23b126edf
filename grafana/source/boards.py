"""All dashboards, in the order of their links."""

from typing import Final

from grafana.source import amounts, exporter, failures, overview, service_level, terminal, why
from grafana.source.frame import Board

BOARDS: Final[tuple[Board, ...]] = (
    overview.board(),
    terminal.board(),
    failures.board(),
    amounts.board(),
    service_level.board(),
    why.board(),
    exporter.board(),
)
