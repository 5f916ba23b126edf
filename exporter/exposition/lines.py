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

COUNT: Final = b"%d.0"
WRITTEN: Final = b"%b"
"""How `%` writes numbers of things, and numbers that have been written, as amounts are."""

_MOST_HEADS: Final = 50_000
"""Texts of labels that are held; a bank that makes up codes for ever must not fill the memory."""
_MOST_SHAPES: Final = 4_096


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def pairs(names: Iterable[str], values: Iterable[str]) -> str:
    """Labels in the order of their names, without braces."""
    return ",".join([f'{name}="{escaped(value)}"' for name, value in sorted(zip(names, values, strict=True))])


class Heads(dict[tuple[str, ...], bytes]):
    """The beginning of a family's lines, up to `terminal`: by the labels' values in the catalogue's order."""

    def __init__(self, definition: Definition, *names: str) -> None:
        super().__init__()
        self._name = definition.name
        self._names = names

    def __missing__(self, values: tuple[str, ...]) -> bytes:
        if len(self) >= _MOST_HEADS:
            self.clear()
        made = self[values] = f"{self._name}{{{pairs(self._names, values)},".encode()
        return made


@lru_cache(maxsize=_MOST_SHAPES)
def shared(heads: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The same heads as one object, however many owners have them: terminals are much alike."""
    return heads


class Shape:
    """The heads of an owner's series in a family, kept while the series are the same: most polls move numbers only."""

    __slots__ = ("_found", "_zeros", "heads")

    def __init__(self) -> None:
        self._found: Mapping[Any, int] = {}
        self._zeros: tuple[int, ...] = ()
        self.heads: tuple[bytes, ...] = ()

    def values(self, found: Mapping[Key, int], expected: Sequence[Key], head: Callable[[Key], bytes]) -> list[int]:
        """The numbers in the order of the heads, which are brought to them; 0 under what is expected and not found."""
        keys = list(found)
        if keys != list(self._found) or not self.heads:
            lacking = [key for key in expected if key not in found]
            self._zeros, self.heads = (0,) * len(lacking), shared(tuple([head(key) for key in (*keys, *lacking)]))
        self._found = found
        return [*found.values(), *self._zeros]


def terminal_label(terminal: str) -> str:
    """The label that most families have in common."""
    return f'terminal="{escaped(terminal)}"'


@lru_cache(maxsize=256)
def window_label(window: Duration) -> str:
    """The window as a label behind another one: it is the last one of each family that has it."""
    return f',window="{format_duration(window)}"'


def lines(heads: Sequence[bytes], tail: bytes, numbers: Sequence[int] | Sequence[bytes], conversion: bytes) -> bytes:
    """Lines that have the labels of the tail in common. One `%` over all of them is what makes it fast."""
    arguments: list[object] = [None] * (2 * len(heads))
    arguments[::2] = heads
    arguments[1::2] = numbers
    return b"%%b%b} %b\n" % (tail.replace(b"%", b"%%"), conversion) * len(heads) % tuple(arguments)


def line(definition: Definition, labels: str, value: float) -> str:
    """A single line."""
    return f"{definition.name}{{{labels}}} {number(value)}\n"
