"""The entries of a decision in the making: they come many at a time, and are found again by id."""

from collections.abc import Collection

from exporter.model import Details, Entries, Entry, Instant, Series, Standing


class Drafted:
    """Entries that grow column by column. One that is put again stands in place of the one with its id."""

    def __init__(self) -> None:
        self._ids: list[bytes] = []
        self._created: list[Instant] = []
        self._series: list[Series] = []
        self._amounts: list[int] = []
        self._standings: list[Standing] = []
        self._details: list[Details] = []
        self._places: dict[bytes, int] = {}
        self._all_new = True

    def __contains__(self, id_: bytes) -> bool:
        return id_ in self._places

    def holds_none(self, ids: Collection[bytes]) -> bool:
        """Whether none of these is here."""
        return self._places.keys().isdisjoint(ids)

    def get(self, id_: bytes) -> Entry | None:
        """The entry with this id."""
        place = self._places.get(id_)
        if place is None:
            return None
        series, amount = self._series[place], self._amounts[place]
        standing, details = self._standings[place], self._details[place]
        return Entry(id_, self._created[place], series.key, amount, series.currency, standing, details)

    def put(self, entry: Entry) -> None:
        """Take in one entry, which may stand in place of one that is remembered."""
        self._all_new = False
        id_, created, key, amount, currency, standing, details = entry
        place = self._places.get(id_)
        if place is None:
            self.extend(Entries.of((entry,)))
            return
        self._created[place], self._series[place], self._amounts[place] = created, Series.of(key, currency), amount
        self._standings[place], self._details[place] = standing, details

    def extend(self, entries: Entries) -> None:
        """Take in entries none of which is here, and no two of which have the same id.

        Memory is known to hold none of them either, but for what `put` takes in.
        """
        first = len(self._ids)
        self._places.update(zip(entries.ids, range(first, first + len(entries)), strict=True))
        self._ids += entries.ids
        self._created += entries.created
        self._series += entries.series
        self._amounts += entries.amounts
        self._standings += entries.standings
        self._details += entries.details

    def entries(self) -> Entries:
        """All of them; nothing is put any more."""
        columns = (self._ids, self._created, self._series, self._amounts, self._standings, self._details)
        return Entries(*columns, all_new=self._all_new)
