"""Prometheus' alert templates in Grafana's words.

Grafana takes the same Go templates with other data: `$value` is a sentence there, the number is in `$values`; `query`
exists and always finds nothing. So `$value` becomes the number of the rule's query, a link's times become relative, and
where Prometheus would show a query's result, Grafana shows the query itself, to be pasted into Explore.
"""

import re
from typing import Final, NamedTuple

VALUE: Final = "$values.A.Value"
"""The value of the rule's own query."""

_ACTION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LITERAL: Final = re.compile(r'"((?:\\.|[^"\\])*)"|`([^`]*)`')
_OPENING: Final = frozenset({"if", "with", "range"})
_NOW: Final = re.compile(r"(?:1000 \* time\(\)|time\(\) \* 1000)")
_EARLIER: Final = re.compile(r"(?:1000 \* \(time\(\) - (\d+)\)|\(time\(\) - (\d+)\) \* 1000)")
_ASSIGNED: Final = re.compile(r"(\$\w+)\s*=(?!=)")


class TemplateUnfit(ValueError):
    """A template does what cannot be said in Grafana's words."""


class _Piece(NamedTuple):
    text: str
    action: bool

    @property
    def words(self) -> list[str]:
        return self.text.strip("{}").strip().strip("-").split() if self.action else []


def in_grafana(template: str) -> str:
    """The template for Grafana. TemplateUnfit where a query has no text of its own, or a block no end."""
    pieces = _pieces(template)
    said: list[str] = []
    forgotten: set[str] = set()
    position = 0
    while position < len(pieces):
        piece = pieces[position]
        if "query" not in re.findall(r"\w+", re.sub(_LITERAL, "", piece.text)) or not piece.action:
            said.append(_with_number(piece.text) if piece.action else piece.text)
            position += 1
            continue
        end = _end(pieces, position) if piece.words[0] in _OPENING else position
        inside = "".join(each.text for each in pieces[position + 1 : end])
        assigned = set(_ASSIGNED.findall(inside))
        said.append("" if assigned else _shown(piece.text))
        if assigned and pieces[end].text.endswith("-}}"):
            pieces[end + 1 : end + 2] = [_Piece(each.text.lstrip(), each.action) for each in pieces[end + 1 : end + 2]]
        forgotten |= assigned
        position = end + 1
    text = "".join(said)
    for variable in forgotten:
        text = re.sub(
            rf"\{{\{{\s*{re.escape(variable)} := [^}}]*\}}\}}",
            f'{{{{ {variable} := "<{variable[1:]}>" }}}}',
            text,
        )
    return text


def _pieces(template: str) -> list[_Piece]:
    found: list[_Piece] = []
    position = 0
    for match in _ACTION.finditer(template):
        found.append(_Piece(template[position : match.start()], action=False))
        found.append(_Piece(match.group(), action=True))
        position = match.end()
    found.append(_Piece(template[position:], action=False))
    return [piece for piece in found if piece.text]


def _end(pieces: list[_Piece], start: int) -> int:
    depth = 0
    for position in range(start, len(pieces)):
        words = pieces[position].words
        depth += bool(words) and words[0] in _OPENING
        depth -= words == ["end"]
        if depth == 0:
            return position
    raise TemplateUnfit(f"no end to {pieces[start].text}")


def _with_number(action: str) -> str:
    return re.sub(r"\$value\b", VALUE, action)


def _shown(action: str) -> str:
    """What stands for a query: a relative time where it asks for one, else its PromQL with the labels filled in."""
    match = _LITERAL.search(action)
    if match is None:
        raise TemplateUnfit(f"no text to {action}")
    text = match[1].replace(r"\"", '"') if match[1] is not None else match[2]
    if _NOW.fullmatch(text):
        return "now"
    if earlier := _EARLIER.fullmatch(text):
        return f"now-{earlier[1] or earlier[2]}s"
    arguments = re.findall(r"\$[\w.]+", action[match.end() :])
    if text.count("%") != len(arguments):
        raise TemplateUnfit(f"not as many arguments as places in {action}")
    for argument in arguments:
        place = re.search(r"%[qsv]", text)
        if place is None:
            raise TemplateUnfit(f"a place other than %q, %s, %v in {action}")
        shown = f"{{{{ {argument} }}}}"
        text = text[: place.start()] + (f'"{shown}"' if place[0] == "%q" else shown) + text[place.end() :]
    return f"[{' '.join(text.split())}]"
