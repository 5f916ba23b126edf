"""The bank's history as OpenMetrics with its own timestamps, for Prometheus to make blocks from.

Read in spans, kept in `FILE.partial` as it is read, and written at the end: so it can be interrupted at any point.
"""

from exporter.backfill.instants import WhenInvalid, instant, written
from exporter.backfill.lanes import Lane, lanes
from exporter.backfill.progress import Progress, Silence
from exporter.backfill.reading import LaneReader
from exporter.backfill.samples import LONGEST_STEP, Grid
from exporter.backfill.sieve import Sieve
from exporter.backfill.spool import Spool, SpoolUnusable, partial_of
from exporter.backfill.summary import summary
from exporter.backfill.task import Wanted
from exporter.backfill.writing import OutputExists, write

__all__ = [
    "LONGEST_STEP",
    "Grid",
    "Lane",
    "LaneReader",
    "OutputExists",
    "Progress",
    "Sieve",
    "Silence",
    "Spool",
    "SpoolUnusable",
    "Wanted",
    "WhenInvalid",
    "instant",
    "lanes",
    "partial_of",
    "summary",
    "write",
    "written",
]
