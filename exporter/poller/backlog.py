"""What is still missing of an account's history, and what is not asked for again."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final

from exporter.model import Instant, Span
from exporter.poller.almanac import Almanac

_TRIES: Final = 3
"""How often a day a cell is asked for that the bank refuses, or that does not add up."""

_CERTAIN: Final = 2
"""Refused cells after which what is older still is not asked for in a round: banks keep so much and no more."""


class Backlog:
    """The missing cells by terminal. A cell that has been whole once is not looked at again."""

    def __init__(self) -> None:
        self._missing: dict[Span, set[str]] = {}
        self._complete: set[Span] = set()
        self._tries: dict[tuple[Span, str], int] = {}
        self._day = 0
        self._refused: list[Instant] = []
        self._passed_over: set[str] = set()
        self.whole = 1
        self.left = 0
        self.news = False
        """Whether this round has found something to read."""

    @property
    def share(self) -> float:
        """How much of what is wanted is there."""
        return 1 - self.left / self.whole

    async def look(
        self,
        wanted: Iterable[Span],
        almanacs: Mapping[str, Almanac],
        day: int,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Begin a round: what do the almanacs lack of these cells? Each day what was refused gets new chances."""
        if day != self._day:
            self._day, self._tries = day, {}
        self._refused = []
        self._passed_over = set()
        wanted = tuple(wanted)
        self._complete &= set(wanted)
        self._missing = {}
        for cell in wanted:
            if cell not in self._complete:
                lacking = {name for name, almanac in almanacs.items() if almanac.lacks(cell)}
                if lacking:
                    self._missing[cell] = lacking
                else:
                    self._complete.add(cell)
                await sleep(0)
        self.whole = max(1, len(wanted) * len(almanacs))
        self.left = sum(map(len, self._missing.values()))
        self.news = any(
            self._tries.get((cell, name), 0) < _TRIES for cell, its in self._missing.items() for name in its
        )

    def missing(self, cell: Span) -> bool:
        """Whether a cell lacks anything."""
        return cell in self._missing

    def worth_asking(self, cell: Span, names: Collection[str]) -> list[str]:
        """Those of these terminals whose cell is missing and may be had; the others that lack it are passed over."""
        if len(self._refused) >= _CERTAIN and cell.start <= max(self._refused):
            return []
        lacking = {name for name in self._missing[cell] if self._tries.get((cell, name), 0) < _TRIES}
        self._passed_over |= lacking.difference(names)
        return [name for name in names if name in lacking]

    def comes_back(self, names: Iterable[str]) -> bool:
        """Whether one of these terminals has been passed over in this round."""
        return not self._passed_over.isdisjoint(names)

    def done(self, cell: Span, names: Collection[str]) -> None:
        """A cell has been read."""
        lacking = self._missing[cell]
        self.left -= len(lacking.intersection(names))
        lacking.difference_update(names)

    def refused(self, cell: Span, names: Iterable[str]) -> None:
        """The bank does not give a cell: what is older is likely to be refused as well."""
        self._tried(cell, names)
        self._refused.append(cell.start)

    def unsound(self, cell: Span, names: Iterable[str]) -> None:
        """A cell does not add up, which says nothing of any other."""
        self._tried(cell, names)

    def _tried(self, cell: Span, names: Iterable[str]) -> None:
        for name in names:
            self._tries[cell, name] = self._tries.get((cell, name), 0) + 1
