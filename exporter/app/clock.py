"""The only wall clock of the package."""

import time

from exporter.model import Instant


def wall_clock() -> Instant:
    """Microseconds since the epoch, now."""
    return time.time_ns() // 1000
