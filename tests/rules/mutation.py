"""Mutation of the rules: `python -m tests.rules.mutation`, or `make mutation`.

Every mutant changes one thing in one rule; promtool runs the tests that load its file, and at least one must fail. What
survives is a threshold, a comparator, a time or a gate that could be changed without anybody noticing.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from tests.rules.equivalent import EQUIVALENT, Equivalent
from tests.rules.mutants import Mutant, mutants
from tests.rules.suites import Suite, parsed, promtool_files, reach, rule_files

LEAST: Final = 0.9
"""The share that must be killed, of each file and of all."""

_PROCESSES: Final = 2
_BATCH: Final = 24


class Batch(NamedTuple):
    """Mutants of one file that the same tests can notice: those on `names`."""

    file: str
    names: frozenset[str]
    mutants: tuple[Mutant, ...]


class Fate(NamedTuple):
    """What became of a mutant. `killer`: the test file that failed; None: it survived. `excuse`: why it may."""

    file: str
    mutant: Mutant
    killer: str | None
    excuse: str | None


class Trial(NamedTuple):
    """What became of mutants, and which tests fail on the rules as they are: those say nothing about theirs."""

    fates: tuple[Fate, ...]
    broken: tuple[str, ...]


def batches(chosen: Iterable[tuple[str, Mutant]]) -> list[Batch]:
    """Mutants by file and by what they can reach, in pieces small enough for two processes to share evenly."""
    documents = [parsed(path) for path in rule_files()]
    sorted_out: dict[tuple[str, frozenset[str]], list[Mutant]] = {}
    for file, mutant in chosen:
        name = str(mutant.changed.get("alert") or mutant.changed["record"])
        names = frozenset(reach(name, documents) if "record" in mutant.changed else {name})
        sorted_out.setdefault((file, names), []).append(mutant)
    return [
        Batch(file, names, tuple(found[start : start + _BATCH]))
        for (file, names), found in sorted_out.items()
        for start in range(0, len(found), _BATCH)
    ]


def all_mutants(files: Sequence[str] = ()) -> list[tuple[str, Mutant]]:
    """Every mutant with its file's name."""
    paths = [path for path in rule_files() if not files or path.name in files]
    return [(path.name, mutant) for path in paths for mutant in mutants(parsed(path))]


def sample(whole: Sequence[tuple[str, Mutant]], of_each_file: int, seed: int) -> list[tuple[str, Mutant]]:
    """Some of each file, chosen by their keys: a change of one rule leaves the choice among the others as it was."""
    chosen: list[tuple[str, Mutant]] = []
    for file in dict.fromkeys(name for name, _ in whole):
        own = [each for each in whole if each[0] == file]
        own.sort(key=lambda each: hashlib.sha256(f"{seed} {each[0]} {each[1].key}".encode()).digest())
        chosen += own[:of_each_file]
    return chosen


def trial(chosen: Iterable[tuple[str, Mutant]]) -> Trial:
    """Try mutants."""
    for path in promtool_files():
        parsed(path)
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(_PROCESSES) as pool:
        tried = list(pool.map(lambda each: _tried(Path(directory) / str(each[0]), each[1]), enumerate(batches(chosen))))
    return Trial(
        tuple(fate for each in tried for fate in each.fates),
        tuple(dict.fromkeys(b for each in tried for b in each.broken)),
    )


def _tried(directory: Path, batch: Batch) -> Trial:
    names = set(batch.names)
    suite = Suite(directory, batch.file, names)
    document = parsed(next(path for path in rule_files() if path.name == batch.file))
    if failed := suite.fails(document):
        return Trial((), (f"{failed} fails without a mutant ({batch.file})",))
    found = []
    for mutant in batch.mutants:
        killer = suite.fails(mutant.applied(document))
        excuse = excuse_of(batch.file, mutant) if killer is None else None
        found.append(Fate(batch.file, mutant, killer, excuse.reason if excuse else None))
    return Trial(tuple(found), ())


def excuse_of(file: str, mutant: Mutant) -> Equivalent | None:
    """The entry that calls a mutant equivalent."""
    return next((each for each in EQUIVALENT if each.file == file and mutant.key.startswith(each.key)), None)


def scores(tried: Sequence[Fate]) -> dict[str, float]:
    """File → share killed of those not excused; under `all` that of all."""
    counted = [fate for fate in tried if fate.excuse is None]
    files = {file: [fate for fate in counted if fate.file == file] for file in sorted({fate.file for fate in counted})}
    return {name: _killed(own) / len(own) for name, own in (files | {"all": counted}).items() if own}


def _killed(tried: Sequence[Fate]) -> int:
    return sum(fate.killer is not None for fate in tried)


def table(tried: Sequence[Fate]) -> str:
    """Mutants, killed, excused and score of each file."""
    lines = [f"{'file':<20}{'mutants':>9}{'killed':>9}{'excused':>9}{'score':>9}"]
    for name, score in scores(tried).items():
        own = [fate for fate in tried if name in {fate.file, "all"}]
        excused = sum(fate.excuse is not None for fate in own)
        lines.append(f"{name:<20}{len(own):>9}{_killed(own):>9}{excused:>9}{score:>9.1%}")
    return "\n".join(lines) + "\n"


def survivors(tried: Sequence[Fate]) -> str:
    """What nobody noticed, as differences."""
    return "".join(
        f"{fate.file}: {fate.mutant.rule}: {fate.mutant.change}\n"
        f"    - {fate.mutant.before}\n    + {fate.mutant.after or '(nothing)'}\n"
        for fate in tried
        if fate.killer is None and fate.excuse is None
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where enough are killed, 1 where not, 2 where tests fail by themselves."""
    parser = argparse.ArgumentParser(prog="python -m tests.rules.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", help="names of rule files; all by default")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants of each file, not all")
    parser.add_argument("--seed", type=int, default=1, help="another number is another sample")
    parser.add_argument("--survivors", type=Path, metavar="FILE", help="write what survived to this file as well")
    options = parser.parse_args(arguments)
    chosen = all_mutants(options.files)
    if options.sample:
        chosen = sample(chosen, options.sample, options.seed)
    tried, broken = trial(chosen)
    report = table(tried) + survivors(tried) + "".join(f"mutation: {line}\n" for line in broken)
    sys.stdout.write(report)
    if options.survivors:
        options.survivors.write_text(report, encoding="utf-8")
    if broken:
        return 2
    return 0 if all(score >= LEAST for score in scores(tried).values()) else 1


if __name__ == "__main__":
    sys.exit(main())
