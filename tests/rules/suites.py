"""Rule files and their promtool tests in a directory of their own, cut down to what a mutant can reach.

A test of another alert cannot notice a change of this one, so it is left out; what is left decides as the whole would,
and an order of magnitude sooner.
"""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

from tests.rules.mutants import Document

ROOT: Final = Path(__file__).parents[2]
ALERTS: Final = ROOT / "grafana" / "alerts"
TESTS: Final = ALERTS / "tests"
PATIENCE: Final = 120
"""Seconds for one promtool process: the longest real one takes a few."""

Test = dict[str, Any]


def parsed(path: Path) -> Any:
    """A YAML file's content."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def written(path: Path, content: Any) -> None:
    """A YAML file with this content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000), encoding="utf-8")


def rule_files() -> list[Path]:
    """The shipped rule files."""
    return sorted(ALERTS.glob("*.yaml"))


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
        self._documents = {path.name: _without_others(parsed(path), names) for path in rule_files()}
        for name, document in self._documents.items():
            written(directory / name, document)
        self._tests: list[Path] = []
        for path in promtool_files():
            test = parsed(path)
            if file in {Path(name).name for name in test.get("rule_files", [])}:
                test["tests"] = [left for group in test["tests"] if (left := _left(group, names))]
                if test["tests"]:
                    written(directory / "tests" / path.name, test)
                    self._tests.append(directory / "tests" / path.name)
        self._tests.sort(key=lambda path: (not path.name.startswith(file.removesuffix(".yaml")), path.stat().st_size))

    def fails(self, changed: Document, names: set[str]) -> str | None:
        """The name of a test file that fails with the changed rules, or None: then nothing noticed."""
        written(self._directory / self._file, _without_others(changed, names))
        try:
            for path in self._tests:
                if not passes(path):
                    self._tests.remove(path)
                    self._tests.insert(0, path)  # it will probably notice the next one, too
                    return path.name
        finally:
            written(self._directory / self._file, self._documents[self._file])
        return None

    def broken(self) -> list[str]:
        """Test files that fail without any change."""
        return [path.name for path in self._tests if not passes(path)]


def passes(test: Path) -> bool:
    """Whether promtool is content with a test file. TimeoutExpired where it does not come back."""
    command = ["promtool", "test", "rules", test.name]
    done = subprocess.run(command, cwd=test.parent, capture_output=True, timeout=PATIENCE, check=False)
    return done.returncode == 0


def _without_others(document: Document, names: set[str]) -> Document:
    """All records, and the alerts among `names`. A group that loses all its rules goes as well."""
    groups = [
        group | {"rules": [rule for rule in group["rules"] if "record" in rule or rule["alert"] in names]}
        for group in document["groups"]
    ]
    return document | {"groups": [group for group in groups if group["rules"]]}


def _left(group: Test, names: set[str]) -> Test | None:
    """A test group with the cases on `names`; None where there are none."""
    alerts = [case for case in group.get("alert_rule_test", []) if case.get("alertname") in names]
    expressions = [
        case
        for case in group.get("promql_expr_test", [])
        if "ALERTS" in case["expr"] or any(name in case["expr"] for name in names)
    ]
    left = {key: value for key, value in group.items() if key not in {"alert_rule_test", "promql_expr_test"}}
    if alerts:
        left["alert_rule_test"] = alerts
    if expressions:
        left["promql_expr_test"] = expressions
    return left if alerts or expressions else None
