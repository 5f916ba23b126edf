"""What alert rules compare with: thresholds as configured, and whether the calendar has a say now."""

from collections.abc import Iterator

from prometheus_client import Metric

from exporter.exposition import catalogue
from exporter.model import CALENDAR_KINDS, Instant, Supervision
from tests.plain.catalogue import gauge


def supervision_families(supervision: Supervision, now: Instant) -> Iterator[Metric]:
    """The gauges of every configured terminal, polled or not."""
    thresholds = gauge(catalogue.ALERT_THRESHOLD)
    for terminal, its in supervision.thresholds.items():
        for alert, severity, value in its:
            thresholds.add_metric((terminal, alert, severity), value)
    yield thresholds

    active = gauge(catalogue.CALENDAR_ACTIVE)
    for terminal in supervision.thresholds:
        for kind in CALENDAR_KINDS:
            going_on = any(
                entry.kind == kind and entry.start <= now < entry.end and entry.concerns(terminal)
                for entry in supervision.calendar
            )
            active.add_metric((terminal, kind), int(going_on))
    yield active
