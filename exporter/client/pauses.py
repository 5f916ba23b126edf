"""How long not to ask: pauses that grow, and the one that the bank asks for."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime

PATIENCE = 5.0
"""Seconds that a request waits for the end of a pause. A longer one is reported, and the next poll tries again."""

LONGEST_RETRY_AFTER = 300.0
SHORTEST_RETRY_AFTER = 1.0
_JITTER = 0.1
_MEANT_AS_OVER = 0.001


class GrowingPause:
    """Twice as long with each strike, up to a longest one and a tenth of jitter, until it is cleared."""

    def __init__(
        self, first: float, longest: float, monotonic: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self._first = first
        self._longest = longest
        self._monotonic = monotonic
        self._random = random
        self._strikes = 0
        self._until = 0.0

    def strike(self) -> None:
        """It has gone wrong once more: the pause begins now."""
        length = min(self._first * 2.0 ** min(self._strikes, 32), self._longest)
        self._strikes += 1
        self._until = self._monotonic() + length * (1 + _JITTER * self._random())

    def clear(self) -> None:
        """It has gone well: the next pause is the shortest again."""
        self._strikes = 0
        self._until = 0.0

    def remaining(self) -> float:
        """Seconds that are left, 0 when it is over. A rest too short to sleep for is over."""
        left = self._until - self._monotonic() if self._strikes else 0.0
        return left if left > _MEANT_AS_OVER else 0.0


def retry_after(text: str | None, now: float) -> float:
    """Seconds to wait by a Retry-After of either form, within reason; `now` is the bank's clock."""
    if text is None:
        return SHORTEST_RETRY_AFTER
    text = text.strip()
    seconds = float(text) if text.isdecimal() and len(text) < 10 else (http_date(text) or now) - now
    return min(max(seconds, SHORTEST_RETRY_AFTER), LONGEST_RETRY_AFTER)


def http_date(text: str | None) -> float | None:
    """Seconds since the epoch of a header that holds a date, None where it holds none."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None
