"""The output: OpenMetrics, family by family, series by series, each ascending in time, put in place when it is whole.

promtool 2.42 takes samples in any order of series and drops without a word those that go back in time; OpenMetrics
itself forbids to interleave series, and other readers hold to it. So one series follows the other.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from exporter.backfill.progress import Progress
from exporter.backfill.samples import running_totals
from exporter.backfill.spool import Spool
from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.counters import PLACEHOLDER_CURRENCY, placeholder_keys
from exporter.exposition.numbers import major
from exporter.model import SECOND, Outcome, SeriesKey

_LINES_AT_ONCE: Final = 5_000
_HELP: Final = "Backfilled from the bank's history, by the operations' own time; counts from the start of the backfill."

_Labels = tuple[str, ...]


class OutputExists(Exception):
    """There is a file already, and nobody has allowed to replace it."""

    def __init__(self, output: Path) -> None:
        super().__init__(f"{output} exists already: name another file, or add --force to replace it")


@dataclass(slots=True)
class Written:
    """What was written."""

    series: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Series:
    """A series of the output: the partial file's numbers that make it up. `expected`: it exists from the start."""

    labels: _Labels
    numbers: tuple[int, ...]
    expected: bool


async def write(spool: Spool, terminals: Sequence[str], output: Path, progress: Progress, *, force: bool) -> Written:
    """Write what the partial file holds; until the end there is only a file with another name. Raises OutputExists."""
    _check(output, force)
    done, unfinished = Written(), output.with_name(f"{output.name}.tmp")
    spool.prepare()
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            for definition, plan in _families(spool, terminals):
                name = definition.name.removesuffix("_total")
                file.write(f"# HELP {name} {_HELP}\n# TYPE {name} counter\n")
                for position, series in enumerate(plan, start=1):
                    lines = _lines(spool, definition, series)
                    while chunk := "".join(islice(lines, _LINES_AT_ONCE)):
                        file.write(chunk)
                        await asyncio.sleep(0)  # signals are heard here
                    done.series += 1
                    progress.wrote(position, len(plan))
            file.write("# EOF\n")
            file.flush()
            os.fsync(file.fileno())
            done.size = file.tell()
        _check(output, force)
        unfinished.replace(output)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    return done


def _check(output: Path, force: bool) -> None:
    if output.exists() and not force:
        raise OutputExists(output)


def _families(spool: Spool, terminals: Sequence[str]) -> Iterator[tuple[Definition, list[_Series]]]:
    """Both counters, and the series of each in the order of their labels, whatever the order of the reading."""
    found = {pair: number for pair, number in spool.series().items() if pair[0].outcome is not Outcome.PENDING}
    expected = [key for name in terminals for key in placeholder_keys(name)]
    operations: dict[_Labels, tuple[int, ...]] = dict.fromkeys(expected, ())
    amounts: dict[_Labels, tuple[int, ...]] = {(*key, PLACEHOLDER_CURRENCY): () for key in expected}
    for (key, currency), number in found.items():
        operations[key] = (*operations.get(key, ()), number)
        amounts[*key, currency] = (number,)
    yield catalogue.OPERATIONS, _planned(spool, operations, expected)
    yield catalogue.OPERATIONS_AMOUNT, _planned(spool, amounts, expected)


def _planned(spool: Spool, numbers: dict[_Labels, tuple[int, ...]], expected: Sequence[SeriesKey]) -> list[_Series]:
    """Without series that were met once and hold nothing any more, because every status has changed since."""
    from_start = {*expected, *((*key, PLACEHOLDER_CURRENCY) for key in expected)}
    every = [_Series(labels, numbers[labels], labels in from_start) for labels in sorted(numbers)]
    return [each for each in every if each.expected or next(spool.increments(each.numbers), None) is not None]


def _lines(spool: Spool, definition: Definition, series: _Series) -> Iterator[str]:
    pairs = zip(definition.labels, series.labels, strict=True)
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    head = f"{definition.name}{{{labels}}}"
    increments = spool.increments(series.numbers)
    if definition is catalogue.OPERATIONS:
        counted = ((created, 1) for created, _ in increments)
        for moment, total in running_totals(counted, spool.grid, from_start=series.expected):
            yield f"{head} {total} {moment // SECOND}\n"
        return
    currency = series.labels[-1]
    for moment, total in running_totals(increments, spool.grid, from_start=series.expected):
        yield f"{head} {_number(major(total, currency))} {moment // SECOND}\n"


def _number(value: float) -> str:
    """The shortest text that is read back as the same number."""
    return str(int(value)) if value.is_integer() else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
