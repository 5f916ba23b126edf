"""Mutants that no test can tell from the rule, each with the reason. Few, and none that a test could be written for."""

from typing import Final, NamedTuple


class Equivalent(NamedTuple):
    """Excuses the mutants of `file` whose key begins with `key`."""

    file: str
    key: str
    reason: str


EQUIVALENT: Final[tuple[Equivalent, ...]] = ()
