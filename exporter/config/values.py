"""Values of the document on the way to being read: each knows its key, its line, and where its problems go."""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from exporter.config.document import Items, Node, Pairs, Scalar
from exporter.config.keys import KEYS
from exporter.config.problems import Problem, Wrong

T = TypeVar("T")

_VARIABLE: Final = re.compile(r"\$\$\{|\$\{(?P<name>[^}]*)(?P<end>\}?)")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class Reading:
    """One reading of one file: what it may look up, and the problems and doubts that it has found so far."""

    file: str
    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    problems: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Words:
    """A scalar with its variables filled in.

    `plain`: unquoted and without variables, so that YAML would give it a type. `shown`: how an error may speak of it;
    `public`: whether an error may show what it says.
    """

    text: str
    plain: bool
    shown: str
    public: bool

    @property
    def null(self) -> bool:
        return self.plain and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Value:
    """A node at its place. `line` is its key's line, which is where a person looks."""

    reading: Reading
    path: str
    line: int
    node: Node

    def report(self, text: str, hint: str = "") -> None:
        """Note a problem and go on: a person wants to hear all of them at once."""
        self.reading.problems.append(Problem(self.reading.file, self.line, self.path, text, hint))

    def doubt(self, text: str, hint: str = "") -> None:
        """Note what can be used and is hardly meant."""
        self.reading.doubts.append(Problem(self.reading.file, self.line, self.path, text, hint))

    def child(self, key: str, line: int, node: Node) -> "Value":
        return Value(self.reading, joined(self.path, key), line, node)

    @property
    def null(self) -> bool:
        return isinstance(self.node, Scalar) and self.node.plain and self.node.text in _NULLS

    @property
    def single(self) -> bool:
        """Neither list nor mapping."""
        return isinstance(self.node, Scalar)

    def words(self) -> Words:
        """The scalar with its variables filled in, after YAML has been parsed: no variable can inject YAML."""
        if not isinstance(self.node, Scalar):
            raise Wrong(f"a single value is wanted here, not {_kind(self.node)}")
        if self.node.tagged:
            raise Wrong("a YAML tag (!) is not understood here", "put the text in quotes")
        raw = self.node.text
        text = _VARIABLE.sub(self._variable, raw)
        filled = any(match["name"] is not None for match in _VARIABLE.finditer(raw))
        shown = "the value" if self.node.hidden else quoted(raw)
        return Words(text, self.node.plain and not filled, shown, public=not (filled or self.node.hidden))

    def _variable(self, match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "${"
        if not match["end"] or not _VARIABLE_NAME.fullmatch(name):
            raise Wrong("${ must be followed by a variable's name and }", "write $${ for a literal ${")
        if name not in self.reading.environ:
            raise Wrong(f"the environment variable {name} is not set", "write $${ for a literal ${")
        return self.reading.environ[name]

    def items(self) -> "list[Value]":
        """The entries of a list; one left blank has none."""
        if self.null:
            return []
        if not isinstance(self.node, Items) or self.node.tagged:
            raise Wrong(
                f"a list is wanted here, not {_kind(self.node)}", "begin each entry with a dash, or write [a, b]"
            )
        return [
            Value(self.reading, f"{self.path}[{index}]", node.line, node) for index, node in enumerate(self.node.nodes)
        ]

    def entries(self) -> "list[tuple[str, Value]]":
        """Keys and values of a mapping whose keys are the user's own; one left blank has none."""
        return [(key.text, self.child(key.text, key.line, node)) for key, node in self._pairs()]

    def section(self) -> "Section":
        """The mapping whose keys `KEYS` lists for this place."""
        return Section(self, self._pairs())

    def _pairs(self) -> list[tuple[Scalar, Node]]:
        if self.null:
            return []
        if not isinstance(self.node, Pairs) or self.node.tagged:
            raise Wrong(f"a mapping (key: value) is wanted here, not {_kind(self.node)}")
        first: dict[str, int] = {}
        pairs = []
        for key, node in self.node.nodes:
            if self._nameless(key, node):
                self.report("a key without a value, in braces", "put a text with a comma in quotes")
            elif key.text in first:
                self.child(key.text, key.line, node).report(f"given twice, first on line {first[key.text]}")
            elif "${" in key.text:
                self.report("variables are filled in where values stand, not in keys")
            else:
                first[key.text] = key.line
                pairs.append((key, node))
        return pairs

    def _nameless(self, key: Scalar, node: Node) -> bool:
        """`{password: a,b}` makes a key of `b`, which may be half a secret and must not be shown."""
        known = KEYS.get(pattern(self.path), (key.text,))
        braces = isinstance(self.node, Pairs) and self.node.flow
        return braces and key.text not in known and isinstance(node, Scalar) and node.plain and not node.text


class Section:
    """A mapping with known keys. An unknown one is reported at once, with what may have been meant."""

    def __init__(self, value: Value, pairs: list[tuple[Scalar, Node]]) -> None:
        self.value = value
        self._known = KEYS[pattern(value.path)]
        self._given = {key.text: value.child(key.text, key.line, node) for key, node in pairs}
        self._unsound: set[str] = set()
        self._in_braces = isinstance(value.node, Pairs) and value.node.flow
        for key in [key for key in self._given if key not in self._known]:
            self._unknown(key, self._given.pop(key))

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def _unknown(self, key: str, value: Value) -> None:
        meant = close(key, self._known)
        # What a misspelt key should have given is not missing: one mistake, one line.
        self._unsound.update(meant)
        elsewhere = [place for place, keys in KEYS.items() if key in keys]
        if self._in_braces and not meant and "password" in self._known:
            # `{password: a, b: c}`: the key may be half a password.
            self.value.report("an unknown key, in braces", "put a text with a comma in quotes")
        elif meant:
            value.report("unknown key", f'did you mean "{meant[0]}"?')
        elif elsewhere:
            value.report(
                "unknown key", f'it belongs under "{elsewhere[0]}"' if elsewhere[0] else "it belongs at the top"
            )
        else:
            value.report("unknown key", f"known here: {', '.join(self._known)}")

    def get(self, key: str, reader: Callable[[Value], T], default: T) -> T:
        """The value of a key, or the default where it is not given or cannot be read."""
        if key not in self._known:
            raise KeyError(key)
        if key not in self._given:
            return default
        value, before = self._given[key], len(self.value.reading.problems)
        result = attempt(value, reader, default)
        if len(self.value.reading.problems) > before:
            self._unsound.add(key)
        return result

    def need(self, key: str, reader: Callable[[Value], T], stand_in: T, hint: str = "") -> T:
        """The value of a key that must be given; `stand_in` lets the reading go on where it is not."""
        if key not in self._given and key not in self._unsound:
            self.missing(key, hint)
        return self.get(key, reader, stand_in)

    def missing(self, key: str, hint: str = "") -> None:
        """Report at the mapping's own line that a key is not given."""
        self._unsound.add(key)
        self.value.child(key, self.value.line, self.value.node).report("missing", hint)

    def sound(self, *keys: str) -> bool:
        """Whether nothing was wrong with these keys, so that comparing their values makes sense."""
        return not self._unsound.intersection(keys)

    def at(self, *keys: str) -> Value:
        """The place of the first of these keys that is given, else of the mapping, to speak of the first key."""
        found = next((self._given[key] for key in keys if key in self._given), self.value)
        return Value(self.value.reading, joined(self.value.path, keys[0]), found.line, found.node)


def attempt(value: Value, reader: Callable[[Value], T], default: T) -> T:
    """What the reader makes of a value; where it cannot, the problem is noted and the default stands in."""
    try:
        return reader(value)
    except Wrong as wrong:
        value.report(wrong.text, wrong.hint)
        return default


def each(value: Value, reader: Callable[[Value], T]) -> list[T]:
    """What the reader makes of a list's entries; those that it cannot read are noted and left out."""
    read: list[T] = []
    for item in value.items():
        try:
            read.append(reader(item))
        except Wrong as wrong:
            item.report(wrong.text, wrong.hint)
    return read


def close(word: str, known: "tuple[str, ...] | list[str]") -> list[str]:
    """The one known word that a misspelt one is close to, if any."""
    return difflib.get_close_matches(word.lower().replace("-", "_"), known, n=1, cutoff=0.75)


def quoted(text: str) -> str:
    """A text of the file, short and printable, in quotes."""
    return json.dumps(text if len(text) <= 60 else text[:57] + "…", ensure_ascii=not text.isprintable())


def joined(path: str, key: str) -> str:
    """The key's place as a person would write it: `poll.interval`, `reason_codes["484"]`."""
    if not _WORD.fullmatch(key):
        return f"{path}[{quoted(key)}]"
    return f"{path}.{key}" if path else key


def pattern(path: str) -> str:
    """The place in `KEYS`."""
    return re.sub(r"\[\d+\]", "[]", path)


def _kind(node: Node) -> str:
    if isinstance(node, Items):
        return "a list"
    return "a mapping" if isinstance(node, Pairs) else "a single value"
