"""Forms of counters' lines: all that stays while an owner's totals have the same names, with places for the numbers.

An owner's totals come as a list of numbers, in an order that seldom changes; a form knows where in it its own are. What
an owner has nothing of is 0, which stands last in the list.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter
from typing import Final

from exporter.exposition.catalogue import Definition
from exporter.exposition.lines import COUNT, WRITTEN, lines, pairs, shared
from exporter.exposition.numbers import bound, majors, number
from exporter.model import Total

Labels = tuple[str, ...]
NOWHERE: Final = -1
"""The place of what an owner has nothing of."""

_MOST: Final = 4_096


@lru_cache(maxsize=_MOST)
def _taken(places: tuple[int, ...]) -> Callable[[Sequence[int]], Sequence[int]]:
    """What takes the numbers at these places; one object for all owners whose totals are in the same order."""
    return itemgetter(*places)


class Lines:
    """Lines that have their last labels in common, two or more. `powers`: of amounts, how many minor units each has."""

    __slots__ = ("_heads", "_powers", "_tail", "_take")

    def __init__(
        self, heads: Sequence[bytes], tail: bytes, places: Sequence[int], powers: Sequence[int] | None = None
    ) -> None:
        self._heads = shared(tuple(heads))
        self._tail = tail
        self._take = _taken(tuple(places))
        self._powers = powers

    def filled(self, values: Sequence[int]) -> bytes:
        """The lines with the numbers of now."""
        taken = self._take(values)
        if self._powers is None:
            return lines(self._heads, self._tail, taken, COUNT)
        return lines(self._heads, self._tail, majors(taken, self._powers), WRITTEN)


class Histogram:
    """A histogram, cumulative and with every bucket, from buckets that are neither. `unit`: how many units are one.

    `le` stands between the labels that come before it and those after.
    """

    __slots__ = ("_label", "_sum", "_take", "_template", "_unit")

    def __init__(
        self,
        definition: Definition,
        bounds: tuple[int, ...],
        labels: tuple[str, str, bytes],
        places: Sequence[int],
        sum_place: int,
        unit: int,
    ) -> None:
        before, after, self._label = labels
        self._template = _template(definition, bounds, before, after)
        self._take = _taken(tuple(places))
        self._sum = sum_place
        self._unit = unit

    def filled(self, values: Sequence[int]) -> bytes:
        """The lines with the numbers of now."""
        label, counts = self._label, [*accumulate(self._take(values))]
        arguments: list[object] = [label] * (2 * len(counts))
        arguments[1::2] = counts
        total = number(values[self._sum] / self._unit).encode()
        return self._template % (*arguments, label, counts[-1], label, total)


@lru_cache(maxsize=_MOST)
def _template(definition: Definition, bounds: tuple[int, ...], before: str, after: str) -> bytes:
    """All lines of a histogram; what is left open is the owner's own label, which comes last, and the numbers."""
    before, after = before.replace("%", "%%"), after.replace("%", "%%")
    own = before + after[1:] if after else before.removesuffix(",")  # without `le` there is a comma less
    buckets = [
        f'{definition.name}_bucket{{{before}le="{each}"{after}%b}} %d.0\n' for each in (*map(bound, bounds), "+Inf")
    ]
    ends = f"{definition.name}_count{{{own}%b}} %d.0\n{definition.name}_sum{{{own}%b}} %b\n"
    return ("".join(buckets) + ends).encode()


class Few:
    """A counter with few series, each with labels of its own."""

    __slots__ = ("_places", "_starts", "_unit")

    def __init__(self, definition: Definition, places: Mapping[Labels, int], unit: int = 1) -> None:
        names = definition.labels
        self._starts = tuple([f"{definition.name}{{{pairs(names, labels)}}} ".encode() for labels in places])
        self._places = tuple(places.values())
        self._unit = unit

    def filled(self, values: Sequence[int]) -> bytes:
        """The lines with the numbers of now."""
        unit = self._unit
        return b"".join(
            [
                b"%b%b\n" % (start, number(values[place] / unit).encode())
                for start, place in zip(self._starts, self._places, strict=True)
            ]
        )


class Form:
    """All forms of an owner, whose totals are named `keys`; one, or several behind each other, for each family."""

    __slots__ = ("_families", "keys")

    def __init__(self, keys: list[Total], families: Sequence[Sequence[Lines | Histogram | Few]]) -> None:
        self.keys = keys
        self._families = families

    def filled(self, numbers: Sequence[int]) -> tuple[bytes, ...]:
        """The text of each family."""
        values = [*numbers, 0]
        return tuple(
            [
                family[0].filled(values) if len(family) == 1 else b"".join([each.filled(values) for each in family])
                for family in self._families
            ]
        )
