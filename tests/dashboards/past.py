"""A week of counters in Prometheus' storage, as sparse as what is asked of it allows.

`tests.end_to_end.pages.past` writes one a minute; promtool reads the whole input once for every two hours of it, which
takes a minute for a week.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.end_to_end.pages.past import STEP, write_blocks

DAY: Final = 86_400
LAST: Final = 3000
"""Seconds before the start in which there is a sample a minute, for whatever looks at the half hour before now."""
EARLIER: Final = (7.2, 6.9, 6.5, 6.2, 5, 4, 3, 2, 1.5, 1.1, 0.5)
"""Days before the start with a sample each."""


def write_week(data: Path, terminals: Sequence[str], instance: str) -> None:
    """Blocks of what a usual week has counted, up to a minute before now."""
    now = time.time_ns() // 1_000_000_000 // STEP * STEP - STEP
    moments = [*(now - round(days * DAY) for days in EARLIER), *range(now - LAST, now + 1, STEP)]
    write_blocks(data, terminals, instance, moments)
