"""The shipped rules and routes with all durations divided by one factor: a quarter of an hour passes in seconds.

Nothing else is changed: no expression, comparator, name, label or threshold. What is a duration is told by its place:
`for`, ranges, offsets and the like are durations by their syntax, a string of durations only ("15m", "15m|1h") is the
name of a window, and a number that is whole minutes in seconds (120, 86400) is an age that something is compared with.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

MILLISECONDS: Final = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_PART: Final = re.compile(r"(\d+)(ms|[smhdw])")
_DURATION: Final = rf"(?:{_PART.pattern.replace('(', '(?:')})+"
_DURATIONS: Final = re.compile(rf"{_DURATION}(?:\|{_DURATION})*")
_TOKEN: Final = re.compile(
    r"""(?P<string>"[^"\n]*")|(?P<range>\[[\w:]+\])|(?P<offset>\boffset\s+\w+)"""
    r"""|(?P<name>[a-zA-Z_:$%.][\w:]*)|(?P<number>\d+(?:\.\d+)?)"""
)
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_IN_RULES: Final = frozenset({"for", "keep_firing_for", "interval", "limit_interval"})
_IN_ROUTES: Final = frozenset({"group_wait", "group_interval", "repeat_interval", "resolve_timeout"})
_IN_PROMETHEUS: Final = frozenset({"scrape_interval", "evaluation_interval"})


def milliseconds(duration: str) -> int:
    """A duration as Prometheus writes it. Raises ValueError where it is none."""
    if not re.fullmatch(_DURATION, duration):
        raise ValueError(f"not a duration: {duration}")
    return sum(int(count) * MILLISECONDS[unit] for count, unit in _PART.findall(duration))


def written(length: int) -> str:
    """Milliseconds as a window's label has them: 90000 is 1m30s."""
    parts = []
    for unit in ("h", "m", "s", "ms"):
        count, length = divmod(length, MILLISECONDS[unit])
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"


def duration(text: str, factor: int) -> str:
    """The same, a `factor`-th as long. Raises ValueError where that is no whole number of milliseconds."""
    length, rest = divmod(milliseconds(text), factor)
    if rest:
        raise ValueError(f"{text} divided by {factor} is not a whole number of milliseconds")
    return written(length)


def expression(text: str, factor: int) -> str:
    """PromQL with its durations divided."""

    def shorter(match: re.Match[str]) -> str:
        token = match[0]
        if match["string"] and not _DURATIONS.fullmatch(token[1:-1]):
            return token
        if match["number"]:
            return number(token, factor)
        if match["name"]:
            return token
        return re.sub(rf"\b{_DURATION}\b", lambda each: duration(each[0], factor), token)

    return _TOKEN.sub(shorter, text)


def number(text: str, factor: int) -> str:
    """Whole minutes in seconds, divided; any other number as it is."""
    if "." in text or int(text) == 0 or int(text) % 60:
        return text
    return f"{int(text) / factor:g}"


def rules(document: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """A file of rules."""
    return _mapped(document, _IN_RULES, factor, lambda key, text: _in_rule(key, text, factor))


def routes(document: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """Alertmanager's configuration."""
    return _mapped(document, _IN_ROUTES, factor, lambda _, text: text)


def scrapes(document: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """Prometheus' configuration."""
    return _mapped(document, _IN_PROMETHEUS, factor, lambda _, text: text)


def _in_rule(key: str, text: str, factor: int) -> str:
    if key == "expr":
        return expression(text, factor)
    return _TEMPLATE.sub(lambda match: expression(match[0], factor), text)


def _mapped(
    node: Mapping[str, Any], durations: frozenset[str], factor: int, text: Callable[[str, str], str]
) -> dict[str, Any]:
    return {name: _walked(child, durations, factor, text, name) for name, child in node.items()}


def _walked(node: Any, durations: frozenset[str], factor: int, text: Callable[[str, str], str], key: str) -> Any:
    if isinstance(node, Mapping):
        return _mapped(node, durations, factor, text)
    if isinstance(node, list):
        return [_walked(child, durations, factor, text, key) for child in node]
    if isinstance(node, str):
        return duration(node, factor) if key in durations else text(key, node)
    return node
