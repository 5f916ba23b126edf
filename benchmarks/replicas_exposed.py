"""What a replica exposes, as far as `benchmarks.replicas` asks for it: of texts of a hundred megabytes."""

import gzip
import re
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.peers import Peer

Counted = Counter[tuple[bytes, bytes]]
"""Operations by terminal and outcome."""

_COUNTED = re.compile(
    rb'^epay_operations_total\{[^\n]*?outcome="(\w+)"[^\n]*?terminal="(\w+)"[^\n]*\} (\S+)', re.MULTILINE
)


@dataclass(frozen=True)
class Exposed:
    """A scrape: seconds until its last byte, and compressed bytes.

    shares: that are held. whole: terminals with all windows whole. compared: those whose closed hours have been read
    again.
    """

    seconds: float
    size: int
    series: int
    shares: int
    whole: int
    compared: int
    counted: Counted = field(default_factory=Counter)


def exposed(replica: Peer) -> Exposed:
    """Scrape as Prometheus does."""
    began = time.monotonic()
    body = replica.get("/metrics")
    took = time.monotonic() - began
    text = gzip.decompress(body)
    counted: Counted = Counter()
    for outcome, terminal, value in _COUNTED.findall(_family(text, b"epay_operations")):
        counted[terminal, outcome] += int(float(value))
    return Exposed(
        took,
        len(body),
        series=text.count(b"\n") - text.count(b"\n#"),
        shares=len(re.findall(rb"^epay_share_held\{[^\n]*\} 1", text, re.MULTILINE)),
        whole=len(re.findall(rb"\} 1", _family(text, b"epay_window_complete"))),
        compared=len(re.findall(rb"^epay_reconciliation_difference_operations\{", text, re.MULTILINE)),
        counted=counted,
    )


def _family(text: bytes, name: bytes) -> bytes:
    """The lines of one family, from its TYPE to the HELP of the next."""
    start = text.find(b"\n# TYPE " + name + b" ")
    if start < 0:
        return b""
    end = text.find(b"\n# HELP ", start)
    return text[start : end if end > 0 else len(text)]
