"""What the past weeks let expect of each terminal now: measured rarely, asked for with every poll."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from exporter.baseline import (
    FEWEST_WEEKS,
    WEEK,
    Baseline,
    History,
    Settings,
    active_days,
    grain_of,
    prepare,
    usual,
    usual_gap,
)
from exporter.model import DAY, HOUR, MINUTE, SECOND, Duration, Expected, Forecast, Instant, Span
from exporter.poller.almanac import Almanac

_GOOD_FOR: Final[Duration] = HOUR
"""How long what was measured holds: spreads and habits change over days."""

_GOOD_WHILE_GROWING: Final[Duration] = 10 * MINUTE
"""The same while the history is being read, and holds more by the minute."""

_OPERATIONS: Final = ""
"""Stands for a currency where numbers of operations are meant, as in `Expected`."""

Excluded = Callable[[str], Iterable[Span]]
"""Holidays and maintenances of a terminal: not what is usual."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A terminal's past, as of `at`. `wholes`: all that is known of it, live; `baselines` by window and currency."""

    at: Instant
    wholes: Mapping[str, History]
    baselines: Mapping[tuple[Duration, str], Baseline]
    habits: Forecast

    def good(self, wholes: Mapping[str, History], now: Instant, *, growing: bool) -> bool:
        """Whether it holds still: a currency met since, or a past that goes on growing elsewhere, is not in it."""
        live = self.wholes[_OPERATIONS] is wholes[_OPERATIONS] or not growing
        good_for = _GOOD_WHILE_GROWING if growing else _GOOD_FOR
        return live and self.wholes.keys() == wholes.keys() and 0 <= now - self.at < good_for


class Forecaster:
    """One account's forecasts. Nothing is expected of a terminal before it has been measured."""

    def __init__(self, windows: Sequence[Duration], weeks: int, excluded: Excluded) -> None:
        self._windows = tuple(windows)
        self._settings = Settings(weeks=weeks)
        self._excluded = excluded
        self._measured: dict[str, _Measured] = {}
        self._current: dict[str, tuple[int, Forecast]] = {}
        self._outdated: set[str] = set()

    def forecast(self, name: str, at: Instant) -> Forecast | None:
        """What windows that end now should hold, a minute's precision being enough; None before the first measuring."""
        measured = self._measured.get(name)
        if measured is None:
            return None
        minute, known = self._current.get(name, (0, measured.habits))
        # Each terminal's minute begins at another second, so that a thousand of them are not asked for in one poll.
        now = (at + crc32(name.encode()) % 60 * SECOND) // MINUTE
        if minute != now:
            known = self._expect(measured, at)
            self._current[name] = now, known
        return known

    def _expect(self, measured: _Measured, at: Instant) -> Forecast:
        windows: list[Expected] = []
        weeks = 0
        begins = {currency: _begin(whole) for currency, whole in measured.wholes.items()}
        for (window, currency), baseline in measured.baselines.items():
            found = baseline.expect(at)
            if found is None:
                continue
            begin = begins[currency]
            known = found.weeks if begin is None else min(found.weeks, (at - window - begin) // WEEK)
            if known >= FEWEST_WEEKS:
                windows.append(Expected(window, currency, found.expected, found.lower, found.upper))
                weeks = max(weeks, known)
        return replace(measured.habits, windows=tuple(windows), weeks=weeks)

    def outdate(self, names: Iterable[str]) -> None:
        """Much has become known of these terminals since they were measured: measure them again, whenever that was."""
        self._outdated.update(names)

    async def measure(
        self,
        almanacs: Mapping[str, Almanac],
        now: Instant,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        growing: bool = False,
    ) -> None:
        """Measure those terminals whose measures are too old. Lets others have their turn between any two of them."""
        for name, almanac in almanacs.items():
            measured = self._measured.get(name)
            wholes = {_OPERATIONS: almanac.operations, **almanac.amounts}
            if measured is not None and name not in self._outdated and measured.good(wholes, now, growing=growing):
                continue
            self._outdated.discard(name)
            self._measured[name] = await self._measure(name, wholes, now, sleep)
            self._current.pop(name, None)

    async def _measure(
        self, name: str, wholes: Mapping[str, History], now: Instant, sleep: Callable[[float], Awaitable[None]]
    ) -> _Measured:
        excluded = tuple(self._excluded(name))
        histories = {currency: usual(whole, excluded) for currency, whole in wholes.items()}
        baselines: dict[tuple[Duration, str], Baseline] = {}
        for currency, history in histories.items():
            grain = grain_of(history, now) if currency else 1.0
            for window in self._windows:
                baselines[window, currency] = prepare(history, now, window, self._settings, grain)
                await sleep(0)
        operations = histories[_OPERATIONS]
        habits = Forecast(usual_gap=usual_gap(operations, now), active_days=active_days(operations, now))
        return _Measured(now, wholes, baselines, habits)


def _begin(whole: History) -> Instant | None:
    """When there was something for the first time, as far as is known; None where that is no later than the rest.

    What the bank lists nothing of before that is not known to have been nothing: the terminal began, or the bank keeps
    no more. (`usual` leaves it out as well, but of what was known when it was measured.)
    """
    first = whole.first_volume
    return whole.start + first * whole.step if first * whole.step > DAY else None
