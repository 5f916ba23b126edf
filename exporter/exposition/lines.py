"""Lines of the two text formats, which differ in nothing that a sample's line has.

A line is put together of its family's name, the escaped labels, and the number. All labels but `terminal` and `window`
are the same for many series, so their text is made once and shared: a thousand terminals have few codes between them.
The labels of a line are in the order of their names, as prometheus_client writes them.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from exporter.config.durations import format_duration
from exporter.exposition.catalogue import Definition
from exporter.exposition.numbers import number
from exporter.model import Duration

_MOST_HEADS: Final = 50_000
"""Texts of labels that are held; a bank that makes up codes for ever must not fill the memory."""


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def pairs(names: Iterable[str], values: Iterable[str]) -> bytes:
    """Labels in the order of their names, without braces."""
    found = sorted(zip(names, values, strict=True))
    return ",".join([f'{name}="{escaped(value)}"' for name, value in found]).encode()


class Heads(dict[tuple[str, ...], bytes]):
    """The text of all labels of a family that come before `terminal`, by their values in the catalogue's order."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, values: tuple[str, ...]) -> bytes:
        if len(self) >= _MOST_HEADS:
            self.clear()
        made = self[values] = pairs(self._names, values) + b","
        return made


def tail(terminal: str) -> bytes:
    """The label that follows the head, as part of a template for `%`."""
    return f'terminal="{escaped(terminal)}"'.encode().replace(b"%", b"%%")


@lru_cache(maxsize=256)
def window_label(window: Duration) -> bytes:
    """The window as a label, which is the last one of each family that has it."""
    return f',window="{format_duration(window)}"'.encode()


def lines(name: str, heads: Sequence[bytes], tail: bytes, conversion: bytes, numbers: Sequence[object]) -> bytes:
    """One family's lines that have the tail in common. One `%` over all of them is what makes it fast."""
    arguments: list[object] = [None] * (2 * len(heads))
    arguments[::2] = heads
    arguments[1::2] = numbers
    template = b"%b{%%b%b} %b\n" % (name.encode(), tail, conversion)
    return template * len(heads) % tuple(arguments)


def line(definition: Definition, labels: bytes, value: float) -> bytes:
    """A single line."""
    return b"%b{%b} %b\n" % (definition.name.encode(), labels, number(value))
