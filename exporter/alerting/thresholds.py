"""The thresholds that are exposed: for each configured terminal, what is in force of the catalogue."""

from collections.abc import Iterable

from exporter.config import Alerts
from exporter.model import Terminal, Threshold
from exporter.thresholds import CATALOGUE, Given, in_force


class Thresholds:
    """Those of one configuration. What most terminals have is worked out once, and kept once."""

    def __init__(self, alerts: Alerts) -> None:
        self.alerts = alerts
        self._usual = _in_force(alerts.defaults)

    def of(self, terminals: Iterable[Terminal]) -> dict[str, tuple[Threshold, ...]]:
        """All thresholds of these terminals, by name; none of an alert that is switched off."""
        return {each.name: self._of(each.name) for each in terminals}

    def _of(self, name: str) -> tuple[Threshold, ...]:
        own = self.alerts.terminals.get(name)
        return _in_force(self.alerts.defaults, own) if own else self._usual


def _in_force(*layers: Given) -> tuple[Threshold, ...]:
    return tuple(
        Threshold(alert.key, setting, value)
        for alert in CATALOGUE.values()
        for setting, value in (in_force(alert, *layers) or {}).items()
    )
