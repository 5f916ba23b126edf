"""A snapshot of as many series as a large fleet has, and how it moves on from poll to poll."""

import random
from collections.abc import Sequence
from dataclasses import replace

from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Checkpoint,
    Family,
    Instant,
    Outcome,
    SeriesKey,
    Snapshot,
    Supervision,
    Terminal,
    TerminalSnapshot,
    Total,
    Totals,
    WindowTally,
)

NOW = 1_790_000_000 * SECOND
WINDOWS = (5 * MINUTE, 15 * MINUTE, HOUR)
_CODES = (("00", "0", "none"), ("05", "484", "funds"), ("51", "51", "funds"), ("91", "454", "technical"))
_STATUSES = ((Outcome.SUCCESS, "ok"), (Outcome.FAILURE, "failed"), (Outcome.PENDING, "new"))


def fleet(terminals: int, seed: int = 0, now: Instant = NOW) -> Snapshot:
    """Terminals with a dozen kinds of operations each: some 160 series of each terminal."""
    chance = random.Random(seed)
    totals: dict[Total, int] = {}
    shown: list[TerminalSnapshot] = []
    for number in range(terminals):
        name = f"terminal-{number:04d}"
        keys = [SeriesKey(name, *status, *code) for status in _STATUSES for code in _CODES]
        for key in keys:
            count = chance.randrange(1, 50_000)
            totals[Total(Family.OPERATIONS, key)] = count
            totals[Total(Family.AMOUNT, (*key, "KZT"))] = count * chance.randrange(10_000, 9_000_000)
        for outcome, _ in _STATUSES[:2]:
            totals[Total(Family.AMOUNT_SUM, (name, outcome, "KZT"))] = chance.randrange(10**12)
            for bucket in range(13):
                totals[Total(Family.AMOUNT_BUCKET, (name, outcome, "KZT", str(bucket)))] = chance.randrange(9_000)
        totals[Total(Family.FINALIZATION_SUM, (name,))] = chance.randrange(10**10)
        for bucket in range(8):
            totals[Total(Family.FINALIZATION_BUCKET, (name, str(bucket)))] = chance.randrange(9_000)
        shown.append(_terminal(name, number, keys, chance, now))
    for kind in ("new", "repeated", "late"):
        totals[Total(Family.RECORDS, ("main", kind))] = chance.randrange(10**7)
    return Snapshot(1, now, 45 * SECOND, tuple(shown), Totals(totals), supervision=Supervision())


def _terminal(
    name: str, number: int, keys: Sequence[SeriesKey], chance: random.Random, now: Instant
) -> TerminalSnapshot:
    return TerminalSnapshot(
        terminal=Terminal(str(number), str(number), name, "main"),
        checkpoint=Checkpoint(now - DAY, now - DAY, now, now - SECOND),
        read=True,
        tried=True,
        failing=False,
        last_success=now,
        catching_up=False,
        window_complete=True,
        windows=_windows(keys, chance),
        pending=chance.randrange(9),
        oldest_pending=now - MINUTE,
    )


def _windows(keys: Sequence[SeriesKey], chance: random.Random) -> tuple[WindowTally, ...]:
    return tuple(
        WindowTally(
            window,
            {key: chance.randrange(1, 3_000) for key in keys},
            {(key, "KZT"): chance.randrange(10_000, 10**9) for key in keys},
            {(Outcome.SUCCESS, "KZT"): 5_000_000, (Outcome.FAILURE, "KZT"): chance.randrange(10**7)},
        )
        for window in WINDOWS
    )


def moved(snapshot: Snapshot, share: float, seed: int) -> Snapshot:
    """The next snapshot: that share of the terminals, spread over the fleet, has had operations of every kind.

    All of them have been polled, so the times of that have moved for each.
    """
    chance = random.Random(seed)
    terminals = list(snapshot.terminals)
    parts = dict(snapshot.totals.parts())
    busy = {
        terminals[place].terminal.name for place in chance.sample(range(len(terminals)), int(share * len(terminals)))
    }
    for place, each in enumerate(terminals):
        checkpoint = replace(each.checkpoint, watermark=each.checkpoint.watermark + 15 * SECOND)
        terminals[place] = replace(each, checkpoint=checkpoint, last_success=(each.last_success or 0) + 15 * SECOND)
        if each.terminal.name in busy:
            keys = list(each.windows[0].operations)
            terminals[place] = replace(terminals[place], windows=_windows(keys, chance))
    for owner, part in parts.items():
        if owner.name in busy or owner.is_account:
            parts[owner] = {total: value + chance.randrange(1, 1_000) for total, value in part.items()}
    return replace(
        snapshot,
        sequence=snapshot.sequence + 1,
        taken=snapshot.taken + 15 * SECOND,
        terminals=tuple(terminals),
        totals=Totals.of_parts(parts),
    )
