"""The store: what a poll decided, committed as one; and what the last commits left, recalled at the start."""

from pathlib import Path

from exporter.state.base import CommitFailed, CommitUnsettled, StateUnusable, Store
from exporter.state.memory import MemoryStore
from exporter.state.postgres import Database, HeldElsewhere, Lease, LeaseLost, Leases, PostgresStore
from exporter.state.sqlite import SqliteStore

__all__ = [
    "CommitFailed",
    "CommitUnsettled",
    "Database",
    "HeldElsewhere",
    "Lease",
    "LeaseLost",
    "Leases",
    "MemoryStore",
    "PostgresStore",
    "SqliteStore",
    "StateUnusable",
    "Store",
    "open_store",
]


def open_store(url: str) -> Store:
    """The store that `state.url` names: `memory:`, `sqlite:///PATH` or `postgresql://…`. Raises StateUnusable."""
    if url == "memory:":
        return MemoryStore()
    if url.startswith("sqlite:///"):
        return SqliteStore(Path(url.removeprefix("sqlite:///")))
    if url.startswith("postgresql://"):
        return PostgresStore(Database(url))
    raise StateUnusable(f"state.url: {url.split(':', 1)[0]}: is not a kind of state this version knows")
