"""The cycle of a poll: gather, decide, commit, publish; and the loops around it."""

from exporter.poller.almanac import CELL, Almanac
from exporter.poller.births import keep_births, keep_shown
from exporter.poller.cycle import AccountPoller
from exporter.poller.forecasting import Forecaster
from exporter.poller.handover import Handover
from exporter.poller.history import Historian
from exporter.poller.past import PastReader
from exporter.poller.publication import Publication

__all__ = [
    "CELL",
    "AccountPoller",
    "Almanac",
    "Forecaster",
    "Handover",
    "Historian",
    "PastReader",
    "Publication",
    "keep_births",
    "keep_shown",
]
