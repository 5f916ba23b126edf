"""Mutants of alert and recording rules: one change each that a test must notice."""

import copy
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tests.rules.promql import COMPARATORS, Token, cuts, matchers, tokens

Document = dict[str, Any]
"""A rule file as YAML gives it: groups with rules."""

_RELAXED: Final = {">": ">=", "<": "<=", ">=": ">", "<=": "<", "==": "!=", "!=": "=="}
_FLIPPED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_OTHER_VALUES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "window": {"5m": ("15m",), "15m": ("5m", "1h"), "1h": ("15m",)},
    "severity": {"critical": ("warning",), "warning": ("critical",), "info": ("warning",)},
    "category": {},
    "outcome": {"success": ("failure",), "failure": ("success",)},
    "kind": {"holiday": ("maintenance",), "maintenance": ("holiday",)},
}
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_SMALL: Final = 10


class Mutant(NamedTuple):
    """A changed rule. `group` and `place` say where it stands, `before` and `after` what of it was changed."""

    group: int
    place: int
    rule: str
    change: str
    before: str
    after: str
    changed: dict[str, Any]

    @property
    def key(self) -> str:
        """What names the mutant, whatever else the file holds."""
        return f"{self.rule} | {self.change} | {self.before} -> {self.after}"

    def applied(self, document: Document) -> Document:
        """The rule file with this one rule changed."""
        whole = copy.deepcopy(document)
        whole["groups"][self.group]["rules"][self.place] = self.changed
        return whole


def mutants(document: Document) -> Iterator[Mutant]:
    """All mutants of a rule file, in the order of its rules."""
    for group, rules in enumerate(document["groups"]):
        seen: dict[str, int] = {}
        for index, rule in enumerate(rules["rules"]):
            name = rule_name(rule)
            seen[name] = seen.get(name, 0) + 1
            name += f" #{seen[name]}" if seen[name] > 1 else ""
            for change, before, after, changed in _changes(rule):
                yield Mutant(group, index, name, change, before, after, changed)


def rule_name(rule: dict[str, Any]) -> str:
    """A rule's name with its severity: an alert has one rule for each."""
    severity = rule.get("labels", {}).get("severity")
    name = str(rule.get("alert") or rule["record"])
    return f"{name} ({severity})" if severity else name


def _changes(rule: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for change, text in _expressions(str(rule["expr"])):
        before, after = _difference(str(rule["expr"]), text)
        yield change, before, after, rule | {"expr": text}
    for field in ("for", "keep_firing_for"):
        if field in rule:
            for factor in (0.5, 2):
                other = _scaled(str(rule[field]), factor)
                if _evaluations(other) == _evaluations(str(rule[field])):
                    continue  # evaluated once a minute, the two are the same
                yield field, str(rule[field]), other, rule | {field: other}
            yield field, str(rule[field]), "none", {key: value for key, value in rule.items() if key != field}
    for label, value in rule.get("labels", {}).items():
        if label in _OTHER_VALUES:
            (other,) = _OTHER_VALUES[label].get(value, ("other",))
            yield f"label {label}", str(value), other, rule | {"labels": rule["labels"] | {label: other}}


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    """Kind of change and the changed expression."""
    row = tokens(expression)
    inside_offset = False
    for index, token in enumerate(row):
        if token.kind == "number":
            for number in _numbers(token.text):
                yield "number", _replaced(expression, token, number)
        elif token.kind == "duration" and not _is_step(row, index):
            inside_offset = row[index - 1].text == "offset" or (index > 1 and row[index - 2].text == "offset")
            for factor in (1 / 2, 2) if inside_offset else (1 / 3, 2):
                yield "offset" if inside_offset else "range", _replaced(expression, token, _scaled(token.text, factor))
        elif token.kind == "sign" and token.text in COMPARATORS and row[index + 1].kind != "string":
            yield "comparator", _replaced(expression, token, _RELAXED[token.text])
            if token.text in _FLIPPED:
                yield "comparator", _replaced(expression, token, _FLIPPED[token.text])
    for cut in cuts(row):
        yield f"without {cut.clause}", expression[: cut.start] + expression[cut.end :]
    yield from _matchers(expression, row)


def _matchers(expression: str, row: list[Token]) -> Iterator[tuple[str, str]]:
    for matcher in matchers(row):
        before, after = expression[: matcher.start], expression[matcher.end :]
        shorter = re.sub(r",\s*$", "", before) if "{" not in before[before.rstrip().rfind(",") :] else before
        if shorter == before:
            after = re.sub(r"^\s*,\s*", "", after)
        yield f"matcher {matcher.label}", shorter + after
        alternatives = matcher.value.split("|")
        if matcher.operator in {"=~", "!~"} and len(alternatives) > 1:
            for alternative in alternatives:
                rest = "|".join(each for each in alternatives if each != alternative)
                yield f"matcher {matcher.label}", f'{before}{matcher.label}{matcher.operator}"{rest}"{after}'
        elif matcher.operator in {"=", "!="} and matcher.label in _OTHER_VALUES:
            for value in _OTHER_VALUES[matcher.label].get(matcher.value, ("other",)):
                changed = f'{matcher.label}{matcher.operator}"{value}"'
                yield f"matcher {matcher.label}", before + changed + expression[matcher.end :]


def _is_step(row: list[Token], index: int) -> bool:
    """The resolution of a subquery: how finely is no condition of a rule."""
    return row[index - 1].text == ":"


def _numbers(text: str) -> list[str]:
    value = float(text)
    if value in {0, 1}:
        return ["1", "-1"] if value == 0 else ["0", "2"]
    others = [value * 2, value / 2]
    if value.is_integer() and value <= _SMALL:
        others += [value + 1, value - 1]
    return list(dict.fromkeys(f"{each:.10g}" for each in others))


def _seconds(duration: str) -> float:
    return sum(float(amount) * _UNITS[unit] for amount, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def _evaluations(duration: str) -> int:
    return math.ceil(_seconds(duration) / 60)


def _scaled(duration: str, factor: float) -> str:
    return f"{max(1, round(_seconds(duration) * factor))}s"


def _replaced(expression: str, token: Token, text: str) -> str:
    return expression[: token.start] + text + expression[token.end :]


def _difference(old: str, new: str) -> tuple[str, str]:
    """What differs, with the rest of its line."""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    same = next(
        (i for i, (a, b) in enumerate(zip(reversed(old), reversed(new), strict=False)) if a != b),
        min(len(old), len(new)),
    )
    same = min(same, len(old) - start, len(new) - start)
    first = old.rfind("\n", 0, start) + 1
    last = old.find("\n", len(old) - same)
    tail = (last if last >= 0 else len(old)) - (len(old) - same)
    end = len(new) - same + tail
    return _squeezed(old[first : len(old) - same + tail]), _squeezed(new[first:end])


def _squeezed(text: str) -> str:
    return " ".join(text.split())
