"""The only wall clock of the package, and the bank's as seen from here."""

import time
from typing import Final

from exporter.model import HOUR, SECOND, Clock, Duration, Event, Instant, Observer, RequestMade

_TOLERATED: Final = 3.0
"""Seconds: the Date header has whole ones, and a request takes some time."""

_CREDIBLE: Final = HOUR
"""More than that is a broken header rather than a clock; believing it would cost as much reading."""


def wall_clock() -> Instant:
    """Microseconds since the epoch, now."""
    return time.time_ns() // 1000


def lasting_clock() -> float:
    """Seconds that also pass while the machine sleeps: a lease does not wait for us."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class BankClock:
    """The wall clock, held back to one account's bank where ours is ahead of it.

    What the bank has not lived through yet cannot have been read: were the watermark to follow a fast clock of ours,
    the operations of the next minutes would lie behind it. A bank that is ahead of us needs no correction, since spans
    reach into the future. Listens to requests, whose answers carry the bank's Date.
    """

    def __init__(self, account: str, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._behind: Duration = 0

    def __call__(self) -> Instant:
        """Microseconds since the epoch, by the slower of both clocks."""
        return self._clock() - self._behind

    def observe(self, event: Event) -> None:
        """Learn the difference from an answer of this account's bank."""
        if isinstance(event, RequestMade) and event.account == self._account and event.skew is not None:
            ahead = -event.skew
            self._behind = min(int(ahead * SECOND), _CREDIBLE) if ahead > _TOLERATED else 0


class Listeners:
    """Several observers as one."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def observe(self, event: Event) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.observe(event)
