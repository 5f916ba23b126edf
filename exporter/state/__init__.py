"""The store: what a poll decided, committed as one; and what the last commits left, recalled at the start."""

from pathlib import Path

from exporter.state.base import CommitFailed, StateUnusable, Store
from exporter.state.memory import MemoryStore
from exporter.state.sqlite import SqliteStore

__all__ = ["CommitFailed", "MemoryStore", "SqliteStore", "StateUnusable", "Store", "open_store"]


def open_store(url: str) -> Store:
    """The store that `state.url` names: `memory:` or `sqlite:///PATH`. Raises StateUnusable."""
    if url == "memory:":
        return MemoryStore()
    if url.startswith("sqlite:///"):
        return SqliteStore(Path(url.removeprefix("sqlite:///")))
    raise StateUnusable(f"state.url: {url.split(':', 1)[0]}: is not a kind of state this version knows")
