"""What is wrong with a configuration: where, what, and what to do; never with a secret in it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` counts from 1, 0 where no line is at fault; `key` is empty where the file as a whole is."""

    file: str
    line: int
    key: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        said = ": ".join(part for part in (place, self.key, self.text) if part)
        return f"{said}; {self.hint}" if self.hint else said


class ConfigInvalid(Exception):
    """A configuration cannot be used; `problems` are all that is wrong with it, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(map(str, self.problems)))


class Wrong(Exception):
    """A value is not what is wanted; caught by whoever knows the value's place in the file."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
