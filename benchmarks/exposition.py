"""What a scrape of a hundred thousand series costs, against prometheus_client with the same samples.

Both sides begin with a snapshot and end with the bytes of an answer. The other one is the way that prometheus_client
has for this, a custom collector, and what its own endpoint does to compress.
"""

import gzip
from collections.abc import Callable, Iterator
from itertools import cycle

from prometheus_client import Metric, generate_latest
from prometheus_client.registry import Collector

from benchmarks.bars import Bar
from benchmarks.fleet_of_series import NOW, fleet, moved
from exporter.exposition import Exposition
from exporter.model import Snapshot
from tests.plain.families import families

TERMINALS = 620
"""Some hundred thousand series."""


class Custom(Collector):
    """A snapshot as a collector."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Families with their samples."""
        return families(self._snapshot, NOW, self._snapshot.sequence)


def _lines(body: bytes) -> list[bytes]:
    return sorted((gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).splitlines())


def _sides(
    share: float, ours: Callable[[Exposition, Snapshot], bytes], finish: Callable[[bytes], bytes]
) -> tuple[int, Callable[[], bytes], Callable[[], bytes]]:
    """Both sides of a bar: each call of ours is a scrape after another poll, which changed that share of terminals."""
    first = fleet(TERMINALS)
    turns = [moved(first, share, 1)]
    turns.append(moved(turns[0], share, 2))
    turns.append(moved(turns[1], share, 3))
    exposition = Exposition()
    ours(exposition, turns[-1])
    left, right = cycle(turns), cycle(turns)
    series = sum(not line.startswith(b"#") for line in generate_latest(Custom(first)).splitlines())
    return series, lambda: ours(exposition, next(left)), lambda: finish(generate_latest(Custom(next(right))))


def _plain(exposition: Exposition, snapshot: Snapshot) -> bytes:
    return exposition.plain(snapshot, NOW, snapshot.sequence, b"", openmetrics=False)


def _zipped(exposition: Exposition, snapshot: Snapshot) -> bytes:
    return exposition.zipped(snapshot, NOW, snapshot.sequence, b"", openmetrics=False)


def bars() -> list[Bar]:
    """Rendering and compressing, with all and with a tenth of the terminals changed."""

    def same(a: bytes, b: bytes) -> bool:
        return _lines(a) == _lines(b)

    cases = [
        ("render 100k series, all changed", 1.0, _plain, bytes, 15.0, 22.0),
        ("render 100k series, a tenth changed", 0.1, _plain, bytes, 80.0, 150.0),
        ("gzip scrape of 100k series, a tenth changed", 0.1, _zipped, gzip.compress, 40.0, 80.0),
    ]
    found = []
    for name, share, ours, finish, must, stretch in cases:
        series, left, right = _sides(share, ours, finish)
        found.append(Bar(f"{name}, against prometheus_client", "series", series, left, right, same, must, stretch))
    return found
