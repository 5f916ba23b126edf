"""The seeded world: operations as a pure function of seed, terminal and time slot, so that nothing has to be stored."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate
from operator import add
from random import Random
from statistics import NormalDist
from typing import NamedTuple

from exporter.simulator.scenario import CALM, Disturbance, timeline
from exporter.simulator.settings import Settings
from exporter.simulator.verdicts import FAILURES, REVERSED, SUCCESS, WAITING, Verdict

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
KAZAKHSTAN = 5 * HOUR

# Counts are drawn a block of slots at a time: five weeks must be countable without making their operations.
SLOTS_PER_BLOCK = 360
# No operation is listed later than this after its slot, so older slots are complete.
LATEST = 5 * 60 * SECOND
_CACHED_OPERATIONS = 150_000

ISSUERS = ("Steppe Bank", "Tulpar Bank", "Saiga Bank", "Kyran Bank", "Zhetisu Bank", "")
_ISSUER_STEPS = (0.46, 0.62, 0.78, 0.89, 0.96, 1.0)

# Share of the peak, by hour of the day and from Monday to Sunday.
_HOURS = (
    *(0.18, 0.10, 0.07, 0.05, 0.05, 0.07, 0.14, 0.28, 0.48, 0.68, 0.82, 0.90),
    *(0.96, 0.98, 0.95, 0.93, 0.94, 0.97, 1.00, 1.00, 0.93, 0.78, 0.55, 0.33),
)
_WEEKDAYS = (0.94, 0.95, 0.96, 0.98, 1.00, 0.91, 0.83)
_HOURLY_NOISE = 0.05
_NORMAL = NormalDist()

_FAILING_SHARE = 0.11
_FAILURE_VERDICTS = tuple(verdict for verdict, _ in FAILURES)
_FAILURE_STEPS = tuple(accumulate(weight for _, weight in FAILURES))
_WAITING_VERDICTS = tuple(verdict for verdict, _ in WAITING)
_WAITING_STEPS = tuple(accumulate(weight for _, weight in WAITING))


class Terminal(NamedTuple):
    """A terminal of the account, and its operations a minute at the peak."""

    number: str
    uuid: str
    per_minute: float


TERMINALS = (
    Terminal("98151552", "6f1b3c52-0a6e-4c0b-9d55-5f7d3a9b1552", 60.0),
    Terminal("98151553", "0d9f2a7e-3b41-4e86-8a1c-1c5e7b2a1553", 18.0),
    Terminal("98230417", "a3c7e9d1-5f28-4b6a-b3d4-7e8f9a0b0417", 6.0),
    Terminal("98230418", "c81d4e2e-bcf2-41e6-869b-7df92533d418", 1.5),
    Terminal("98407761", "17f0c4aa-2d3b-4f5e-9c6d-0b1a2c3d7761", 0.25),
    Terminal("98407790", "e2b5d8f0-9a7c-4d1e-8f3b-6c5a4b3c7790", 0.006),
)
MORE_PER_MINUTE = 6.0
"""At the peak, of each terminal beyond those: a thousand of them make a hundred operations a second."""


@cache
def terminal(index: int) -> Terminal:
    """The known terminals, and behind them as many made ones as one likes."""
    if index < len(TERMINALS):
        return TERMINALS[index]
    return Terminal(f"{98_500_000 + index}", _uuid(Random(f"terminal/{index}").getrandbits(128)), MORE_PER_MINUTE)


class _Column(NamedTuple):
    """A terminal's operations in the slots of a block, and how many of them are others sent again."""

    counts: Sequence[int]
    doubles: Sequence[int]


_NO_DOUBLES = array("I", [0] * SLOTS_PER_BLOCK)


class Operation(NamedTuple):
    """One transfer with its whole life; sorts by time and id. Times in microseconds since the epoch."""

    created: int
    id: str
    terminal: int  # its index, see `terminal`
    visible_at: int
    final_at: int
    reversed_at: int  # 0: never
    amount_minor: int
    currency: str
    waiting: Verdict
    verdict: Verdict
    issuer: str
    entropy: int  # what the record's other fields are made from

    def verdict_at(self, now: int) -> Verdict:
        """What the bank says about it at this moment."""
        if now < self.final_at:
            return self.waiting
        if self.reversed_at and now >= self.reversed_at:
            return REVERSED
        return self.verdict


class World:
    """All operations of all terminals, past and present; `start` is when the simulator came up."""

    def __init__(self, settings: Settings, start: int) -> None:
        self._settings = settings
        self.start = start
        self.terminals = settings.terminals
        self.oldest = start - settings.history_days * DAY
        self.timeline = timeline(
            settings.scenario, start, settings.scenario_delay, settings.scenario_duration, settings.speed
        )
        self.slot_length = max(SECOND, round(10 / settings.speed) * SECOND)
        self._anchor = start
        if settings.local_hour is not None:
            midnight = start - (start + KAZAKHSTAN) % DAY
            self._anchor = midnight + settings.local_hour * HOUR
        self._made: dict[tuple[int, int], tuple[Operation, ...]] = {}
        self._made_count = 0
        # Of each terminal: five weeks of the known ones, or two days of a thousand; a hundred MB at most.
        self._column = lru_cache(maxsize=65536)(self._draw_column)
        self._shape = lru_cache(maxsize=1024)(self._day_shape)
        self.counts = lru_cache(maxsize=16384)(self._sum_block)
        # A page takes its records one by one from a few slots; a sweep comes back to the same minutes.
        self.slot = lru_cache(maxsize=512)(self._merge)

    def slot_of(self, moment: int) -> int:
        """The number of the slot that holds this moment."""
        return moment // self.slot_length

    def world_time(self, moment: int) -> int:
        """The world's own time, which decides the time of day: `speed` times as fast as the real one."""
        return self._anchor + round((moment - self.start) * self._settings.speed)

    def _merge(self, terminals: tuple[int, ...], slot: int) -> tuple[Operation, ...]:
        """All operations created in a slot at these terminals, by time and id, visible or not."""
        return tuple(sorted(operation for index in terminals for operation in self._operations(index, slot)))

    def _sum_block(self, terminals: tuple[int, ...], block: int) -> Sequence[int]:
        """Running counts over a block's slots: how many operations come before each of them, and in all."""
        columns = [self._column(index, block).counts for index in terminals]
        return array("I", accumulate((sum(counts) for counts in zip(*columns, strict=True)), initial=0))

    def _moments(self, block: int) -> range:
        """The beginnings of a block's slots."""
        first = block * SLOTS_PER_BLOCK * self.slot_length
        return range(first, first + SLOTS_PER_BLOCK * self.slot_length, self.slot_length)

    def _day_shape(self, block: int) -> list[float]:
        return [day_shape(self.world_time(moment)) for moment in self._moments(block)]

    def _draw_column(self, index: int, block: int) -> _Column:
        """How many operations a terminal has in each slot of a block."""
        settings, its = self._settings, terminal(index)
        moments = self._moments(block)
        density = settings.speed * settings.traffic * self.slot_length / (60 * SECOND)
        random = Random(f"{settings.seed}/counts/{its.number}/{block}")
        level = its.per_minute * density * math.exp(random.gauss(0.0, _HOURLY_NOISE))
        means = [level * share for share in self._shape(block)]
        if self.timeline.touches(moments.start, moments.stop):
            means = [
                mean * self._disturbance(index, moment).volume for mean, moment in zip(means, moments, strict=True)
            ]
        # One draw a slot, whatever its mean: a scenario then changes nothing outside its own phase.
        counts = [poisson_quantile(random.random(), mean) for mean in means]
        doubles = self._draw_doubles(its, block, counts)
        return _Column(array("I", map(add, counts, doubles)), doubles)

    def _draw_doubles(self, terminal: Terminal, block: int, counts: Sequence[int]) -> Sequence[int]:
        """How many of each slot's operations are sent once more; they add to the slot's count."""
        share = self._settings.duplicate_share
        if not share:
            return _NO_DOUBLES
        random = Random(f"{self._settings.seed}/doubles/{terminal.number}/{block}")
        return array("I", [sum(random.random() < share for _ in range(count)) for count in counts])

    def _disturbance(self, index: int, moment: int) -> Disturbance:
        only = self._settings.scenario_terminals
        if only and terminal(index).number not in only:
            return CALM
        return self.timeline.at(moment)

    def _operations(self, index: int, slot: int) -> tuple[Operation, ...]:
        block, place = divmod(slot, SLOTS_PER_BLOCK)
        column = self._column(index, block)
        count = column.counts[place]
        if not count:
            return ()
        key = (index, slot)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(index, slot, count, column.doubles[place])
            self._made_count += count
            while self._made_count > _CACHED_OPERATIONS and len(self._made) > 1:
                self._made_count -= len(self._made.pop(next(iter(self._made))))
        return made

    def _make(self, index: int, slot: int, count: int, doubles: int) -> tuple[Operation, ...]:
        number = terminal(index).number
        random = Random(f"{self._settings.seed}/operations/{number}/{slot}")
        begin = slot * self.slot_length
        made = [self._operation(random, index, begin) for _ in range(count - doubles)]
        if doubles:
            random = Random(f"{self._settings.seed}/sent-twice/{number}/{slot}")
            made += [self._sent_again(random, first, begin) for first in random.sample(made, doubles)]
        return tuple(made)

    def _sent_again(self, random: Random, first: Operation, slot_begin: int) -> Operation:
        """The same transfer under another id, later in the same slot, listed before or after the first."""
        within = min(slot_begin + self.slot_length - first.created, 30 * SECOND)
        later = int(random.random() * within)
        if self._settings.date_times == "mixed":  # as its record will show it
            later -= later % 10 ** (6 - min(fraction_digits(first.entropy), 6))
        delay = 0.2 + 1.6 * random.random()
        if random.random() < self._settings.late_share:
            delay = 5.0 * 48.0 ** random.random()
        created = first.created + later
        return first._replace(
            created=created,
            id=_uuid(random.getrandbits(128)),
            visible_at=created + int(delay * SECOND),
            final_at=first.final_at + later,
            reversed_at=first.reversed_at and first.reversed_at + later,
        )

    def _operation(self, random: Random, index: int, slot_begin: int) -> Operation:
        settings = self._settings
        draw = random.random
        created = slot_begin + int(draw() * self.slot_length)
        entropy = random.getrandbits(64)
        if settings.date_times == "mixed":
            # The record shows fewer digits than a microsecond needs; the truth must not know more than the record.
            created -= created % 10 ** (6 - min(fraction_digits(entropy), 6))
        disturbance = self._disturbance(index, created)
        issuer = ISSUERS[bisect_right(_ISSUER_STEPS, draw())]
        verdict = _verdict(draw(), draw(), issuer, disturbance)
        waiting, final_at = _WAITING_VERDICTS[0], created
        pending, wait = draw(), min(1.0 - math.log(1.0 - draw()) * 40.0, 170.0)
        if pending < disturbance.stuck_share:
            waiting, final_at = _WAITING_VERDICTS[1], self.timeline.end + int(wait * SECOND)
        elif pending > 1.0 - settings.pending_share:
            waiting = _WAITING_VERDICTS[bisect_right(_WAITING_STEPS, draw() * _WAITING_STEPS[-1])]
            final_at = created + int(wait * SECOND)
        reversal, reversal_wait = draw(), draw()
        reversed_at = 0
        if verdict is SUCCESS and reversal < settings.reversal_share:
            reversed_at = final_at + int((60 + reversal_wait * 600) * SECOND)
        delay = 0.2 + 1.6 * draw()
        if draw() < settings.late_share:
            delay = 5.0 * 48.0 ** draw()  # from five seconds to four minutes, short ones more often
        amount, currency = _amount(random)
        return Operation(
            created=created,
            id=_uuid(random.getrandbits(128)),
            terminal=index,
            visible_at=created + int(delay * SECOND),
            final_at=final_at,
            reversed_at=reversed_at,
            amount_minor=amount,
            currency=currency,
            waiting=waiting,
            verdict=verdict,
            issuer=issuer,
            entropy=entropy,
        )


def fraction_digits(entropy: int) -> int:
    """How many fractional digits a record's dateTime has where they vary: 0 to 7."""
    return entropy % 8


def day_shape(world_time: int) -> float:
    """Share of the peak traffic at this moment of the week, in Kazakhstan."""
    days, rest = divmod(world_time + KAZAKHSTAN, DAY)
    hour, within = divmod(rest, HOUR)
    part = within / HOUR
    level = _HOURS[hour] * (1.0 - part) + _HOURS[(hour + 1) % 24] * part
    return level * _WEEKDAYS[(days + 3) % 7]  # the epoch was a Thursday


def poisson_quantile(share: float, mean: float) -> int:
    """The count below which this share of a Poisson distribution lies; grows with the mean for the same share."""
    if mean > 30.0:
        return max(0, round(mean + math.sqrt(mean) * _NORMAL.inv_cdf(max(share, 1e-12))))
    term = cumulated = math.exp(-mean)
    count = 0
    while cumulated < share and count < 200:
        count += 1
        term *= mean / count
        cumulated += term
    return count


def _verdict(failing: float, which: float, issuer: str, disturbance: Disturbance) -> Verdict:
    hit = disturbance.failures and (not disturbance.issuer or disturbance.issuer == issuer)
    if hit and failing < disturbance.failing_share:
        return disturbance.failures[int(which * len(disturbance.failures))]
    # The usual failures come from the other end of the draw, so that a scenario comes on top of them.
    if failing > 1.0 - _FAILING_SHARE:
        return _FAILURE_VERDICTS[bisect_right(_FAILURE_STEPS, which * _FAILURE_STEPS[-1])]
    return SUCCESS


def _amount(random: Random) -> tuple[int, str]:
    """Log-normal, mostly round, in minor units."""
    rounding = random.random()
    if random.random() < 0.03:
        dollars = random.lognormvariate(math.log(6_000), 0.9)
        return (max(100, round(dollars / 100) * 100) if rounding < 0.5 else max(1, round(dollars))), "USD"
    tenge = min(random.lognormvariate(math.log(1_200_000), 1.1), 100_000_000.0)
    if rounding < 0.7:
        return max(10_000, round(tenge / 10_000) * 10_000), "KZT"
    if rounding < 0.9:
        return max(100, round(tenge / 100) * 100), "KZT"
    return max(1, round(tenge)), "KZT"


def _uuid(bits: int) -> str:
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
