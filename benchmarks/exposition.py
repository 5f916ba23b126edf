"""What a scrape of a hundred thousand series costs, against prometheus_client with the same samples.

Both sides begin with a snapshot and end with the bytes of an answer. The other one is the way that prometheus_client
has for this, a custom collector, and what its own endpoint does to compress.
"""

import gc
import gzip
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest
from prometheus_client.registry import Collector

from benchmarks.bars import ROUNDS, Bar, Figure, Found, resident, spared
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


def _samples(body: bytes) -> dict[bytes, str]:
    """The numbers by series, whatever the order and the way that a number is written."""
    lines = (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).splitlines()
    parts = (line.rpartition(b" ") for line in lines if not line.startswith(b"#"))
    return {series: repr(float(value)) for series, _, value in parts}


def _sides(
    share: float, ours: Callable[[Exposition, Snapshot], bytes], finish: Callable[[bytes], bytes]
) -> tuple[int, Callable[[], bytes], Callable[[], bytes]]:
    """Both sides of a bar: each call of ours is a scrape after another poll, which changed that share of terminals."""
    first = fleet(TERMINALS)
    turns = list(accumulate(range(1, ROUNDS + 1), lambda before, seed: moved(before, share, seed), initial=first))
    exposition = Exposition()
    ours(exposition, first)
    left, right = iter(turns[1:]), iter(turns[1:])
    series = sum(not line.startswith(b"#") for line in generate_latest(Custom(first)).splitlines())
    return series, lambda: ours(exposition, next(left)), lambda: finish(generate_latest(Custom(next(right))))


def _plain(exposition: Exposition, snapshot: Snapshot) -> bytes:
    return exposition.plain(snapshot, NOW, snapshot.sequence, b"", openmetrics=False).body


def _zipped(exposition: Exposition, snapshot: Snapshot) -> bytes:
    return exposition.zipped(snapshot, NOW, snapshot.sequence, b"", openmetrics=False).body


def bars() -> Iterator[Bar | Figure]:
    """Rendering and compressing, with all and with a tenth of the terminals changed."""

    def same(a: bytes, b: bytes) -> bool:
        return _samples(a) == _samples(b)

    cases = [
        ("render 100k series, all changed", 1.0, _plain, bytes, 15.0, 22.0),
        ("render 100k series, a tenth changed", 0.1, _plain, bytes, 80.0, 150.0),
        ("gzip scrape of 100k series, a tenth changed", 0.1, _zipped, gzip.compress, 40.0, 80.0),
    ]
    for name, share, ours, finish, must, stretch in cases:
        series, left, right = _sides(share, ours, finish)
        with spared():
            yield Bar(f"{name}, against prometheus_client", "series", series, left, right, same, must, stretch)
    yield Figure("resident memory per series, beside prometheus_client's children", "B", _memory, must=400, stretch=250)


def _memory() -> Found:
    """Each side in processes of its own: ours with the snapshot and all that is kept of it."""
    ours, other = (statistics.median(_child(side) for _ in range(3)) for side in ("ours", "other"))
    return Found(ours, other)


def _child(side: str) -> int:
    done = subprocess.run([sys.executable, "-m", __name__, side], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _held(side: str) -> int:
    """What a fleet's series take in this process, on one of the sides."""
    empty = fleet(1)
    Exposition().zipped(empty, NOW, 1, b"", openmetrics=True)
    list(families(empty, NOW, 1))
    gc.collect()
    before = resident()
    if side == "ours":
        exposition, snapshot = Exposition(), fleet(TERMINALS)
        for turn in range(3):
            snapshot = moved(snapshot, 0.1, turn)
            exposition.zipped(snapshot, NOW, snapshot.sequence, b"", openmetrics=True)
        held: object = exposition
    else:
        registry = CollectorRegistry()
        names = ("terminal", "window", "outcome", "status", "code", "reason_code", "reason_class")
        gauge, series = Gauge("gauge", "Some gauge.", names, registry=registry), 0
        for terminal in range(TERMINALS * 2):
            for number in range(90):
                window, code = f"{number // 30}m", f"{number % 30:02d}"
                gauge.labels(f"terminal-{terminal:04d}", window, "success", "ok", code, "0", "none").set(number)
                series += 1
        held = registry
    gc.collect()
    taken = resident() - before
    if side == "ours":  # counted when nothing is measured any more: a body takes memory, too
        series = sum(not line.startswith(b"#") for line in _plain(exposition, snapshot).splitlines())
    del held
    return taken // series


if __name__ == "__main__":
    print(_held(sys.argv[1]))
