"""PromQL as a row of tokens: enough structure to find thresholds, ranges, matchers and the clauses of a condition.

The grammar is Prometheus 2.42's; what is not told apart here (functions from metrics, say) does not matter to mutation.
"""

import re
from typing import Final, NamedTuple

SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
COMPARATORS: Final = frozenset({"==", "!=", ">", "<", ">=", "<="})
_WITH_LABELS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = SET_OPERATORS | _WITH_LABELS | {"bool", "offset"}
_UNIT: Final = r"(?:ms|[smhdwy])"
_TOKEN: Final = re.compile(
    rf"""
      (?P<blank>\s+|\#[^\n]*)
    | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    | (?P<duration>\d+{_UNIT}(?:\d+{_UNIT})*(?![a-zA-Z0-9_]))
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[a-zA-Z_][a-zA-Z0-9_:]*)
    | (?P<sign>==|!=|>=|<=|=~|!~|[-+*/%^=<>(){{}}\[\],:@])
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of an expression. `depth`: how many brackets are open around it; they themselves stand outside."""

    kind: str
    text: str
    start: int
    end: int
    depth: int


class Matcher(NamedTuple):
    """`label="value"` inside braces; start and end are those of the whole, `value` is without its quotes."""

    label: str
    operator: str
    value: str
    start: int
    end: int


class Cut(NamedTuple):
    """A stretch of an expression that is one operand of and, or, unless, with the operator."""

    clause: str
    start: int
    end: int


def tokens(expression: str) -> list[Token]:
    """All tokens but blanks and comments. ValueError where a character fits none."""
    found: list[Token] = []
    position = depth = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ValueError(f"not PromQL at {position}: {expression[position : position + 20]!r}")
        kind, text = str(match.lastgroup), match.group()
        depth -= text in {")", "}", "]"} and kind == "sign"
        if kind != "blank":
            found.append(Token(kind, text, match.start(), match.end(), depth))
        depth += text in {"(", "{", "["} and kind == "sign"
        position = match.end()
    return found


def matchers(row: list[Token]) -> list[Matcher]:
    """Every label matcher, in order. Regular expressions' alternatives are left as they are written."""
    return [
        Matcher(name.text, sign.text, value.text[1:-1], name.start, value.end)
        for name, sign, value in zip(row, row[1:], row[2:], strict=False)
        if name.kind == "name" and sign.text in {"=", "!=", "=~", "!~"} and value.kind == "string"
    ]


def metrics(row: list[Token]) -> set[str]:
    """Names of the series that an expression asks for: neither functions, nor labels, nor words of the language."""
    found: set[str] = set()
    closed_by: int | None = None
    for index, token in enumerate(row):
        following = row[index + 1].text if index + 1 < len(row) else ""
        if closed_by is not None:
            closed_by = None if token.depth == closed_by and token.text in {")", "}"} else closed_by
        elif token.text == "{" or (token.text in _WITH_LABELS and following == "("):
            closed_by = token.depth
        elif token.kind == "name" and following not in {"(", "by", "without"} and token.text not in _WORDS:
            found.add(token.text)
    return found


def cuts(row: list[Token]) -> list[Cut]:
    """What can be taken out of conditions: right operands of and, unless, or with their operator; left operands of or,
    and of the first `and` of a chain."""
    found: list[Cut] = []
    for index, token in enumerate(row):
        if token.kind != "name" or token.text not in SET_OPERATORS:
            continue
        stops = {"or"} if token.text == "or" else SET_OPERATORS
        last = index
        while last + 1 < len(row) and not _ends(row[last + 1], token.depth, stops):
            last += 1
        found.append(Cut(token.text, token.start, row[last].end))
        first = index
        while first > 0 and not _ends(row[first - 1], token.depth, stops):
            first -= 1
        in_chain = first > 0 and row[first - 1].depth == token.depth and row[first - 1].text in SET_OPERATORS - {"or"}
        if token.text == "or" or (token.text == "and" and not in_chain):
            found.append(Cut(f"left of {token.text}", row[first].start, _after_matching(row, index)))
    return found


def _ends(token: Token, depth: int, stops: frozenset[str] | set[str]) -> bool:
    """Whether an operand at this depth does not reach over the token."""
    if token.depth < depth or (token.depth == depth and token.text == ","):
        return True
    closing_or_opening = token.text in {"(", ")", "[", "]", "{", "}"} and token.kind == "sign"
    return token.depth == depth and token.kind == "name" and token.text in stops and not closing_or_opening


def _after_matching(row: list[Token], index: int) -> int:
    """Where the right operand begins behind an operator and its `on (...)`."""
    following = index + 1
    if row[following].text in {"on", "ignoring"}:
        following += 2
        while row[following].text != ")":
            following += 1
        following += 1
    return row[following].start
