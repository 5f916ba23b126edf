"""All that is exposed of one snapshot, prepared: a scrape only joins it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.compression import Beginning, Block, beginning, blocks, deflated
from exporter.exposition.pieces import OF_ACCOUNTS, OF_TERMINALS, Texts
from exporter.exposition.states import GAUGES

FAMILIES: Final = (*OF_TERMINALS, *GAUGES, *OF_ACCOUNTS, catalogue.ALERT_THRESHOLD, catalogue.CALENDAR_ACTIVE)
"""In the order of the exposition: both formats want a family's lines together."""


class Picture:
    """The texts of all families. Immutable to its readers; what they ask for is put together once."""

    def __init__(self, columns: Mapping[Definition, Texts], known: Mapping[Definition, Sequence[Block]]) -> None:
        self._columns = columns
        self._zipped: dict[bool, Beginning] = {}
        self.blocks = known
        """Compressed blocks: those of an earlier picture, until this one is asked for its own."""

    def plain(self, own: bytes, *, openmetrics: bool) -> bytes:
        """The body of an answer, with the exporter's own metrics behind."""
        heads = ((_head(each, openmetrics=openmetrics),) for each in FAMILIES)
        columns = (self._columns[each] for each in FAMILIES)
        return b"".join(chain(*chain(*zip(heads, columns, strict=True)), (own,)))

    def zipped(self, *, openmetrics: bool) -> Beginning:
        """All but the exporter's own metrics, compressed. Asked by one thread at a time: see Stand."""
        known = self._zipped.get(openmetrics)
        if known is None:
            if not self._zipped:
                self.blocks = {each: blocks(self._columns[each], self.blocks.get(each, ())) for each in FAMILIES}
            known = self._zipped[openmetrics] = beginning(self._parts(openmetrics), self._compressed(openmetrics))
        return known

    def with_others(self, terminals: Iterable[Texts], accounts: Iterable[Texts]) -> "Picture":
        """The same picture with other texts of terminals and accounts; what has not changed is not compressed again."""
        return Picture({**self._columns, **columns_of(terminals, accounts)}, self.blocks)

    def _parts(self, openmetrics: bool) -> Iterator[bytes]:
        for each in FAMILIES:
            yield _head(each, openmetrics=openmetrics)
            yield from self._columns[each]

    def _compressed(self, openmetrics: bool) -> Iterator[bytes]:
        for each in FAMILIES:
            yield _deflated_head(each, openmetrics=openmetrics)
            for block in self.blocks[each]:
                yield block.deflated


def columns_of(terminals: Iterable[Texts], accounts: Iterable[Texts]) -> dict[Definition, Texts]:
    """From texts by owner to texts by family."""
    columns: dict[Definition, Texts] = dict.fromkeys((*OF_TERMINALS, *OF_ACCOUNTS), ())
    columns.update(zip(OF_TERMINALS, zip(*terminals, strict=True), strict=False))
    columns.update(zip(OF_ACCOUNTS, zip(*accounts, strict=True), strict=False))
    return columns


@cache
def _head(definition: Definition, *, openmetrics: bool) -> bytes:
    return definition.metadata(openmetrics=openmetrics)


@cache
def _deflated_head(definition: Definition, *, openmetrics: bool) -> bytes:
    return deflated(_head(definition, openmetrics=openmetrics))
