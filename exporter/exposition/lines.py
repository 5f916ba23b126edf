"""Lines of the two text formats, which differ in nothing that a sample's line has.

A line is put together of its family's name, the escaped labels, and the number. All labels but `terminal` and `window`
are the same for many series, so their text is made once and shared: a thousand terminals have few codes between them.
The labels of a line are in the order of their names, as prometheus_client writes them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from exporter.config.durations import format_duration
from exporter.exposition.catalogue import Definition
from exporter.exposition.numbers import number
from exporter.model import Duration

Key = TypeVar("Key")

COUNT: Final = "%d.0"
AMOUNT: Final = "%r"
"""How numbers of things and amounts are written by `%`."""

_MOST_HEADS: Final = 50_000
"""Texts of labels that are held; a bank that makes up codes for ever must not fill the memory."""


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def pairs(names: Iterable[str], values: Iterable[str]) -> str:
    """Labels in the order of their names, without braces."""
    return ",".join([f'{name}="{escaped(value)}"' for name, value in sorted(zip(names, values, strict=True))])


class Heads(dict[tuple[str, ...], str]):
    """The text of all labels of a family that come before `terminal`, by their values in the catalogue's order."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, values: tuple[str, ...]) -> str:
        if len(self) >= _MOST_HEADS:
            self.clear()
        made = self[values] = pairs(self._names, values) + ","
        return made


class Shape:
    """The heads of an owner's series in a family, kept while the series are the same: most polls move numbers only."""

    __slots__ = ("_keys", "_lacking", "heads")

    def __init__(self) -> None:
        self._keys: list[Any] = []
        self._lacking = 0
        self.heads: list[str] = []

    def values(self, found: Mapping[Key, int], expected: Sequence[Key], head: Callable[[Key], str]) -> list[int]:
        """The numbers in the order of the heads, which are brought to them; 0 under what is expected and not found."""
        keys = list(found)
        if keys != self._keys or not self.heads:
            lacking = [key for key in expected if key not in found]
            self._lacking, self.heads = len(lacking), [head(key) for key in (*keys, *lacking)]
        self._keys = keys
        return [*found.values(), *[0] * self._lacking]


def terminal_label(terminal: str) -> str:
    """The label that most families have in common."""
    return f'terminal="{escaped(terminal)}"'


@lru_cache(maxsize=256)
def window_label(window: Duration) -> str:
    """The window as a label behind another one: it is the last one of each family that has it."""
    return f',window="{format_duration(window)}"'


def lines(definition: Definition, heads: Sequence[str], tail: str, numbers: Sequence[float], conversion: str) -> str:
    """One family's lines that have the labels of the tail in common. One `%` over all of them is what makes it fast."""
    arguments: list[object] = [None] * (2 * len(heads))
    arguments[::2] = heads
    arguments[1::2] = numbers
    tail = tail.replace("%", "%%")
    return f"{definition.name}{{%s{tail}}} {conversion}\n" * len(heads) % tuple(arguments)


def line(definition: Definition, labels: str, value: float) -> str:
    """A single line."""
    return f"{definition.name}{{{labels}}} {number(value)}\n"
