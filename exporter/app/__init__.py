"""The composition root: real clock, real network, real store, put together; the only place that knows them all."""

from exporter.app.backfilling import ArgumentInvalid, Backfill, Interrupted, backfill
from exporter.app.clock import wall_clock
from exporter.app.demo import Addresses, demo
from exporter.app.examining import Examined, examine
from exporter.app.running import Options, run
from exporter.app.secrecy import readable_secrets, unreadable_secrets
from exporter.app.starting import StartFailed

__all__ = [
    "Addresses",
    "ArgumentInvalid",
    "Backfill",
    "Examined",
    "Interrupted",
    "Options",
    "StartFailed",
    "backfill",
    "demo",
    "examine",
    "readable_secrets",
    "run",
    "unreadable_secrets",
    "wall_clock",
]
