"""A week of counters in Prometheus' storage, as sparse as what is asked of it allows.

`tests.end_to_end.pages.past` writes one a minute; promtool reads the whole input once for every two hours of it, which
takes a minute for a week.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from exporter.simulator.verdicts import FAILURES
from tests.end_to_end.pages.past import A_STEP, CLASSES, STEP
from tests.tools import require

DAY: Final = 86_400
LAST: Final = 3000
"""Seconds before the start in which there is a sample a minute, for whatever looks at the half hour before now."""
EARLIER: Final = (7.2, 6.9, 6.5, 6.2, 5, 4, 3, 2, 1.5, 1.1, 0.5)
"""Days before the start with a sample each."""


def write_week(data: Path, terminals: Sequence[str], instance: str) -> None:
    """Blocks of what a usual week has counted, up to a minute before now."""
    text = data.with_suffix(".om")
    now = time.time_ns() // 1_000_000_000 // STEP * STEP - STEP
    moments = [*(now - round(days * DAY) for days in EARLIER), *range(now - LAST, now + 1, STEP)]
    text.write_text("\n".join(_lines(terminals, instance, moments)) + "\n", encoding="utf-8")
    promtool = require("promtool", "prometheus")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", str(text), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _lines(terminals: Sequence[str], instance: str, moments: Sequence[int]) -> Iterator[str]:
    weights = sum(weight for _, weight in FAILURES)
    rates = {'outcome="success",status="ok",code="00",reason_code="0",reason_class="none"': A_STEP * 0.89}
    for verdict, weight in FAILURES:
        labels = f'outcome="failure",status="{verdict.status}",code="{verdict.code}"'
        labels += f',reason_code="{verdict.reason_code}",reason_class="{CLASSES[verdict.reason_code]}"'
        rates[labels] = A_STEP * 0.11 * weight / weights
    place = f'job="epay",instance="{instance}"'
    yield "# TYPE epay_operations counter"
    for terminal in terminals:
        for labels, rate in rates.items():
            for moment in moments:
                counted = rate * (moment - moments[0]) / STEP
                yield f'epay_operations_total{{terminal="{terminal}",{labels},{place}}} {counted:.3f} {moment}'
    yield "# TYPE epay_pending_operations gauge"
    for terminal in terminals:
        for moment in moments:
            yield f'epay_pending_operations{{terminal="{terminal}",{place}}} 0 {moment}'
    yield "# EOF"
