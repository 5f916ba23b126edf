"""Entries as columns: a poll may bring thousands, and most of what is done with them is done to all at once."""

from collections.abc import Collection, Iterator, Sequence

from exporter.model.books import Entry, SeriesKey, Standing
from exporter.model.operations import Details, Outcome
from exporter.model.units import Instant

_SERIES: dict[tuple[SeriesKey, str], "Series"] = {}


class Series:
    """The labels of an operation's series, and its currency: one object for all that have the same, told by identity.

    `pair`: both together. `group`: what largest amounts are told apart by. Labels are bounded, so they are held for
    good.
    """

    __slots__ = ("currency", "group", "key", "pair", "pending")

    def __init__(self, key: SeriesKey, currency: str) -> None:
        """Not to be called: `of` knows whether there is one already."""
        self.key = key
        self.currency = currency
        self.pair = (key, currency)
        self.group = (key.outcome, currency)
        self.pending = key.outcome is Outcome.PENDING

    @staticmethod
    def of(key: SeriesKey, currency: str) -> "Series":
        """The one of these labels."""
        pair = (key, currency)
        return _SERIES.get(pair) or _SERIES.setdefault(pair, Series(key, currency))


class Entries(Collection[Entry]):
    """Entries in an order, column by column; one is only made for who looks at it. Nobody changes the columns.

    `all_new`: memory has been seen to hold none of these ids, and none stands here twice.
    """

    __slots__ = ("all_new", "amounts", "created", "details", "ids", "series", "standings")

    def __init__(
        self,
        ids: Sequence[bytes],
        created: Sequence[Instant],
        series: Sequence[Series],
        amounts: Sequence[int],
        standings: Sequence[Standing],
        details: Sequence[Details],
        *,
        all_new: bool = False,
    ) -> None:
        self.ids = ids
        self.created = created
        self.series = series
        self.amounts = amounts
        self.standings = standings
        self.details = details
        self.all_new = all_new

    @classmethod
    def of(cls, entries: Collection[Entry]) -> "Entries":
        """Any entries as columns."""
        if isinstance(entries, cls):
            return entries
        if not entries:
            return cls((), (), (), (), (), ())
        ids, created, keys, amounts, currencies, standings, details = zip(*entries, strict=True)
        return cls(ids, created, tuple(map(Series.of, keys, currencies)), amounts, standings, details)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Entry]:
        columns = (self.ids, self.created, self.series, self.amounts, self.standings, self.details)
        for id_, created, series, amount, standing, details in zip(*columns, strict=True):
            yield Entry(id_, created, series.key, amount, series.currency, standing, details)

    def __contains__(self, entry: object) -> bool:
        return any(entry == each for each in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as that of a list: columns may be lists
