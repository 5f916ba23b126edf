"""What a search finds at a moment: counted first, and made only where a page or a condition needs it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from exporter.simulator.search import SORT_KEYS, Search
from exporter.simulator.world import LATEST, SLOTS_PER_BLOCK, Operation, World

_BY_TIME = ({"created_at", "created_date"}, {"id"})


class _Block(NamedTuple):
    """A run of whole slots whose operations are all visible: counting them is enough."""

    first_slot: int
    stop_slot: int
    begin: int  # running count at its beginning, within its block
    running: Sequence[int]

    def at(self, world: World, terminals: tuple[int, ...], index: int) -> Operation:
        index += self.begin
        place = bisect_right(self.running, index) - 1
        # Several empty slots share a running count; the last of them is the one that holds the operation.
        slot = self.first_slot - self.first_slot % SLOTS_PER_BLOCK + place
        return world.slot(terminals, slot)[index - self.running[place]]

    def all(self, world: World, terminals: tuple[int, ...]) -> Iterator[Operation]:
        return (one for slot in range(self.first_slot, self.stop_slot) for one in world.slot(terminals, slot))


class _Listed(NamedTuple):
    """Operations at hand."""

    operations: Sequence[Operation]

    def at(self, _world: World, _terminals: tuple[int, ...], index: int) -> Operation:
        return self.operations[index]

    def all(self, _world: World, _terminals: tuple[int, ...]) -> Iterator[Operation]:
        return iter(self.operations)


class Selection:
    """The operations that a search finds at `now`, in order of time and id."""

    def __init__(self, world: World, search: Search, now: int) -> None:
        self._world = world
        self._search = search
        self._now = now
        self._begin = max(search.begin, world.oldest)
        self._end = min(search.end, now + 1)
        self._parts: list[_Block | _Listed] = []
        counts: list[int] = []
        for part, count in self._cut():
            if count:
                self._parts.append(part)
                counts.append(count)
        self._starts = list(accumulate(counts, initial=0))
        self.total = self._starts[-1]

    def __iter__(self) -> Iterator[Operation]:
        """All of them."""
        return (one for part in self._parts for one in part.all(self._world, self._search.terminals))

    def page(self, random: Random) -> list[Operation]:
        """The page that the search asks for; in any order where it asks for none."""
        search = self._search
        first, last = min(search.skip, self.total), min(search.skip + search.size, self.total)
        if not search.order:
            return [self._at(index) for index in random.sample(range(self.total), last - first)]
        descending = search.order[0][1]
        if self._is_by_time():
            indexes = range(first, last)
            return [self._at(self.total - 1 - index if descending else index) for index in indexes]
        operations = list(self)
        for field, reverse in reversed(search.order):
            operations.sort(key=SORT_KEYS[field], reverse=reverse)
        return operations[first:last]

    def _is_by_time(self) -> bool:
        order = self._search.order
        names = [field for field, _ in order]
        fits = all(name in allowed for name, allowed in zip(names, _BY_TIME, strict=False))
        return fits and len(names) <= 2 and len({descending for _, descending in order}) == 1

    def _at(self, index: int) -> Operation:
        part = bisect_right(self._starts, index) - 1
        return self._parts[part].at(self._world, self._search.terminals, index - self._starts[part])

    def _cut(self) -> Iterator[tuple[_Block | _Listed, int]]:
        """The span as runs that can be counted and slots that must be looked through."""
        if self._begin >= self._end or not self._search.terminals:
            return
        world = self._world
        first, last = world.slot_of(self._begin), world.slot_of(self._end - 1)
        # Inside the span, and old enough that everything has become visible.
        inner = first + (self._begin % world.slot_length > 0)
        outer = min(self._end // world.slot_length, (self._now - LATEST) // world.slot_length)
        if self._search.conditions or outer <= inner:
            inner = outer = last + 1
        yield from self._look_through(first, inner)
        slot = inner
        while slot < outer:
            block, place = divmod(slot, SLOTS_PER_BLOCK)
            stop = min(outer, (block + 1) * SLOTS_PER_BLOCK)
            running = world.counts(self._search.terminals, block)
            begin = running[place]
            yield _Block(slot, stop, begin, running), running[place + stop - slot] - begin
            slot = stop
        yield from self._look_through(max(outer, first), last + 1)

    def _look_through(self, first: int, stop: int) -> Iterator[tuple[_Listed, int]]:
        conditions = self._search.conditions
        begin, end, now = (self._begin,), (self._end,), self._now
        for slot in range(first, stop):
            made = self._world.slot(self._search.terminals, slot)
            # Only the ends of the span need to be cut, and tuples of one compare as the creation alone.
            made = made[bisect_left(made, begin) : bisect_left(made, end)]
            found = [
                operation
                for operation in made
                if operation.visible_at <= now and all(condition(operation) for condition in conditions)
            ]
            yield _Listed(found), len(found)
