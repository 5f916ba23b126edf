"""The state in PostgreSQL, for those who have one already or want several replicas."""

from exporter.state.postgres.database import Database
from exporter.state.postgres.leases import HeldElsewhere, Lease, LeaseLost, Leases
from exporter.state.postgres.store import PostgresStore

__all__ = ["Database", "HeldElsewhere", "Lease", "LeaseLost", "Leases", "PostgresStore"]
