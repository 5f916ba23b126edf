"""What the rule files and their tests hold, as the tests on them want it."""

from functools import cache
from typing import Any, Final, NamedTuple

from tests.rules.suites import ROOT, parsed, promtool_files, rule_files

RUNBOOKS: Final = ROOT / "docs" / "runbooks.md"


class Rule(NamedTuple):
    """A rule and its file. `severity` is empty for the watchdog and for records."""

    file: str
    name: str
    severity: str
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.name} {self.severity}".strip()


@cache
def rules() -> list[Rule]:
    """Every rule, records included, in the order of the files."""
    return [
        Rule(path.name, rule.get("alert") or rule["record"], rule.get("labels", {}).get("severity", ""), rule)
        for path in rule_files()
        for group in parsed(path)["groups"]
        for rule in group["rules"]
    ]


@cache
def alerts() -> list[Rule]:
    """Every alert rule."""
    return [rule for rule in rules() if "alert" in rule.content]


@cache
def cases() -> list[dict[str, Any]]:
    """Every alert_rule_test of the promtool tests."""
    return [
        case
        for path in promtool_files()
        for group in parsed(path)["tests"]
        for case in group.get("alert_rule_test", [])
    ]


def runbook_alerts() -> list[str]:
    """The alerts that the runbooks have a heading for, in their order."""
    lines = RUNBOOKS.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("## ") for line in lines if line.startswith("## Epay")]
