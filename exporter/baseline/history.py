"""A terminal's past, slot by slot: how many operations, or how much money, a quarter of an hour had."""

from array import array
from collections.abc import Sequence
from math import inf
from typing import Any, Final, TypeAlias

from exporter.model import DAY, MINUTE, Duration, Instant

WEEK: Final[Duration] = 7 * DAY
SLOT: Final[Duration] = 15 * MINUTE
MISSING: Final = -1
"""What stands for a slot that is not known: not read, or left out as a holiday. Volumes are never negative."""

# Quoted: the class itself cannot be subscripted before Python 3.12.
Slots: TypeAlias = "array[Any]"
"""Volumes side by side: whole numbers, or floating-point ones."""

_KINDS: Final = "bhiq"
"""Arrays of whole numbers, the narrowest first."""


class History:
    """Slots of `step` microseconds from `start` on; memory is what counts: 1 to 8 bytes a slot, and no object for each.

    The slot at place i belongs to [start + i·step, start + (i+1)·step). Volumes are operations, or amounts in minor
    units; MISSING where nothing is known. Slots before the first that was ever put take no memory: most of the past is
    not known when a history is new, and it is read from its end. Whole numbers take as many bytes as the largest of
    them needs; `values` of typecode "d" make it a history of numbers of others. The baselines read it live: what is put
    is seen by the next `expect`.
    """

    __slots__ = ("_lead", "_values", "start", "step")

    def __init__(self, start: Instant, step: Duration = SLOT, values: "Slots | None" = None) -> None:
        if step <= 0:
            raise ValueError(f"a step of {step} µs")
        self.start = start
        self.step = step
        self._values: Slots = array("b") if values is None else values
        self._lead = 0
        """Slots before those that are held, all of them missing."""

    def __len__(self) -> int:
        """Slots, with those that are missing."""
        return self._lead + len(self._values)

    @property
    def end(self) -> Instant:
        """The end of the last slot that is held."""
        return self.start + len(self) * self.step

    @property
    def values(self) -> "array[int] | array[float]":
        """All slots, the missing ones as MISSING: a copy."""
        return self.slots(0, len(self))

    @property
    def first_volume(self) -> int:
        """The place of the first slot that had anything; the number of all slots where none had."""
        return next((place for place, value in enumerate(self._values, self._lead) if value > 0), len(self))

    def copy(self) -> "History":
        """The same, for who wants to change it."""
        copied = History(self.start, self.step, self._values[:])
        copied._lead = self._lead
        return copied

    def put(self, at: Instant, value: float) -> None:
        """What the slot that holds `at` had; what lies between it and the end so far is missing.

        What is no volume (negative, NaN, infinite) is missing as well. A slot before `start` is a ValueError: nothing
        grows backwards, so make the history as long as it shall be.
        """
        if not 0 <= value < inf:
            value = MISSING
        kind = self._values.typecode
        # What kind of number it is, is the caller's choice.
        self.write(at, array("q" if kind in _KINDS else kind, (value,)))

    def write(self, at: Instant, values: Slots) -> None:
        """What the slots from the one that holds `at` on had, in place of what was known; MISSING is taken as such.

        What lies between them and the end so far is missing. A slot before `start` is a ValueError, as with `put`.
        """
        place = (at - self.start) // self.step
        if place < 0:
            raise ValueError("a slot from before the history's start")
        held, before = self._wide_enough(values), len(self)
        if not held or place < self._lead:
            known = next((number for number, value in enumerate(values) if value != MISSING), len(values))
            skipped = min(known, self._lead - place) if held else known
            place, values = place + skipped, values[skipped:]
            if not values and place <= before:
                return  # only what is missing anyway
        if not held:
            self._lead = place
        elif place < self._lead:
            held[:0] = self._missing(self._lead - place)
            self._lead = place
        place -= self._lead
        if place > len(held):
            held.extend(self._missing(place - len(held)))
        # What kind of numbers they are, is the caller's choice.
        held[place : place + len(values)] = array(held.typecode, values)
        held.extend(self._missing(before - len(self)))

    def leave_out(self, begin: Instant, end: Instant) -> None:
        """Forget every slot that touches [begin, end): a holiday, a maintenance."""
        first = max(self._lead, (begin - self.start) // self.step)
        last = min(len(self), -((self.start - end) // self.step))
        for place in range(first, last):
            self._values[place - self._lead] = MISSING

    def drop_before(self, instant: Instant) -> None:
        """Give back the memory of slots that end at or before this instant."""
        gone = min(max(0, (instant - self.start) // self.step), len(self))
        if gone:
            del self._values[: max(0, gone - self._lead)]
            self._lead = max(0, self._lead - gone)
            self.start += gone * self.step

    def between(self, begin: Instant, end: Instant) -> Sequence[float]:
        """The slots that begin in [begin, end), as far as they are held."""
        return self.slots(-((self.start - begin) // self.step), -((self.start - end) // self.step))

    def slots(self, first: int, last: int) -> Slots:
        """The slots from one place up to another, as far as there are any."""
        lead, first = self._lead, max(0, first)
        held = self._values[max(0, first - lead) : max(0, last - lead)]
        lack = min(last, len(self), lead) - first
        return self._missing(lack) + held if lack > 0 else held

    def volume(self, begin: Instant, end: Instant) -> float | None:
        """The volume of [begin, end), slots at its edges weighted by their part in it.

        None where less than half of it is known; where a part is missing, the rest stands for it.
        """
        step, values = self.step, self._values
        held_from = self.start + self._lead * step
        first, offset = divmod(begin - held_from, step)
        last, rest = divmod(end - held_from, step)
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
        held_from = self.start + self._lead * step
        for place in range(max(0, (begin - held_from) // step), len(self._values)):
            slot = held_from + place * step
            if slot >= end:
                break
            part = min(end, slot + step) - max(begin, slot)
            if self._values[place] >= 0:
                known += part
                total += self._values[place] * part / step
        length = end - begin
        return total * length / known if known * 2 >= length > 0 else None

    def _wide_enough(self, values: Slots) -> Slots:
        """The slots, in an array whose numbers are as large as these."""
        kind = self._values.typecode
        if kind in _KINDS and values:
            largest = max(*values, -1 - min(values), 0)
            wanted = next((each for each in _KINDS if largest < 1 << 8 * array(each).itemsize - 1), _KINDS[-1])
            if _KINDS.index(wanted) > _KINDS.index(kind):
                self._values = array(wanted, self._values)
        return self._values

    def _missing(self, count: int) -> Slots:
        return array(self._values.typecode, (MISSING,)) * count
