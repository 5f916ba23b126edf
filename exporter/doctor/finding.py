"""What the doctor says: findings, the lines of configuration that follow from them, and how it all ended."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from exporter.config.records import Account, Paging, TerminalFilter, TokenBody
from exporter.model import Terminal


class Verdict(StrEnum):
    """What a finding asks of a person: nothing, a changed line, patience, or a look at something that is wrong."""

    OK = "ok"
    CHANGE = "change"
    UNKNOWN = "unknown"
    PROBLEM = "problem"


class Place(StrEnum):
    """Where in the file a line belongs."""

    ACCOUNT = "account"
    TERMINAL = "terminal"
    POLL = "poll"
    OUTCOMES = "outcomes"
    REASON_CODES = "reason_codes"


@dataclass(frozen=True, slots=True)
class Line:
    """One key and its value; `terminal` is whose, where it belongs to one."""

    place: Place
    key: str
    value: str | int
    terminal: Terminal | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question, and how it is known. Texts hold counts and codes, never a record's content.

    `lines` differ from the present configuration where the verdict is `change`, and confirm it otherwise.
    """

    question: str
    verdict: Verdict
    answer: str
    evidence: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountReport:
    """All that was found out about an account. `obstacle`: why it could not be examined, empty where it could."""

    account: str
    requests: int
    findings: tuple[Finding, ...]
    obstacle: str = ""

    @property
    def changes(self) -> tuple[Line, ...]:
        """The lines that differ from the present configuration."""
        return tuple(line for found in self.findings if found.verdict is Verdict.CHANGE for line in found.lines)


def exit_code(reports: Iterable[AccountReport]) -> int:
    """0: nothing to change; 1: something is; 2: an account could not be examined."""
    reports = tuple(reports)
    if any(report.obstacle for report in reports):
        return 2
    asking = (Verdict.CHANGE, Verdict.PROBLEM)
    return int(any(found.verdict in asking for report in reports for found in report.findings))


_KINDS: Final[dict[str, type[str]]] = {
    "token_body": TokenBody,
    "period_field": str,
    "terminal_filter": TerminalFilter,
    "paging": Paging,
}


def amended(account: Account, lines: Iterable[Line]) -> Account:
    """The account as these lines would have it: what is asked next relies on what was found before."""
    for line in lines:
        if line.place is Place.ACCOUNT:
            changes: dict[str, Any] = {line.key: _KINDS[line.key](line.value)}
            account = replace(account, **changes)
        elif line.place is Place.TERMINAL and line.terminal is not None:
            change: dict[str, Any] = {line.key: str(line.value)}
            name = line.terminal.name
            account = replace(
                account,
                terminals=tuple(replace(each, **change) if each.name == name else each for each in account.terminals),
            )
    return account
