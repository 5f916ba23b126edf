"""What is said at the end, in one line, and a further one for each thing that somebody should know."""

from collections.abc import Iterator
from pathlib import Path

from exporter.backfill.instants import written
from exporter.backfill.samples import Grid
from exporter.backfill.sieve import FOREIGN
from exporter.backfill.spool import Tally
from exporter.backfill.writing import Written
from exporter.model import Instant


def summary(output: Path, grid: Grid, tally: Tally, done: Written, moving_since: Instant) -> Iterator[str]:
    """The lines for a person; nothing in them is secret or personal.

    `moving_since`: what was created later may still arrive, or change its status.
    """
    yield (
        f"{output}: {_number(tally.counted, 'operation')} from {written(grid.start)} to {written(grid.end)}, "
        f"{done.series} series, {_size(done.size)}"
    )
    if grid.end > moving_since:
        yield f"recent: operations created since {written(moving_since)} may still arrive, and are not in the file then"
    if tally.pending:
        yield f"left out: {_number(tally.pending, 'operation')} still pending"
    foreign = tally.strangers.get(FOREIGN, 0)
    if foreign:
        yield f"left out: {_number(foreign, 'record')} of terminals that the configuration does not name"
    rejected = {kind: count for kind, count in tally.strangers.items() if kind != FOREIGN}
    if rejected:
        reasons = ", ".join(f"{kind}: {count}" for kind, count in sorted(rejected.items()))
        yield f"left out: {_number(sum(rejected.values()), 'record')} that could not be read ({reasons})"
    for lane, span in tally.incomplete:
        yield (
            f"incomplete: {lane} from {written(span.start)} to {written(span.end)}: "
            "what the bank lists does not add up to its own count"
        )
    if tally.incomplete:
        yield "what was read is kept: the same command with --force reads the incomplete spans again"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _size(size: int) -> str:
    return (
        f"{size} bytes" if size < 1024 else f"{size / 1024:.1f} KiB" if size < 1024**2 else f"{size / 1024**2:.1f} MiB"
    )
