"""Rule files and their promtool tests in a directory of their own, cut down to what a mutant can reach.

A test of another alert cannot notice a change of this one, so it is left out; what is left decides as the whole would,
and an order of magnitude sooner.
"""

import re
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.rules.mutants import Document

ROOT: Final = Path(__file__).parents[2]
ALERTS: Final = ROOT / "grafana" / "alerts"
TESTS: Final = ALERTS / "tests"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's where it is there: with the others, YAML would take longer than promtool."""

_LIKELY: Final = 3
"""So many tests are tried one by one before all others in one process."""

PATIENCE: Final = 120
"""Seconds for one promtool process: the longest real one takes a few."""

Test = dict[str, Any]


@cache
def parsed(path: Path) -> Any:
    """A YAML file's content, not to be changed. It is read once: who edits a rule meanwhile disturbs nobody."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)


def written(path: Path, content: Any) -> None:
    """A YAML file with this content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=10_000)
    path.write_text(text, encoding="utf-8")


@cache
def rule_files() -> list[Path]:
    """The shipped rule files."""
    return sorted(ALERTS.glob("*.yaml"))


@cache
def promtool_files() -> list[Path]:
    """The promtool tests."""
    return sorted(TESTS.glob("*.test.yaml"))


def loaded_by(test: Path) -> set[str]:
    """Names of the rule files that a test file loads."""
    return {Path(name).name for name in parsed(test).get("rule_files", [])}


def reach(record: str, documents: Iterable[Document]) -> set[str]:
    """Names of the alerts and records that a record's value can change, itself included."""
    rules = [rule for document in documents for group in document["groups"] for rule in group["rules"]]
    reached = {record}
    while True:
        pattern = re.compile("|".join(rf"(?<![\w:]){re.escape(name)}(?![\w:])" for name in reached))
        users = {str(rule.get("alert") or rule["record"]) for rule in rules if pattern.search(str(rule["expr"]))}
        if users <= reached:
            return reached
        reached |= users


class Suite:
    """The tests that can notice a change of one of `names` in one rule file, standing in `directory`."""

    def __init__(self, directory: Path, file: str, names: set[str]) -> None:
        self._directory = directory
        self._file = file
        whole = {path.name: parsed(path) for path in rule_files()}
        tests = {path.name: _left_of(parsed(path), names) for path in promtool_files() if file in loaded_by(path)}
        self._kept = _needed(whole.values(), names, tests.values())
        self._document = _without_others(whole[file], self._kept)
        for name, document in whole.items():
            written(directory / name, _without_others(document, self._kept))
        self._tests: list[Path] = []
        for name, test in tests.items():
            for number, group in enumerate(test["tests"]):
                path = directory / "tests" / f"{name.removesuffix('.test.yaml')}-{number}.test.yaml"
                written(path, test | {"tests": [group]})
                self._tests.append(path)
        self._tests.sort(key=lambda path: not path.name.startswith(file.removesuffix(".yaml")))

    def fails(self, changed: Document) -> str | None:
        """The name of a test that fails with the changed rules, or None: then nothing noticed."""
        written(self._directory / self._file, _without_others(changed, self._kept))
        try:
            failed = next((path for path in self._tests[:_LIKELY] if failures([path])), None)
            if failed is None:
                failed = next(iter(failures(self._tests[_LIKELY:])), None)
        finally:
            written(self._directory / self._file, self._document)
        if failed is None:
            return None
        self._tests.remove(failed)
        self._tests.insert(0, failed)  # it will probably notice the next one, too
        return failed.name


def failures(tests: Sequence[Path]) -> list[Path]:
    """Which of the test files of one directory fail. TimeoutExpired where promtool does not come back."""
    if not tests:
        return []
    command = ["promtool", "test", "rules", *(path.name for path in tests)]
    done = subprocess.run(
        command, cwd=tests[0].parent, capture_output=True, timeout=PATIENCE, check=False, text=True, encoding="utf-8"
    )
    if done.returncode == 0:
        return []
    by_name = {path.name: path for path in tests}
    reports = re.split(r"^Unit Testing: +(.*)$", done.stdout + done.stderr, flags=re.MULTILINE)
    succeeded = {
        by_name[name] for name, report in zip(reports[1::2], reports[2::2], strict=True) if "SUCCESS" in report
    }
    return [path for path in tests if path not in succeeded]


def _needed(documents: Iterable[Document], names: set[str], tests: Iterable[Test]) -> set[str]:
    """The names, and those of the rules that they or the tests' expressions ask for, however indirectly: of records by
    their name, of alerts by what ALERTS is asked for.
    """
    asks: dict[str, set[str]] = {}
    for rule in (rule for document in documents for group in document["groups"] for rule in group["rules"]):
        asked = _words(f"{rule['expr']} {' '.join(rule.get('annotations', {}).values())}")
        asks.setdefault(rule.get("record") or rule["alert"], set()).update(asked)
    wanted = set(names)
    for test in tests:
        for group in test["tests"]:
            wanted |= {word for case in group.get("promql_expr_test", []) for word in _words(case["expr"])}
    found: set[str] = set()
    while wanted - found:
        name = (wanted - found).pop()
        found.add(name)
        wanted |= asks.get(name, set())
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-zA-Z_][\w:]*", text))


def _without_others(document: Document, kept: set[str]) -> Document:
    """The rules whose names are kept. A group that loses all its rules goes as well."""
    groups = [
        group | {"rules": [rule for rule in group["rules"] if rule.get("record", rule.get("alert")) in kept]}
        for group in document["groups"]
    ]
    return document | {"groups": [group for group in groups if group["rules"]]}


def _left_of(test: Test, names: set[str]) -> Test:
    """A test file with the cases on `names` only."""
    return test | {"tests": [left for group in test["tests"] if (left := _left(group, names))]}


def _left(group: Test, names: set[str]) -> Test | None:
    """A test group with the cases on `names`; None where there are none."""
    alerts = [case for case in group.get("alert_rule_test", []) if case.get("alertname") in names]
    expressions = [case for case in group.get("promql_expr_test", []) if names & _words(case["expr"])]
    left = {key: value for key, value in group.items() if key not in {"alert_rule_test", "promql_expr_test"}}
    if alerts:
        left["alert_rule_test"] = alerts
    if expressions:
        left["promql_expr_test"] = expressions
    return left if alerts or expressions else None
