"""YAML text in, a small tree out, in which every value knows its line and its own spelling.

PyYAML's loaders would resolve `00123`, `1:30` and `2026-03-21` to something else before anybody could ask what is
wanted there. So only PyYAML's parser is used, and a scalar stays the text that it is until its reader looks at it.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

import yaml

_DEEPEST: Final = 20
_MOST_NODES: Final = 100_000
_MOST_CHARACTERS: Final = 1024 * 1024
_TEXT_TAGS: Final = frozenset({None, "!", "tag:yaml.org,2002:str"})
_QUOTE_HINT: Final = "put a text that begins like this in quotes"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as written. `plain`: without quotes. `hidden`: reached through an alias, so possibly a secret."""

    line: int
    text: str
    plain: bool
    tagged: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    nodes: "tuple[Node, ...]"
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping, with its keys in their order and not yet checked for being unique. `flow`: written in braces."""

    line: int
    nodes: "tuple[tuple[Scalar, Node], ...]"
    flow: bool = False
    tagged: bool = False


Node = Scalar | Items | Pairs


class DocumentBroken(Exception):
    """The text is not YAML that can be used. The text of the error quotes nothing of the file: it may be a secret."""

    def __init__(self, line: int, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.line = line
        self.text = text
        self.hint = hint


def parse(text: str) -> Node:
    """The tree of a document. Raises DocumentBroken."""
    if len(text) > _MOST_CHARACTERS:
        raise DocumentBroken(0, "larger than 1 MiB: this is no configuration file")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DocumentBroken(line, "a control character, which YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        # What was never closed is to be mended where it began, not where PyYAML noticed.
        begun = error.context in ("while scanning a simple key", "while scanning a quoted scalar")
        mark = error.context_mark if begun else error.problem_mark
        raise DocumentBroken(mark.line + 1 if mark else 0, *_syntax(error.problem or "")) from None
    except yaml.YAMLError:
        raise DocumentBroken(0, "not YAML") from None
    if builder.root is None:
        raise DocumentBroken(0, "the file is empty", "config.example.yaml shows what belongs into it")
    return builder.root


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    event: yaml.CollectionStartEvent
    nodes: list[Node]


class _Builder:
    """Builds the tree without recursion, and counts, so that no file can exhaust stack or memory."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line = _line(event)
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise DocumentBroken(line, "a second document begins here", "remove the line ---")
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise DocumentBroken(line, "an alias (*) for which nothing is anchored above", _QUOTE_HINT)
                self._place(self._copy(self._anchors[event.anchor], line, line, len(self._open)))
            case yaml.ScalarEvent():
                self._counted(line, len(self._open))
                node = Scalar(line, event.value, event.style is None, event.tag not in _TEXT_TAGS)
                # `!!str 1` is text as if it stood in quotes.
                node = replace(node, plain=False) if event.tag is not None else node
                self._finish(node, event.anchor)
            case yaml.CollectionStartEvent():
                self._counted(line, len(self._open))
                self._open.append(_Open(event, []))
            case yaml.CollectionEndEvent():
                done = self._open.pop()
                self._finish(self._collection(done), done.event.anchor)
            case _:
                pass

    def _collection(self, done: _Open) -> Items | Pairs:
        line, tagged = _line(done.event), done.event.tag is not None
        if isinstance(done.event, yaml.SequenceStartEvent):
            return Items(line, tuple(done.nodes), tagged)
        pairs = []
        for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            if not isinstance(key, Scalar) or key.tagged or key.hidden:
                raise DocumentBroken(key.line, "a key must be a plain word")
            if key.plain and key.text == "<<":
                raise DocumentBroken(key.line, "merging with << is not understood", "write the keys out")
            pairs.append((key, value))
        return Pairs(line, tuple(pairs), bool(done.event.flow_style), tagged)

    def _finish(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        self._place(node)

    def _place(self, node: Node) -> None:
        if self._open:
            self._open[-1].nodes.append(node)
        else:
            self.root = node

    def _counted(self, line: int, depth: int) -> None:
        self._count += 1
        if self._count > _MOST_NODES:
            raise DocumentBroken(line, f"more than {_MOST_NODES} values, counting what the aliases repeat")
        if depth > _DEEPEST:
            raise DocumentBroken(line, f"nested more than {_DEEPEST} levels deep")

    def _copy(self, node: Node, line: int, alias: int, depth: int) -> Node:
        """What an alias stands for; its texts are hidden, because a secret may be anchored where none is expected."""
        self._counted(alias, depth)
        match node:
            case Scalar():
                return replace(node, line=line, hidden=True)
            case Items():
                return replace(
                    node, line=line, nodes=tuple([self._copy(n, n.line, alias, depth + 1) for n in node.nodes])
                )
            case Pairs():
                pairs = [(key, self._copy(value, value.line, alias, depth + 1)) for key, value in node.nodes]
                return replace(node, line=line, nodes=tuple(pairs))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


_SYNTAX: Final = (
    (r"found character '\\t'", "a tab, where YAML wants spaces", "indent with spaces"),
    (r"found character", "a text cannot begin with this character", "put the text in quotes"),
    (r"could not find expected ':'", "a key without a colon", "write it as `key: value`"),
    (
        r"mapping values are not allowed",
        "a colon where no key can stand",
        "check indentation; quote texts with a colon",
    ),
    (
        r"expected <block end>",
        "this line does not belong to what stands above",
        "check its indentation, and quotation marks above",
    ),
    (r"expected ',' or '\]'", "a list in brackets that is not closed, or lacks a comma", "close it with ]"),
    (r"expected ',' or '\}'", "a mapping in braces that is not closed, or lacks a comma", "close it with }"),
    (r"found unexpected end of stream", "a quotation that is not closed", "close it with the same quotation mark"),
    (r"found unexpected document separator", "a quotation that is not closed", "close it with the same quotation mark"),
    (r"found unknown escape", "an unknown escape after a backslash", "use single quotes to take backslashes literally"),
    (r"expected escape sequence", "an unfinished escape after a backslash", "use single quotes instead"),
    (r"sequence entries are not allowed", "a list entry where none can stand", "put it on a line of its own"),
    (r"expected alphabetic or numeric", "a text cannot begin with & or * here", "put the text in quotes"),
    (r"found undefined tag handle|expected URI|expected '!'|expected ' '", "a tag (!) is not understood", _QUOTE_HINT),
)


def _syntax(problem: str) -> tuple[str, str]:
    """PyYAML's complaint in words for a newcomer, and without the pieces of the file that PyYAML quotes."""
    for pattern, text, hint in _SYNTAX:
        if re.match(pattern, problem):
            return f"not YAML: {text}", hint
    return "not YAML", "check indentation, colons and quotes on this line and the one above"
