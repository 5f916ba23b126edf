"""Operations of one hour as columns: how a segment is written. Pure.

`ids`: 16 bytes each, in the order of the rows. `columns`: five bytes, the width of each column (0: all are zero, 8:
signed), then the columns, little-endian: microseconds since the hour began, series, amount, standing, details.
A packed segment is ordered by time, each time is written as the distance from the one before, a column's lowest bytes
stand together, then the next lowest, and all of `columns` is compressed by zlib: 5 bytes an operation instead of 9.
The standing is 0 counted, 1 followed, 2 exempt, or 3: gone, which undoes what earlier segments of the hour say.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Final, NamedTuple

from exporter.model import ID_BYTES, Standing

COUNTED: Final = 0
FOLLOWED: Final = 1
EXEMPT: Final = 2
GONE: Final = 3

CODES: Final = {Standing.COUNTED: COUNTED, Standing.FOLLOWED: FOLLOWED, Standing.EXEMPT: EXEMPT}
STANDINGS: Final = {code: standing for standing, code in CODES.items()}

_COLUMNS: Final = 5
_SIGNED: Final = 8
_FORMATS: Final = {1: "B", 2: "H", 4: "I", 8: "q"}
_ID: Final = struct.Struct(f"{ID_BYTES}s")
_only: Final = itemgetter(0)
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


def segment(
    ids: Iterable[bytes],
    created: Sequence[int],
    series: Sequence[int],
    amounts: Sequence[int],
    standings: Sequence[int],
    details: Sequence[int],
) -> Segment:
    """Columns of rows, one row at least, as they are written in a hurry. Raises OverflowError beyond 64 bits."""
    joined = b"".join(ids)
    if len(joined) != len(created) * ID_BYTES:
        raise ValueError("an id has other than 16 bytes")
    written = [_written(numbers) for numbers in (created, series, amounts, standings, details)]
    columns = bytes(len(column) // len(created) for column in written) + b"".join(written)
    return Segment(len(created), standings.count(FOLLOWED), 0, joined, columns)


def packed(rows: Iterable[Row]) -> Segment:
    """Rows, one at least, as small as they get. Raises OverflowError beyond 64 bits."""
    ids, created, *others = zip(*sorted(rows, key=_offset), strict=True)
    plain = segment(ids, (created[0], *(later - earlier for earlier, later in pairwise(created))), *others)
    columns, start = [plain.columns[:_COLUMNS]], _COLUMNS
    for width in plain.columns[:_COLUMNS]:
        end = start + width * plain.records
        columns += (plain.columns[start + byte : end : width] for byte in range(width))
        start = end
    return plain._replace(packed=1, columns=zlib.compress(b"".join(columns)))


def apart(rows: Sequence[Row]) -> Iterator[Segment]:
    """An hour's rows, of which no two are of one operation, packed: those that are followed behind the others.

    So a start finds them without reading the others.
    """
    followed = [row for row in rows if row[4] == FOLLOWED]
    others = [row for row in rows if row[4] != FOLLOWED]
    return (packed(some) for some in (others, followed) if some)


def rows(found: Segment) -> Iterator[Row]:
    """The rows of a segment. Raises Damaged."""
    if len(found.ids) != found.records * ID_BYTES:
        raise Damaged("ids are missing")
    try:
        columns = zlib.decompress(found.columns) if found.packed else found.columns
        created, series, amounts, standings, details = _read(columns, found.records, apart=bool(found.packed))
    except (zlib.error, struct.error, KeyError, ValueError) as error:
        raise Damaged(str(error)) from None
    offsets = accumulate(created) if found.packed else created
    return zip(each_id(found.ids), offsets, series, amounts, standings, details, strict=True)


def each_id(ids: bytes) -> Iterator[bytes]:
    """The ids of a segment, one by one. Raises Damaged."""
    if len(ids) % ID_BYTES:
        raise Damaged
    return map(_only, _ID.iter_unpack(ids))


def _written(numbers: Sequence[int]) -> bytes:
    if not any(numbers):
        return b""
    highest = max(numbers)
    for width in (1, 2, 4, 8):
        if highest < 1 << 8 * width or width == _SIGNED:
            with suppress(struct.error):  # some are negative
                return struct.pack(f"<{len(numbers)}{_FORMATS[width]}", *numbers)
    raise OverflowError("a number needs more than 64 bits")


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
