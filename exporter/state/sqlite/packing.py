"""Operations of one hour as columns: how a segment is written. Pure.

`ids`: 16 bytes each, in the order of the rows. `columns`: five bytes, the width of each column (0: all are zero, 8:
signed), then the columns, little-endian: microseconds since the hour began, series, amount, standing, details.
A packed segment is ordered by time, each time is written as the distance from the one before, a column's lowest bytes
stand together, then the next lowest, and all of `columns` is compressed by zlib: 5 bytes an operation instead of 9.
The standing is 0 counted, 1 followed, 2 exempt, or 3: gone, which undoes what earlier segments of the hour say.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Final, NamedTuple

from exporter.model import Standing

ID_BYTES: Final = 16

COUNTED: Final = 0
FOLLOWED: Final = 1
EXEMPT: Final = 2
GONE: Final = 3

CODES: Final = {Standing.COUNTED: COUNTED, Standing.FOLLOWED: FOLLOWED, Standing.EXEMPT: EXEMPT}
STANDINGS: Final = {code: standing for standing, code in CODES.items()}

_COLUMNS: Final = 5
_FORMATS: Final = {1: "B", 2: "H", 4: "I", 8: "q"}
_ID: Final = struct.Struct(f"{ID_BYTES}s")
_offset: Final = itemgetter(1)

Row = tuple[bytes, int, int, int, int, int]
"""Id, microseconds since the hour began, number of the series, amount, standing as one of the codes, details."""


class Damaged(Exception):
    """What was read is no segment."""


class Segment(NamedTuple):
    """Operations of one hour as they are stored: how many, how many of them followed, and their columns."""

    records: int
    followed: int
    packed: int
    ids: bytes
    columns: bytes


def segment(rows: Sequence[Row], *, pack: bool = False) -> Segment:
    """Rows as a segment, one at least. Raises OverflowError where a number does not fit into 64 bits."""
    if pack:
        rows = sorted(rows, key=_offset)
    ids, created, series, amounts, standings, details = zip(*rows, strict=True)
    if pack:
        created = (created[0], *(later - earlier for earlier, later in pairwise(created)))
    written = [_written(numbers, apart=pack) for numbers in (created, series, amounts, standings, details)]
    columns = bytes(len(column) // len(rows) for column in written) + b"".join(written)
    return Segment(
        len(rows),
        standings.count(FOLLOWED),
        int(pack),
        b"".join(ids),
        zlib.compress(columns) if pack else columns,
    )


def apart(rows: Sequence[Row]) -> Iterator[Segment]:
    """An hour's rows, of which no two are of one operation, packed: those that are followed behind the others.

    So a start finds them without reading the others.
    """
    followed = [row for row in rows if row[4] == FOLLOWED]
    others = [row for row in rows if row[4] != FOLLOWED]
    return (segment(some, pack=True) for some in (others, followed) if some)


def rows(found: Segment) -> Iterator[Row]:
    """The rows of a segment. Raises Damaged."""
    if len(found.ids) != found.records * ID_BYTES:
        raise Damaged("ids are missing")
    try:
        columns = zlib.decompress(found.columns) if found.packed else found.columns
        created, series, *others = _read(columns, found.records, apart=bool(found.packed))
    except (zlib.error, struct.error, KeyError, ValueError) as error:
        raise Damaged(str(error)) from None
    offsets = accumulate(created) if found.packed else created
    return zip(each_id(found.ids), offsets, series, *others, strict=True)


def each_id(ids: bytes) -> Iterator[bytes]:
    """The ids of a segment, one by one."""
    return (id_ for (id_,) in _ID.iter_unpack(ids))


def _written(numbers: Sequence[int], *, apart: bool) -> bytes:
    lowest, highest = min(numbers), max(numbers)
    if lowest == highest == 0:
        return b""
    width = next((width for width in (1, 2, 4) if lowest >= 0 and highest < 1 << 8 * width), 8)
    try:
        plain = struct.pack(f"<{len(numbers)}{_FORMATS[width]}", *numbers)
    except struct.error:
        raise OverflowError(f"{highest} or {lowest} needs more than 64 bits") from None
    return b"".join(plain[byte::width] for byte in range(width)) if apart else plain


def _read(columns: bytes, records: int, *, apart: bool) -> Iterator[tuple[int, ...]]:
    start = _COLUMNS
    for width in columns[:_COLUMNS]:
        if width == 0:
            yield (0,) * records
            continue
        end = start + width * records
        plain = columns[start:end]
        if apart:
            joined = bytearray(len(plain))
            for byte in range(width):
                joined[byte::width] = plain[byte * records : (byte + 1) * records]
            plain = bytes(joined)
        yield struct.unpack(f"<{records}{_FORMATS[width]}", plain)
        start = end
