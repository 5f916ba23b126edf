"""A terminal's past, slot by slot: how many operations, or how much money, a quarter of an hour had."""

from array import array
from collections.abc import Sequence
from math import inf
from typing import Final

from exporter.model import DAY, MINUTE, Duration, Instant

WEEK: Final[Duration] = 7 * DAY
SLOT: Final[Duration] = 15 * MINUTE
MISSING: Final = -1
"""What stands for a slot that is not known: not read, or left out as a holiday. Volumes are never negative."""


class History:
    """Slots of `step` microseconds from `start` on; memory is what counts: 8 bytes a slot, and no object for each.

    `values[i]` belongs to [start + i·step, start + (i+1)·step). Volumes are operations, or amounts in minor units;
    MISSING where nothing is known. `typecode` is the array's: "q" for whole numbers, "i" to halve the memory of
    counts, "d" for numbers of others. The baselines read it live: what is put is seen by the next `expect`.
    """

    __slots__ = ("start", "step", "values")

    # Quoted: the class itself cannot be subscripted before Python 3.12.
    def __init__(
        self, start: Instant, step: Duration = SLOT, values: "array[int] | array[float] | None" = None
    ) -> None:
        if step <= 0:
            raise ValueError(f"a step of {step} µs")
        self.start = start
        self.step = step
        self.values: array[int] | array[float] = array("q") if values is None else values

    @property
    def end(self) -> Instant:
        """The end of the last slot that is held."""
        return self.start + len(self.values) * self.step

    def put(self, at: Instant, value: float) -> None:
        """What the slot that holds `at` had; what lies between it and the end so far is missing.

        What is no volume (negative, NaN, infinite) is missing as well. A slot before `start` is a ValueError: nothing
        grows backwards, so make the history as long as it shall be.
        """
        place = (at - self.start) // self.step
        if place < 0:
            raise ValueError("a slot from before the history's start")
        self._reach(place + 1)
        if not 0 <= value < inf:
            value = MISSING
        # What kind of number it is, is the caller's choice of array.
        self.values[place] = value  # type: ignore[call-overload]

    def write(self, at: Instant, values: "array[int]") -> None:
        """What the slots from the one that holds `at` on had, in place of what was known; MISSING is taken as such.

        What lies between them and the end so far is missing. A slot before `start` is a ValueError, as with `put`.
        """
        place = (at - self.start) // self.step
        if place < 0:
            raise ValueError("a slot from before the history's start")
        self._reach(place)
        # What kind of number they are, is the caller's choice of arrays; the two have to be of one kind.
        self.values[place : place + len(values)] = values  # type: ignore[assignment]

    def leave_out(self, begin: Instant, end: Instant) -> None:
        """Forget every slot that touches [begin, end): a holiday, a maintenance."""
        first = max(0, (begin - self.start) // self.step)
        last = min(len(self.values), -((self.start - end) // self.step))
        for place in range(first, last):
            self.values[place] = MISSING

    def drop_before(self, instant: Instant) -> None:
        """Give back the memory of slots that end at or before this instant."""
        gone = min(max(0, (instant - self.start) // self.step), len(self.values))
        if gone:
            del self.values[:gone]
            self.start += gone * self.step

    def between(self, begin: Instant, end: Instant) -> Sequence[float]:
        """The slots that begin in [begin, end), as far as they are held."""
        first = max(0, -((self.start - begin) // self.step))
        return self.values[first : max(first, -((self.start - end) // self.step))]

    def volume(self, begin: Instant, end: Instant) -> float | None:
        """The volume of [begin, end), slots at its edges weighted by their part in it.

        None where less than half of it is known; where a part is missing, the rest stands for it.
        """
        step, values = self.step, self.values
        first, offset = divmod(begin - self.start, step)
        last, rest = divmod(end - self.start, step)
        whole = first + 1 if offset else first
        if first < 0 or whole > last or last + bool(rest) > len(values):
            return self._known_part(begin, end)
        inner = values[whole:last]
        total: float = sum(inner)
        least = min(inner, default=0)
        if offset:
            least = min(least, values[first])
            total += values[first] * (step - offset) / step
        if rest:
            least = min(least, values[last])
            total += values[last] * rest / step
        return total if least >= 0 else self._known_part(begin, end)

    def _known_part(self, begin: Instant, end: Instant) -> float | None:
        """The same where something is missing, or the span lies within one slot."""
        step, total, known = self.step, 0.0, 0
        for place in range(max(0, (begin - self.start) // step), len(self.values)):
            slot = self.start + place * step
            if slot >= end:
                break
            part = min(end, slot + step) - max(begin, slot)
            if self.values[place] >= 0:
                known += part
                total += self.values[place] * part / step
        length = end - begin
        return total * length / known if known * 2 >= length > 0 else None

    def _reach(self, count: int) -> None:
        if (lack := count - len(self.values)) > 0:
            self.values.extend(array(self.values.typecode, (MISSING,)) * lack)
