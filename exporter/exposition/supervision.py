"""What alert rules compare with: thresholds as configured, and whether the calendar has a say now."""

from collections.abc import Iterable
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.lines import Heads, line, pairs, terminal_label
from exporter.exposition.numbers import number
from exporter.exposition.withdrawal import ALWAYS, NEVER
from exporter.model import CALENDAR_KINDS, CalendarEntry, Instant, Supervision, Threshold

_ALERTS: Final = Heads(catalogue.ALERT_THRESHOLD, "alert", "severity")


class SupervisionPieces:
    """One text for each configured terminal, polled or not, of both families.

    With many shares the terminals of one come or go at a time: those of the others are not written again.
    """

    def __init__(self) -> None:
        self._of: Supervision | None = None
        self._written: dict[str, tuple[tuple[Threshold, ...], bytes]] = {}
        self._active: dict[str, bytes] = {}
        self.holds: tuple[Instant, Instant] = (ALWAYS, NEVER)
        """The first and the last instant at which the texts are true: a clock may be set back, too."""

    @property
    def thresholds(self) -> tuple[bytes, ...]:
        """They change with the configuration only."""
        return tuple([text for _, text in self._written.values()])

    @property
    def calendar(self) -> tuple[bytes, ...]:
        """Whether a holiday or maintenance is going on."""
        return tuple(self._active.values())

    def bring_to(self, supervision: Supervision, now: Instant) -> None:
        """Write what is said now and was not said before."""
        before = self._of
        if supervision is not before:
            known = self._written
            self._written = {
                name: its if (its := known.get(name)) and its[0] is levels else (levels, _threshold_lines(name, levels))
                for name, levels in supervision.thresholds.items()
            }
        still = before is not None and before.calendar == supervision.calendar
        still = still and self.holds[0] <= now <= self.holds[1]
        if not still or supervision is not before:
            active = self._active if still else {}
            going_on = [entry for entry in supervision.calendar if entry.start <= now < entry.end]
            self._active = {
                name: active.get(name) or _calendar_lines(name, going_on) for name in supervision.thresholds
            }
            self.holds = _unchanged_between(supervision, now)
        self._of = supervision


def _threshold_lines(terminal: str, thresholds: Iterable[Threshold]) -> bytes:
    label = terminal_label(terminal)
    return b"".join(
        [_ALERTS[alert, severity] + f"{label}}} {number(value)}\n".encode() for alert, severity, value in thresholds]
    )


def _calendar_lines(terminal: str, going_on: Iterable[CalendarEntry]) -> bytes:
    lines = [
        line(
            catalogue.CALENDAR_ACTIVE,
            pairs(catalogue.CALENDAR_ACTIVE.labels, (terminal, kind)),
            int(any(entry.kind == kind and entry.concerns(terminal) for entry in going_on)),
        )
        for kind in CALENDAR_KINDS
    ]
    return "".join(lines).encode()


def _unchanged_between(supervision: Supervision, now: Instant) -> tuple[Instant, Instant]:
    """The first and the last instant around this one at which the calendar says the same."""
    bounds = [bound for entry in supervision.calendar for bound in (entry.start, entry.end)]
    first = max((bound for bound in bounds if bound <= now), default=NEVER)
    return first, min((bound for bound in bounds if bound > now), default=ALWAYS + 1) - 1
