"""What the past weeks let expect of each terminal now: measured rarely, asked for with every poll."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from exporter.baseline import Baseline, Settings, active_days, grain_of, prepare, usual, usual_gap
from exporter.model import HOUR, MINUTE, SECOND, Duration, Expected, Forecast, Instant, Span
from exporter.poller.almanac import Almanac

_GOOD_FOR: Final[Duration] = HOUR
"""How long what was measured holds: spreads and habits change over days."""

_GOOD_WHILE_GROWING: Final[Duration] = 10 * MINUTE
"""The same while the history is being read, and holds more by the minute."""

Excluded = Callable[[str], Iterable[Span]]
"""Holidays and maintenances of a terminal: not what is usual."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A terminal's past, as of `at`. `baselines` by window and currency."""

    at: Instant
    baselines: Mapping[tuple[Duration, str], Baseline]
    habits: Forecast

    @property
    def currencies(self) -> set[str]:
        """What has been measured: operations (empty), and amounts in these currencies."""
        return {currency for _, currency in self.baselines}


class Forecaster:
    """One account's forecasts. Nothing is expected of a terminal before it has been measured."""

    def __init__(self, windows: Sequence[Duration], weeks: int, excluded: Excluded) -> None:
        self._windows = tuple(windows)
        self._settings = Settings(weeks=weeks)
        self._excluded = excluded
        self._measured: dict[str, _Measured] = {}
        self._current: dict[str, tuple[int, Forecast]] = {}

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
        for (window, currency), baseline in measured.baselines.items():
            found = baseline.expect(at)
            if found is not None:
                windows.append(Expected(window, currency, found.expected, found.lower, found.upper))
                weeks = max(weeks, found.weeks)
        return replace(measured.habits, windows=tuple(windows), weeks=weeks)

    async def measure(
        self,
        almanacs: Mapping[str, Almanac],
        now: Instant,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        growing: bool = False,
    ) -> None:
        """Measure those terminals whose measures are too old. Lets others have their turn between any two of them."""
        good_for = _GOOD_WHILE_GROWING if growing else _GOOD_FOR
        for name, almanac in almanacs.items():
            measured = self._measured.get(name)
            if (
                measured is not None
                and 0 <= now - measured.at < good_for
                and measured.currencies == {"", *almanac.amounts}
            ):
                continue
            self._measured[name] = await self._measure(name, almanac, now, sleep)
            self._current.pop(name, None)

    async def _measure(
        self, name: str, almanac: Almanac, now: Instant, sleep: Callable[[float], Awaitable[None]]
    ) -> _Measured:
        excluded = tuple(self._excluded(name))
        operations = usual(almanac.operations, excluded)
        histories = {"": (operations, 1.0)}
        for currency, whole in almanac.amounts.items():
            amounts = usual(whole, excluded)
            histories[currency] = amounts, grain_of(amounts, now)
        baselines: dict[tuple[Duration, str], Baseline] = {}
        for currency, (history, grain) in histories.items():
            for window in self._windows:
                baselines[window, currency] = prepare(history, now, window, self._settings, grain)
                await sleep(0)
        gap = usual_gap(operations, now)
        return _Measured(now, baselines, Forecast(usual_gap=gap, active_days=active_days(operations, now)))
