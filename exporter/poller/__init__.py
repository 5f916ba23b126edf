"""The cycle of a poll: gather, decide, commit, publish; and the loops around it."""

from exporter.poller.births import keep_births, keep_last_births
from exporter.poller.cycle import AccountPoller
from exporter.poller.handover import Handover
from exporter.poller.publication import Publication

__all__ = ["AccountPoller", "Handover", "Publication", "keep_births", "keep_last_births"]
