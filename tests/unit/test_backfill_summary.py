"""What is said at the end."""

from pathlib import Path

from exporter.backfill import Grid, summary
from exporter.backfill.spool import Tally
from exporter.backfill.writing import Written
from exporter.model import DAY, HOUR, MINUTE, Span
from tests.tools import NOW

GRID = Grid(NOW - DAY, NOW, MINUTE)


def test_where_nothing_is_amiss_it_is_one_line() -> None:
    lines = list(summary(Path("h.om"), GRID, Tally(1, 0, {"foreign": 0}, ()), Written(4, 3 * 1024 * 1024), NOW))

    assert lines == ["h.om: 1 operation from 2026-11-23T04:00:00Z to 2026-11-24T04:00:00Z, 4 series, 3.0 MiB"]


def test_what_was_left_out_has_a_line_each() -> None:
    tally = Tally(20, 3, {"foreign": 1, "date": 1, "amount": 2}, (("main/wallet", Span(NOW - HOUR, NOW)),))
    lines = list(summary(Path("h.om"), GRID, tally, Written(4, 2048), NOW - MINUTE))

    assert lines == [
        "h.om: 20 operations from 2026-11-23T04:00:00Z to 2026-11-24T04:00:00Z, 4 series, 2.0 KiB",
        "recent: operations created since 2026-11-24T03:59:00Z may still arrive, and are not in the file then",
        "left out: 3 operations still pending",
        "left out: 1 record of terminals that the configuration does not name",
        "left out: 3 records that could not be read (amount: 2, date: 1)",
        (
            "incomplete: main/wallet from 2026-11-24T03:00:00Z to 2026-11-24T04:00:00Z: "
            "what the bank lists does not add up to its own count"
        ),
        "what was read is kept: the same command with --force reads the incomplete spans again",
    ]


def test_a_small_file_is_told_in_bytes() -> None:
    (line,) = summary(Path("h.om"), GRID, Tally(0, 0, {}, ()), Written(0, 99), NOW)

    assert line.endswith("0 series, 99 bytes")
