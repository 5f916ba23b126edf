"""`python -m benchmarks.lively [WORLDS]`: how often the volume alarms are wrong about terminals that are no Poisson.

Bursts at any hour, hours without any, sums of groups, traffic that is on and off, shots that fade, shops whose level
drifts, and high volumes; ten weeks each, of which seven are judged. In a calm world every alarm is false; they are
merged over 12 hours. The same worlds with three events of one kind, two weeks apart, say what is found of them. Where
a terminal stops, halves or bursts by itself every week, an event like that is not: nobody could tell.
"""

import math
import sys
from array import array
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from random import Random
from typing import NamedTuple

from exporter.backtest import Alarm, replay
from exporter.baseline import WEEK, Direction, History
from exporter.model import DAY, HOUR, MINUTE, Duration, Instant

_START = 2_900 * WEEK
_WEEKS = 10
_JUDGED = 7
_MERGED = 12 * HOUR
_EVENT_WEEKS = (4, 6, 8)

Shape = Callable[[Instant], float]
Rates = Iterator[float]
"""What the slots of a world lead to expect, one after another, before the time of the day."""


class Kind(NamedTuple):
    """An event: what the traffic is multiplied by, and for how long."""

    name: str
    times: float
    length: Duration


KINDS = (
    Kind("out 2h", 0, 2 * HOUR),
    Kind("out 4h", 0, 4 * HOUR),
    Kind("out 12h", 0, 12 * HOUR),
    Kind("half 6h", 0.5, 6 * HOUR),
    Kind("half 12h", 0.5, 12 * HOUR),
    Kind("x2 3h", 2, 3 * HOUR),
    Kind("x3 3h", 3, 3 * HOUR),
)


def daily(at: Instant) -> float:
    """A day with a night, and a quieter end of the week; 1 at the peak."""
    hour = at % DAY / HOUR
    shape = 0.15 + 0.85 * max(0.0, math.sin(math.pi * (hour - 5) / 19)) ** 1.2 if hour > 5 else 0.15
    return shape * (0.7 if at // DAY % 7 in (2, 3) else 1.0)


def flat(_: Instant) -> float:
    """No time of the day."""
    return 1.0


def bursts(random: Random, share: float, sizes: tuple[int, ...], base: float) -> Rates:
    """A burst at any slot, with no regard to the others."""
    while True:
        yield base + (random.choice(sizes) if random.random() < share else 0)


def groups(random: Random, often: float, size: float) -> Rates:
    """Sums of groups of a heavy-tailed size: compound Poisson."""
    while True:
        yield sum(random.paretovariate(1.5) * size / 3 for _ in range(poisson(random, often)))


def zeros(random: Random, rate: float, share: float) -> Rates:
    """Nothing in a share of the slots."""
    while True:
        yield 0 if random.random() < share else rate


def gamma(random: Random, rate: float, shape: float) -> Rates:
    """A negative binomial count, with heavier tails the smaller its shape."""
    while True:
        yield rate * random.gammavariate(shape, 1 / shape)


def on_and_off(random: Random, rate: float, on: float, off: float, base: float) -> Rates:
    """Two states that last for some slots each."""
    while True:
        for level, slots in ((base, off), (rate, on)):
            for _ in range(1 + int(random.expovariate(1 / slots))):
                yield level


def shots(random: Random, base: float, often: float, size: float, half_life: float) -> Rates:
    """Something that everybody talks of, and forgets again."""
    left, kept = 0.0, 0.5 ** (1 / half_life)
    while True:
        left = left * kept + (size * random.paretovariate(1.4) if random.random() < often else 0)
        yield base + left * (1 - kept)


def drifting(random: Random, rate: float, spread: float, kept: float, shape: float) -> Rates:
    """A level that wanders around its own, with a little more than chance in each slot."""
    level = 0.0
    while True:
        level = kept * level + random.gauss(0, spread * math.sqrt(1 - kept * kept))
        yield rate * math.exp(level - spread * spread / 2) * random.gammavariate(shape, 1 / shape)


class World(NamedTuple):
    """A terminal, and how many false episodes a week it may have."""

    step: Duration
    shape: Shape
    rates: Callable[[Random], Rates]
    budget: float = 1.0


_M5, _M15, _M30 = 5 * MINUTE, 15 * MINUTE, 30 * MINUTE
WORLDS = {
    "1h bursts 2%": World(HOUR, flat, lambda random: bursts(random, 0.02, (20, 40, 80), 0)),
    "1h bursts 5%": World(HOUR, flat, lambda random: bursts(random, 0.05, (30, 60, 200), 3)),
    "1h bursts 0.5%": World(HOUR, daily, lambda random: bursts(random, 0.005, (30, 60, 200), 5)),
    "15m bursts 2%": World(_M15, flat, lambda random: bursts(random, 0.02, (20, 40, 80), 0)),
    "5m bursts 1%": World(_M5, flat, lambda random: bursts(random, 0.01, (20, 40, 80), 0)),
    "5m bursts 0.2%": World(_M5, flat, lambda random: bursts(random, 0.002, (50, 100, 300), 4)),
    "1h groups": World(HOUR, daily, lambda random: groups(random, 1.0, 10)),
    "1h rare groups": World(HOUR, flat, lambda random: groups(random, 0.1, 20)),
    "15m groups": World(_M15, daily, lambda random: groups(random, 2.0, 3)),
    "5m groups": World(_M5, daily, lambda random: groups(random, 0.3, 5)),
    "1h zeros 50%": World(HOUR, daily, lambda random: zeros(random, 30, 0.5)),
    "1h zeros 20%": World(HOUR, flat, lambda random: zeros(random, 60, 0.2)),
    "5m zeros 40%": World(_M5, daily, lambda random: zeros(random, 10, 0.4)),
    "1h gamma 0.3": World(HOUR, daily, lambda random: gamma(random, 15, 0.3)),
    "1h gamma 0.5": World(HOUR, daily, lambda random: gamma(random, 50, 0.5)),
    "1h gamma 1": World(HOUR, daily, lambda random: gamma(random, 50, 1.0)),
    "15m gamma 0.5": World(_M15, daily, lambda random: gamma(random, 10, 0.5)),
    "5m gamma 0.3": World(_M5, flat, lambda random: gamma(random, 5, 0.3)),
    "5m gamma 3": World(_M5, daily, lambda random: gamma(random, 80, 3.0)),
    "1h on and off": World(HOUR, flat, lambda random: on_and_off(random, 60, 3, 20, 0.3)),
    "1h half on": World(HOUR, daily, lambda random: on_and_off(random, 80, 20, 20, 2)),
    "15m on and off": World(_M15, daily, lambda random: on_and_off(random, 20, 16, 48, 1)),
    "5m on and off": World(_M5, flat, lambda random: on_and_off(random, 10, 12, 120, 0.3)),
    "1h shots": World(HOUR, daily, lambda random: shots(random, 20, 0.018, 60, 3)),
    "5m shots": World(_M5, daily, lambda random: shots(random, 60, 0.002, 300, 12)),
    "5m small shots": World(_M5, daily, lambda random: shots(random, 8, 0.003, 60, 12)),
    "1h shop 20": World(HOUR, daily, lambda random: drifting(random, 20, 0.4, 0.9, 4)),
    "1h shop 50": World(HOUR, daily, lambda random: drifting(random, 50, 0.2, 0.8, 10)),
    "1h shop 300": World(HOUR, daily, lambda random: drifting(random, 300, 0.2, 0.9, 20)),
    "1h shop 3000": World(HOUR, daily, lambda random: drifting(random, 3_000, 0.15, 0.9, 50), 0.3),
    "30m 15000": World(_M30, daily, lambda random: drifting(random, 15_000, 0.06, 0.9, 400), 0.3),
    "30m 15000 wild": World(_M30, daily, lambda random: drifting(random, 15_000, 0.12, 0.95, 400), 0.3),
    "1h calm 25": World(HOUR, daily, lambda random: zeros(random, 25, 0)),
    "1h calm 120": World(HOUR, daily, lambda random: zeros(random, 120, 0)),
    "15m calm 500": World(_M15, daily, lambda random: zeros(random, 500, 0), 0.3),
    "5m calm 10": World(_M5, daily, lambda random: zeros(random, 10, 0)),
}


def false_a_week(world: World, seeds: range) -> float:
    """False episodes a week, over calm worlds."""
    return sum(_episodes(replay(_calm(world, seed, ()))) for seed in seeds) / _JUDGED / len(seeds)


def recall(world: World, kind: Kind, seeds: range) -> tuple[int, int]:
    """How many of the events were found, in their direction and while they lasted, and how many there were."""
    found = happened = 0
    wanted = Direction.DROP if kind.times < 1 else Direction.SPIKE
    for seed in seeds:
        random = Random(f"{seed}/{kind.name}")
        begins = [
            _START + week * WEEK + random.randrange(7) * DAY + random.randrange(8, 20) * HOUR for week in _EVENT_WEEKS
        ]
        alarms = replay(_calm(world, seed, [(begin, begin + kind.length, kind.times) for begin in begins]))
        happened += len(begins)
        found += sum(
            any(each.direction is wanted and each.start < begin + kind.length and each.end > begin for each in alarms)
            for begin in begins
        )
    return found, happened


def _calm(world: World, seed: int, events: "list[tuple[Instant, Instant, float]] | tuple[()]") -> History:
    random = Random(seed)
    values = array("q")
    for place, rate in enumerate(islice(world.rates(random), _WEEKS * WEEK // world.step)):
        at = _START + place * world.step
        times = next((times for begin, end, times in events if begin <= at < end), 1.0)
        values.append(poisson(random, rate * world.shape(at) * times))
    return History(_START, world.step, values)


def poisson(random: Random, mean: float) -> int:
    """A count of this mean; above 60 the normal distribution stands for it."""
    if mean > 60:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, random.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * random.random()
    return count


def _episodes(alarms: tuple[Alarm, ...]) -> int:
    return bool(alarms) + sum(later.start - earlier.end > _MERGED for earlier, later in pairwise(alarms))


def main(wanted: list[str]) -> None:
    """The table."""
    print(f"{'world':<18}{'false a week':>14}" + "".join(f"{kind.name:>10}" for kind in KINDS))
    for name, world in WORLDS.items():
        if wanted and not any(part in name for part in wanted):
            continue
        seeds = range(3 if world.step < _M15 else 6)
        wrong = false_a_week(world, seeds)
        mark = " !" if wrong > world.budget else ""
        found = (recall(world, kind, seeds) for kind in KINDS)
        print(f"{name:<18}{wrong:>12.2f}{mark:<2}" + "".join(f"{f'{hits}/{of}':>10}" for hits, of in found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
