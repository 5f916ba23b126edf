"""Exact totals kept apart by their owners, so that who has seen one picture sees at once what the next one changed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from exporter.model.books import OF_ACCOUNTS, Total


class Owner(NamedTuple):
    """Whose total it is; an account and a terminal may have the same name."""

    is_account: bool
    name: str


Part = dict[Total, int]
"""What one owner has. Never changed once it is in a `Totals`."""

_NOTHING: Final[Part] = {}


def owner_of(total: Total) -> Owner:
    """The terminal or account that a total counts for."""
    return Owner(total.family in OF_ACCOUNTS, total.labels[0])


class Totals(Mapping[Total, int]):
    """Numbers by the name of their total, immutable.

    An owner's part is the same object in all pictures between which nothing of it has changed.
    """

    __slots__ = ("_parts",)

    def __init__(self, flat: Mapping[Total, int] | None = None) -> None:
        self._parts: dict[Owner, Part] = {}
        for total, value in flat.items() if flat else ():
            self._parts.setdefault(owner_of(total), {})[total] = value

    @classmethod
    def of_parts(cls, parts: Mapping[Owner, Part]) -> "Totals":
        """Totals made of parts that nobody changes any more."""
        totals = cls()
        totals._parts = dict(parts)
        return totals

    def of(self, owner: Owner) -> Part:
        """One owner's totals, empty where it has none; to be looked at only."""
        return self._parts.get(owner, _NOTHING)

    def parts(self) -> Iterable[tuple[Owner, Part]]:
        """All owners with what they have."""
        return self._parts.items()

    def __getitem__(self, total: Total) -> int:
        return self.of(owner_of(total))[total]

    def __iter__(self) -> Iterator[Total]:
        for part in self._parts.values():
            yield from part

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))


class GrowingTotals:
    """Totals that are added to. A part is copied when it is first added to after it has been seen, and no sooner."""

    def __init__(self, totals: Mapping[Total, int]) -> None:
        parts: defaultdict[Owner, Part] = defaultdict(dict)
        for total, value in totals.items():
            parts[owner_of(total)][total] = value
        self._parts: dict[Owner, Part] = dict(parts)
        self._own: set[Owner] = set(self._parts)
        self._seen = Totals()

    def add(self, increments: Mapping[Total, int]) -> None:
        """Add to totals, and begin those that are new."""
        for total, amount in increments.items():
            owner = owner_of(total)
            if owner not in self._own:
                self._own.add(owner)
                self._parts[owner] = dict(self._parts.get(owner, _NOTHING))
            part = self._parts[owner]
            part[total] = part.get(total, 0) + amount

    def seen(self) -> Totals:
        """The totals as they are now, for others to hold."""
        if self._own:
            self._own.clear()
            self._seen = Totals.of_parts(self._parts)
        return self._seen
