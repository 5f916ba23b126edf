"""The state in one SQLite file: totals, watermarks and segments of operations, those of a poll in one transaction."""

from exporter.state.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
