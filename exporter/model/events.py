"""What the rooms tell while they work, and the ports of who listens and who knows the time."""

from dataclasses import dataclass
from typing import Protocol

from exporter.model.units import Instant


@dataclass(frozen=True, slots=True)
class RequestMade:
    """One request has ended. `result`: success, or the kind of the error. `skew`: bank's clock minus ours, seconds."""

    account: str
    endpoint: str
    result: str
    seconds: float
    skew: float | None = None


@dataclass(frozen=True, slots=True)
class LoginMade:
    """One login has ended; `expires` is the new token's end where it succeeded."""

    account: str
    result: str
    expires: Instant | None = None


@dataclass(frozen=True, slots=True)
class PollMade:
    """One poll of an account has ended. `result`: success, partial (some terminals failed) or the kind of the error."""

    account: str
    result: str
    seconds: float


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """The history of an account has been read so far: a share from 0 to 1 of what is wanted."""

    account: str
    share: float


Event = RequestMade | LoginMade | PollMade | HistoryRead


class Observer(Protocol):
    """Listens to what the rooms do; Prometheus is one listener, the log another."""

    def observe(self, event: Event) -> None:
        """Take note of one event; never raises."""


class Clock(Protocol):
    """The wall clock, handed down from `app`."""

    def __call__(self) -> Instant:
        """Microseconds since the epoch."""
