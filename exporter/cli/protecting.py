"""The web configuration that a command is given."""

from pathlib import Path

from exporter.config import ConfigInvalid, Problem
from exporter.web import Protection


def protection_of(path: str | None) -> tuple[Protection | None, tuple[Problem, ...]]:
    """What a web configuration asks for, or what is wrong with it; without a file neither."""
    try:
        return (Protection(Path(path)) if path else None), ()
    except ConfigInvalid as error:
        return None, error.problems
