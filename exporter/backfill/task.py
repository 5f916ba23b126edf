"""What a command asks for, and whether it is what another one has begun."""

import json
from dataclasses import dataclass

from exporter.backfill.instants import written
from exporter.backfill.samples import Grid
from exporter.config import format_duration


class TaskDiffers(Exception):
    """What was begun is not what is wanted; the text names what it was begun with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command asks for. `start` and `end` as they are written, for `now` is another time on the next run.

    `meaning` stands for the tables that labels come from: totals of two meanings must not be mixed.
    """

    start: str
    end: str
    grid: Grid
    terminals: tuple[str, ...]
    meaning: str


def told(wanted: Wanted) -> str:
    """A task as text, to be kept."""
    start, end, step = wanted.grid
    return json.dumps(
        {
            "from": [wanted.start, start],
            "to": [wanted.end, end],
            "step": step,
            "terminals": wanted.terminals,
            "meaning": wanted.meaning,
        },
        ensure_ascii=False,
    )


def resumed(text: str, wanted: Wanted) -> Grid:
    """The grid that a told task was begun with, where the wanted one is the same: `now` stays what it was then.

    Raises TaskDiffers.
    """
    begun = json.loads(text)
    differences = []
    start, end, step = wanted.grid
    for flag, said, meant in (("from", wanted.start, start), ("to", wanted.end, end)):
        before, moment = begun[flag]
        if said != before and meant != moment:
            differences.append(f"--{flag}={before} ({written(moment)}), not {said}")
    if step != begun["step"]:
        differences.append(f"--step={format_duration(begun['step'])}, not {format_duration(step)}")
    if list(wanted.terminals) != begun["terminals"]:
        differences.append("other terminals in the configuration")
    if wanted.meaning != begun["meaning"]:
        differences.append("other outcomes, reason_codes or limits in the configuration")
    if differences:
        raise TaskDiffers("; ".join(differences))
    return Grid(begun["from"][1], begun["to"][1], step)
