"""What both ways make of a snapshot, and how to compare it."""

import gzip
from collections import Counter

from exporter.exposition import Exposition, is_openmetrics, render
from exporter.model import Instant, Snapshot
from tests.plain.families import families

TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def body_of(
    snapshot: Snapshot, now: Instant, exposed: int = 10, accept: str = TEXT, exposition: Exposition | None = None
) -> bytes:
    """What a scraper gets, when the exporter has no metrics of its own; compressed it is the same."""
    own, content_type = render([], accept)
    openmetrics = is_openmetrics(content_type)
    exposition = exposition or Exposition()
    plain, sequence = exposition.plain(snapshot, now, exposed, own, openmetrics=openmetrics)
    zipped = exposition.zipped(snapshot, now, exposed, own, openmetrics=openmetrics)
    assert (gzip.decompress(zipped.body), zipped.sequence) == (plain, sequence)
    return plain


def plain_body_of(snapshot: Snapshot, now: Instant, exposed: int = 10, accept: str = TEXT) -> bytes:
    """What prometheus_client makes of the same."""
    return render([families(snapshot, now, exposed)], accept)[0]


def by_family(body: bytes) -> dict[bytes, Counter[bytes]]:
    """The lines of each family, told by its first line; their order within the family is nobody's business.

    Numbers stand as Python writes them: of the same double the formats allow `1.25e+06` and `1250000.0`.
    """
    found: dict[bytes, Counter[bytes]] = {}
    lines = Counter[bytes]()
    for line in body.split(b"\n"):
        if line.startswith((b"# HELP ", b"# EOF")):
            assert line not in found, f"twice: {line!r}"
            lines = found[line] = Counter()
        else:
            lines[_with_plain_number(line)] += 1
    return found


def _with_plain_number(line: bytes) -> bytes:
    if not line or line.startswith(b"#"):
        return line
    series, _, value = line.rpartition(b" ")
    return series + b" " + repr(float(value)).encode()
