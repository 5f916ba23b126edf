"""How far the reading of a history has come: in a metric, and in the log, each change of state once."""

from typing import Final

import structlog

from exporter.model import DAY, MINUTE, SECOND, Duration, HistoryRead, Instant, Observer, Span
from exporter.poller.backlog import Backlog

_QUIET: Final[Duration] = MINUTE
"""How long nothing must go wrong before the log says that the reading goes on."""


class Progress:
    """Told of all that happens to an account's history; says what is new."""

    def __init__(self, account: str, observer: Observer) -> None:
        self._account = account
        self._observer = observer
        self._log = structlog.get_logger("epay.history").bind(account=account)
        self._reading = False
        self._tenths = 0
        self._trouble = ""
        self._since = self._until = 0
        self._left_out: dict[str, int] = {}

    def looked(self, backlog: Backlog) -> None:
        """It is known what is missing."""
        self._observer.observe(HistoryRead(self._account, backlog.share))

    def begun(self, backlog: Backlog, terminals: int) -> None:
        """A round has something to read. Rounds that follow one that was broken off are the same reading."""
        if not self._reading:
            self._reading, self._tenths = True, int(10 * backlog.share)
            self._log.info("history: reading", terminals=terminals, spans=backlog.left, of=backlog.whole)

    def advanced(self, backlog: Backlog, now: Instant) -> None:
        """The bank has answered."""
        self.looked(backlog)
        if self._trouble and now >= self._until + _QUIET:
            self._log.info("history: reading goes on", after_seconds=(now - self._since) // SECOND)
            self._trouble = ""
        if (tenths := int(10 * backlog.share)) > self._tenths:
            self._tenths = tenths
            self._log.info("history: reading", read=f"{backlog.share:.0%}")

    def ended(self, backlog: Backlog) -> None:
        """A round is over; what it has left out is tried again."""
        if self._reading:
            self._reading, self._trouble = False, ""
            self._log.info("history: read", spans_missing=backlog.left)

    def paused(self, kind: str, reason: str, seconds: float, now: Instant) -> None:
        """The bank does not answer as it should, and is left alone for a while."""
        if self._changed(kind, now, round(seconds * SECOND)):
            self._log.warning("history: reading pauses", kind=kind, reason=reason, seconds=seconds)

    def waiting(self, backlog: Backlog, now: Instant) -> None:
        """The polls of no terminal go well, and have not for a while."""
        if self._changed("polls", now):
            self._log.warning(
                "history: reading waits", reason="the polls of no terminal go well", read=f"{backlog.share:.0%}"
            )

    def not_kept(self, reason: str, now: Instant) -> None:
        """The store does not take what was read."""
        if self._changed("state", now):
            self._log.warning("history: not kept", reason=reason)

    def left_out(self, span: Span, reason: str, now: Instant) -> None:
        """A stretch is not to be had, or does not add up: once a day for each reason, however many there are."""
        if self._left_out.get(reason) != now // DAY:
            self._left_out = {known: day for known, day in self._left_out.items() if day == now // DAY}
            self._left_out[reason] = now // DAY
            self._log.warning("history: refused", start=span.start // SECOND, end=span.end // SECOND, reason=reason)

    def _changed(self, trouble: str, now: Instant, lasting: Duration = 0) -> bool:
        changed = trouble != self._trouble
        if not self._trouble:
            self._since = now
        self._trouble, self._until = trouble, now + lasting
        return changed
