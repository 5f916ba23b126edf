"""What several tests need: a tool of the system's, and snapshots made by hand."""

import os
import shutil
from collections.abc import Mapping, Sequence

import pytest

from exporter.model import (
    HOUR,
    MINUTE,
    SECOND,
    Checkpoint,
    Forecast,
    Instant,
    Outcome,
    SeriesKey,
    Snapshot,
    Terminal,
    TerminalSnapshot,
    Total,
    Totals,
    Trouble,
    WindowTally,
)

NOW: Instant = 1_795_492_800 * SECOND
"""2026-11-24T04:00:00Z."""

WINDOWS = (5 * MINUTE, 15 * MINUTE, HOUR)


def require(command: str, package: str) -> str:
    """The path of a command. Where it is missing the test is skipped, and with CI=true it fails: a check that CI
    leaves out without a word is none."""
    path = shutil.which(command)
    if path is None:
        text = f"{command} is not installed: apt-get install --no-install-recommends {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    return path


COUNTED_IN_DAYS = (
    b'epay_active_days use base unit "seconds" instead of "days"\n'
    b'epay_baseline_weeks use base unit "seconds" instead of "weeks"\n'
)
"""What promtool says of the metrics that are numbers of days and weeks, not durations."""


def series(
    terminal: str,
    outcome: Outcome,
    status: str = "ok",
    code: str = "00",
    reason_code: str = "0",
    reason_class: str = "none",
) -> SeriesKey:
    """A series' labels; by default those of an ordinary success."""
    return SeriesKey(terminal, outcome, status, code, reason_code, reason_class)


def tally(window: int, counts: Mapping[SeriesKey, int] | None = None, amount: int = 150_000) -> WindowTally:
    """A window in which every operation is of the same amount in tenge."""
    counts = counts or {}
    return WindowTally(
        window=window,
        operations=counts,
        amounts={(key, "KZT"): count * amount for key, count in counts.items()},
        largest={(key.outcome, "KZT"): amount for key in counts},
    )


def terminal_snapshot(
    name: str = "wallet",
    *,
    account: str = "main",
    terminal_id: str = "98151552",
    labels: Mapping[str, str] | None = None,
    windows: Sequence[WindowTally] | None = None,
    read: bool = True,
    tried: bool = True,
    failing: bool = False,
    last_success: Instant | None = NOW - 5 * SECOND,
    catching_up: bool = False,
    window_complete: bool = True,
    pending: int = 0,
    oldest_pending: Instant | None = None,
    newest: Instant | None = NOW - 12 * SECOND,
    trouble: Trouble | None = None,
    forecast: Forecast | None = None,
) -> TerminalSnapshot:
    """A terminal that is well, but for what is said."""
    return TerminalSnapshot(
        terminal=Terminal(id=terminal_id, number=terminal_id, name=name, account=account, labels=labels or {}),
        checkpoint=Checkpoint(
            counting_since=NOW - 24 * HOUR,
            covered_from=NOW - 25 * HOUR,
            watermark=NOW - 20 * SECOND,
            newest=newest,
        ),
        read=read,
        tried=tried,
        failing=failing,
        last_success=last_success,
        catching_up=catching_up,
        window_complete=window_complete,
        windows=tuple(windows) if windows is not None else tuple(tally(window) for window in WINDOWS),
        pending=pending,
        oldest_pending=oldest_pending,
        trouble=trouble,
        forecast=forecast,
    )


def snapshot(
    *terminals: TerminalSnapshot,
    totals: Mapping[Total, int] | None = None,
    born: Mapping[Total, int] | None = None,
    sequence: int = 10,
) -> Snapshot:
    """A snapshot taken just now, of polls every 15 seconds."""
    return Snapshot(
        sequence=sequence,
        taken=NOW - SECOND,
        stale_after=45 * SECOND,
        terminals=terminals,
        totals=Totals(totals),
        born=Totals(born),
    )
