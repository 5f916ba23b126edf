"""What was before the start: a usual week in Prometheus' storage, and the same hours of five weeks in the state.

Both would take weeks to come about, and the second a day's worth of requests; that the exporter reads it from the bank
is tested elsewhere.
"""

import contextlib
import subprocess
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.app.account import history_origin
from exporter.baseline import MISSING, SLOT
from exporter.config import Config
from exporter.model import DAY, SLOTS_A_DAY, SlotDay
from exporter.simulator.settings import Settings
from exporter.simulator.verdicts import FAILURES
from exporter.simulator.world import SLOTS_PER_BLOCK, World
from exporter.state import open_store
from tests.tools import require

STEP = 60
A_STEP = 1000
"""Operations of a terminal in a step; of which 110 fail, as the simulator's do."""
CLASSES = {484: "funds", 466: "issuer_declined", 455: "authentication", 462: "issuer_declined", 467: "card_state"}
CLASSES |= {457: "card_data", 488: "limits", 496: "technical", 494: "issuer_unavailable", 454: "technical"}

AROUND = 2
"""Hours before and after the present one that are known of each past day."""


def write_weeks(url: str, terminals: Sequence[str], settings: Settings, config: Config) -> None:
    """The numbers of operations that the simulator's world had at this time of the past 35 days, into a state."""
    now = time.time_ns() // 1000
    world = World(settings, now)
    a_block = SLOTS_PER_BLOCK * world.slot_length
    days: list[SlotDay] = []
    origins = {
        terminal.name: history_origin(account, terminal, config.outcomes)
        for account in config.accounts
        for terminal in account.terminals
    }
    for index, name in enumerate(terminals):
        slots: dict[int, int] = {}
        for past in range(1, 36):
            present = (now - past * DAY) // a_block
            for block in range(present - AROUND, present + AROUND + 1):
                running = world.counts((index,), block)
                a_part = SLOT // world.slot_length
                for part in range(a_block // SLOT):
                    count = running[(part + 1) * a_part] - running[part * a_part]
                    slots[block * (a_block // SLOT) + part] = count
        for day in {slot // SLOTS_A_DAY for slot in slots}:
            values = [slots.get(day * SLOTS_A_DAY + place, MISSING) for place in range(SLOTS_A_DAY)]
            days.append(SlotDay(name, day, "", array("q", values).tobytes(), origins[name]))
    with contextlib.closing(open_store(url)) as store:
        store.keep_history(days, 0)


def write_past(data: Path, terminals: Sequence[str], instance: str, seconds: float) -> None:
    """Blocks of samples of these terminals as they would have been scraped, up to a minute ago."""
    end = time.time_ns() // 1_000_000_000 // STEP * STEP - STEP
    begin = end - int(seconds * 1.1) // STEP * STEP
    write_blocks(data, terminals, instance, range(begin, end + 1, STEP))


def write_blocks(data: Path, terminals: Sequence[str], instance: str, moments: Sequence[int]) -> None:
    """Blocks of what these terminals have counted at some moments, in ascending order, at a steady rate."""
    text = data.with_suffix(".om")
    text.write_text("\n".join(_lines(terminals, instance, moments)), encoding="utf-8")
    promtool = require("promtool", "prometheus")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", str(text), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
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
    yield "# EOF\n"
