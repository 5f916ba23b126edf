"""`python -m benchmarks.backtest`: what the volume alarms find in eight simulated weeks, and how often they are wrong.

Five volumes, from one operation a day to a thousand a minute, in the simulator's week (`day_shape`) with its hourly
noise. Each world has, in each week from the fourth on, one disturbance: a total outage of two hours, a half drop of
six, or traffic at 2.5 times the usual for three, at an hour of Kazakhstan's day. A disturbance counts at a volume
where a window of an hour can expect 20 operations. The slots are a quarter of an hour, replayed as the command does.

No tier stands where chance decides: between 20 and some 100 operations an hour a half drop is within four deviations
of a Poisson count for much of the day. Of 16 half drops 4 were found at 30 an hour (peak), 11 at 60, 15 at 90, 16 at
120; of 16 total outages 16 at each of them.
"""

import math
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from exporter.backtest import Alarm, replay
from exporter.baseline import SLOT, WEEK, History
from exporter.model import DAY, HOUR, MINUTE, Instant
from exporter.simulator.world import KAZAKHSTAN, day_shape, poisson_quantile

TIERS = {
    "1 a day": 1 / 1440,
    "1 an hour": 1 / 60,
    "2 a minute": 2.0,
    "40 a minute": 40.0,
    "1000 a minute": 1000.0,
}
"""Operations a minute at the peak."""

_START = 2_900 * WEEK
_WEEKS = 8
_QUIET_WEEKS = 4
_HOURLY_NOISE = 0.05
_MERGED = 12 * HOUR
_FEWEST_EXPECTED = 20


@dataclass(frozen=True)
class Disturbance:
    """What happens to the traffic for a while."""

    kind: str
    times: float
    length: int


KINDS = (Disturbance("outage", 0.0, 2 * HOUR), Disturbance("half", 0.5, 6 * HOUR), Disturbance("spike", 2.5, 3 * HOUR))


@dataclass
class Score:
    """What came of the worlds of one tier."""

    happened: dict[str, int] = field(default_factory=lambda: dict.fromkeys((k.kind for k in KINDS), 0))
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys((k.kind for k in KINDS), 0))
    delays: list[float] = field(default_factory=list)
    episodes: int = 0
    false: int = 0
    weeks: int = 0

    @property
    def precision(self) -> float:
        """The share of episodes that belong to a disturbance; NaN where there was none."""
        return 1 - self.false / self.episodes if self.episodes else math.nan


def score(per_minute: float, seeds: range) -> Score:
    """Recall, false episodes (merged over 12 hours) and delay from the beginning to the alarm, in minutes."""
    total = Score()
    for seed in seeds:
        history, events = _world(per_minute, seed)
        alarms = replay(history)
        total.weeks += _WEEKS - 3
        matched: set[Alarm] = set()
        for begin, what in events:
            hits = [alarm for alarm in alarms if _touches(alarm, begin, what)]
            matched |= set(hits)
            if hits:
                total.delays.append((hits[0].start + SLOT - begin) / MINUTE)
            if per_minute * 60 >= _FEWEST_EXPECTED:
                total.happened[what.kind] += 1
                total.found[what.kind] += bool(hits)
        false = _merged([alarm for alarm in alarms if alarm not in matched])
        total.false += false
        total.episodes += false + sum(any(_touches(a, b, w) for a in alarms) for b, w in events)
    return total


def _touches(alarm: Alarm, begin: Instant, what: Disturbance) -> bool:
    return alarm.start < begin + what.length + HOUR and alarm.end > begin


def _merged(alarms: list[Alarm]) -> int:
    ordered = sorted(alarms)
    return bool(ordered) + sum(later.start - earlier.end > _MERGED for earlier, later in pairwise(ordered))


def _world(per_minute: float, seed: int) -> tuple[History, list[tuple[Instant, Disturbance]]]:
    random = Random(f"{seed}/{per_minute}")
    events = []
    for week in range(_QUIET_WEEKS, _WEEKS):
        local_hour = random.randrange(10, 17)
        begin = _START + week * WEEK + random.randrange(7) * DAY + local_hour * HOUR - KAZAKHSTAN
        events.append((begin, KINDS[(seed + week) % len(KINDS)]))
    values = array("q")
    noise = 1.0
    for slot in range(_WEEKS * WEEK // SLOT):
        begin = _START + slot * SLOT
        if begin % HOUR == 0:
            noise = math.exp(random.gauss(0.0, _HOURLY_NOISE))
        mean = per_minute * (SLOT / MINUTE) * day_shape(begin + SLOT // 2) * noise
        for start, what in events:
            if start <= begin < start + what.length:
                mean *= what.times
        values.append(poisson_quantile(random.random(), mean))
    return History(_START, SLOT, values), events


def main() -> None:
    """The table."""
    print(f"{'peak':<14}{'outage':>9}{'half':>9}{'spike':>9}{'precision':>11}{'delay':>9}{'false a week':>14}")
    for name, per_minute in TIERS.items():
        found = score(per_minute, range(6))
        recalls = [f"{found.found[k.kind]}/{found.happened[k.kind]}" if found.happened[k.kind] else "-" for k in KINDS]
        delay = f"{sum(found.delays) / len(found.delays):.0f}m" if found.delays else "-"
        precision = f"{found.precision:.2f}" if found.episodes else "-"
        cells = (*recalls, precision, delay, f"{found.false / found.weeks:.2f}")
        print(f"{name:<14}" + "".join(f"{cell:>{w}}" for cell, w in zip(cells, (9, 9, 9, 11, 9, 14), strict=True)))


if __name__ == "__main__":
    main()
