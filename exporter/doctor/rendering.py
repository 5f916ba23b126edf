"""Reports as text for a person, as JSON for a program, and all changes as one piece of YAML."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from exporter.doctor.finding import AccountReport, Finding, Line, Place, Verdict

_WORD: Final = re.compile(r"[a-z][a-z_-]*", re.ASCII)
_TYPED: Final = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def configuration(lines: Sequence[Line]) -> str | None:
    """The lines of one finding on one line of YAML; None where none follow."""
    if not lines:
        return None
    by_place: dict[Place, list[Line]] = {}
    for line in lines:
        by_place.setdefault(line.place, []).append(line)
    parts = [*(f"{line.key}: {_scalar(line.value)}" for line in by_place.pop(Place.ACCOUNT, []))]
    terminals = _terminals(by_place.pop(Place.TERMINAL, []))
    if terminals:
        parts.append(f"terminals: [{', '.join('{' + ', '.join(entry) + '}' for entry in terminals)}]")
    for place, rest in by_place.items():
        pairs = ", ".join(f"{_key(line)}: {_scalar(line.value)}" for line in rest)
        parts.append(f"{place}: {{{pairs}}}")
    return "; ".join(parts)


def snippet(reports: Iterable[AccountReport]) -> str:
    """All changes as YAML to be merged into the file; empty where there are none."""
    accounts: list[str] = []
    shared: dict[Place, dict[str, str]] = {}
    smallest: int | None = None
    for report in reports:
        own = [line for line in report.changes if line.place in (Place.ACCOUNT, Place.TERMINAL)]
        accounts += _account(report.account, own)
        for line in report.changes:
            if line.place is Place.POLL:  # one setting for all accounts: the smallest page serves each of them
                smallest = int(line.value) if smallest is None else min(smallest, int(line.value))
                shared.setdefault(Place.POLL, {})[_key(line)] = str(smallest)
            elif line.place in (Place.OUTCOMES, Place.REASON_CODES):
                shared.setdefault(line.place, {})[_key(line)] = _scalar(line.value)
    text = ["accounts:", *accounts] if accounts else []
    for place, pairs in shared.items():
        text += [f"{place}:", *(f"  {key}: {value}" for key, value in pairs.items())]
    return "\n".join(text)


def _account(name: str, lines: Sequence[Line]) -> list[str]:
    if not lines:
        return []
    text = [f"  - name: {_scalar(name)}"]
    text += [f"    {line.key}: {_scalar(line.value)}" for line in lines if line.place is Place.ACCOUNT]
    terminals = _terminals([line for line in lines if line.place is Place.TERMINAL])
    if terminals:
        text.append("    terminals:  # these entries change, by their names")
    for first, *rest in terminals:
        text += [f"      - {first}", *(f"        {pair}" for pair in rest)]
    return text


def _terminals(lines: Iterable[Line]) -> list[list[str]]:
    """By terminal: id, number and name as they should stand there."""
    entries: dict[str, dict[str, str]] = {}
    for line in lines:
        if line.terminal is not None:
            known = {"id": line.terminal.id, "number": line.terminal.number, "name": line.terminal.name}
            entries.setdefault(line.terminal.name, known)[line.key] = str(line.value)
    # Ids and numbers always in quotes: YAML would take some of them for numbers.
    return [
        [f"id: {_quoted(entry['id'])}", f"number: {_quoted(entry['number'])}", f"name: {_scalar(entry['name'])}"]
        for entry in entries.values()
    ]


def _key(line: Line) -> str:
    return line.key if line.place is Place.POLL else _quoted(line.key)


def _scalar(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return str(value) if _WORD.fullmatch(value) and value not in _TYPED else _quoted(value)


def _quoted(text: str) -> str:
    """In double quotes, where YAML understands all that JSON does; a literal ${ is no variable."""
    return json.dumps(str(text).replace("${", "$${"), ensure_ascii=False)


def as_json(reports: Iterable[AccountReport], offline: Sequence[dict[str, Any]] = ()) -> str:
    """The reports for a program; `offline` are the findings of the check without the bank."""
    accounts = [
        {
            "account": report.account,
            "requests": report.requests,
            "findings": [
                {
                    "question": found.question,
                    "verdict": str(found.verdict),
                    "answer": found.answer,
                    "evidence": found.evidence,
                    "configuration": configuration(found.lines),
                }
                for found in report.findings
            ],
        }
        for report in reports
    ]
    return json.dumps({"accounts": accounts, "findings": list(offline)}, ensure_ascii=False, indent=2)


def as_text(reports: Iterable[AccountReport]) -> str:
    """The reports for a person, ready to be pasted into a ticket."""
    reports = tuple(reports)
    text: list[str] = []
    for report in reports:
        text += [f"account {report.account}: {report.requests} requests, read-only", ""]
        for found in report.findings:
            text += _paragraph(found)
        text.append("")
    changes = snippet(reports)
    problems = sum(found.verdict is Verdict.PROBLEM for report in reports for found in report.findings)
    if changes:
        text += ["Configuration that follows, to be merged into the file:", "", changes]
    elif not problems:
        text.append("Nothing to change.")
    if problems:
        text += [""] if changes else []
        text += [f"Problems that no line of configuration mends: {problems}, see above."]
    return "\n".join(text).strip("\n")


def _paragraph(found: Finding) -> list[str]:
    text = [f"  {found.verdict:8} {found.question}: {found.answer}"]
    if found.evidence:
        text.append(f"  {'':8}   how it is known: {found.evidence}")
    line = configuration(found.lines)
    if line is not None:
        text.append(f"  {'':8}   configuration: {line}")
    return text
