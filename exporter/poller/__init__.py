"""The cycle of a poll: gather, decide, commit, publish; and the loops around it."""

from exporter.poller.cycle import MAX_RECORDS, AccountPoller
from exporter.poller.publication import Publication

__all__ = ["MAX_RECORDS", "AccountPoller", "Publication"]
