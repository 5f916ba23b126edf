"""Which hours an id may be stored in, told from memory: almost always none, since most ids asked for are new.

Seven bytes an id where there are many (35 MB for five million), less than a megabyte where there are few. Ids are told
apart by Python's keyed hash, so that ids of a pattern spread as well as random ones. It is never wrong about an id that
is stored; about another it names an hour once in some ten million times, and the segments of that hour then tell.
"""

import struct
from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Final

_HASH: Final = 8
_CELL: Final = 6  # four bytes of the hash, two of the hour
_MARK: Final = "2x4s2x"
_FILLED: Final = struct.Struct("=H6s")


class Sieve:
    """Cells of ids, in a bucket for each value of the first two bytes of a hash."""

    def __init__(self) -> None:
        self._buckets = [b""] * (1 << 16)

    def add(self, ids: Sequence[bytes], hour: int) -> None:
        """Take in ids that are stored in an hour."""
        cells = bytearray(_hashes(ids))
        low, high = _code(hour)
        cells[6::_HASH] = bytes((low,)) * len(ids)
        cells[7::_HASH] = bytes((high,)) * len(ids)
        buckets = self._buckets
        for number, cell in _FILLED.iter_unpack(cells):
            buckets[number] += cell

    def hours(self, ids: Sequence[bytes], kept: Collection[int]) -> Iterator[tuple[bytes, int]]:
        """Those of these ids that may be stored, each with an hour; an id may come with several."""
        hashes = _hashes(ids)
        marks = struct.unpack("=" + _MARK * len(ids), hashes)
        held = list(map(self._buckets.__getitem__, memoryview(hashes).cast("H")[:: _HASH // 2].tolist()))
        found = list(map(bytes.find, held, marks))  # twice as quick as `in`, which takes a mark for a number first
        if max(found, default=-1) < 0:
            return
        by_code: dict[bytes, list[int]] = {}
        for hour in kept:
            by_code.setdefault(_code(hour), []).append(hour)
        for id_, bucket, mark, at in zip(ids, held, marks, found, strict=True):
            while at >= 0:
                if at % _CELL == 0:
                    for hour in by_code.get(bucket[at + 4 : at + _CELL], ()):
                        yield id_, hour
                at = bucket.find(mark, at + 1)

    def let_go(self, kept: Collection[int]) -> None:
        """Drop what no hour needs any more. A cell behind one that is needed waits for it."""
        codes = {_code(hour) for hour in kept}
        for number, bucket in enumerate(self._buckets):
            if bucket and bucket[4:_CELL] not in codes:
                start = _CELL
                while start < len(bucket) and bucket[start + 4 : start + _CELL] not in codes:
                    start += _CELL
                self._buckets[number] = bucket[start:]


def _hashes(ids: Sequence[bytes]) -> bytes:
    return array("q", map(hash, ids)).tobytes()


def _code(hour: int) -> bytes:
    return (hour & 0xFFFF).to_bytes(2, "little")
