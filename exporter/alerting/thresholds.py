"""The thresholds that are exposed: for each configured terminal, what is in force of the catalogue."""

from collections.abc import Iterable

from exporter.config import Alerts
from exporter.model import Terminal, Threshold
from exporter.thresholds import CATALOGUE, in_force


def thresholds(alerts: Alerts, terminals: Iterable[Terminal]) -> tuple[Threshold, ...]:
    """All thresholds of these terminals; none of an alert that is switched off."""
    return tuple(
        Threshold(terminal.name, alert.key, setting, value)
        for terminal in terminals
        for alert in CATALOGUE.values()
        for setting, value in (in_force(alert, alerts.defaults, alerts.terminals.get(terminal.name, {})) or {}).items()
    )
