"""Reads `outcomes` and `reason_codes`: the shipped tables, and what a configuration changes in them."""

from functools import cache
from importlib.resources import files

from exporter.config.document import Items, Node, Pairs, Scalar, parse
from exporter.config.leaves import choice, word
from exporter.config.problems import Wrong
from exporter.config.values import Value, attempt
from exporter.model import Outcome
from exporter.outcomes import UNKNOWN_REASON, normal


@cache
def shipped_statuses() -> dict[str, Outcome]:
    """Status → outcome, as the package ships it."""
    return {key: Outcome(_text(node)) for key, node in _shipped("outcomes.yaml")}


@cache
def shipped_reason_classes() -> dict[str, str]:
    """Code → class, as the package ships it."""
    return {
        normal(_text(code)): name
        for name, node in _shipped("reason_codes.yaml")
        if isinstance(node, Items)
        for code in node.nodes
    }


def reason_class_names() -> tuple[str, ...]:
    """The classes that a code can be given."""
    return (*dict.fromkeys(shipped_reason_classes().values()), UNKNOWN_REASON)


def statuses(value: Value) -> dict[str, Outcome]:
    """Status → outcome: the shipped table with the configuration's entries over it."""
    return shipped_statuses() | {key: attempt(item, choice(Outcome), Outcome.UNKNOWN) for key, item in _rows(value)}


def reason_classes(value: Value) -> dict[str, str]:
    """Code → class: the shipped table with the configuration's entries over it."""
    known = word(reason_class_names())
    return shipped_reason_classes() | {key: attempt(item, known, UNKNOWN_REASON) for key, item in _rows(value)}


def _rows(value: Value) -> list[tuple[str, Value]]:
    """Entries by normal key. Keys are taken as written, so that `04` needs no quotes and stays `04`."""
    rows: dict[str, Value] = {}
    for written, item in value.entries():
        key = normal(written)
        if not key:
            item.report("the key is empty")
        elif key in rows:
            item.report(f"the same as line {rows[key].line}", "case and blanks do not matter")
        else:
            rows[key] = item
    return list(rows.items())


def _shipped(name: str) -> list[tuple[str, Node]]:
    root = parse((files("exporter") / "data" / name).read_text(encoding="utf-8"))
    if not isinstance(root, Pairs):
        raise Wrong(f"{name} is damaged")
    return [(key.text, node) for key, node in root.nodes]


def _text(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""
