"""The composition root: real clock, real network, real store, put together; the only place that knows them all."""

from exporter.app.backfilling import Backfill, backfill
from exporter.app.clock import wall_clock
from exporter.app.demo import Addresses, demo
from exporter.app.doubting import tell_doubts
from exporter.app.examining import Examined, examine
from exporter.app.looking_back import ArgumentInvalid, Interrupted
from exporter.app.running import Options, run
from exporter.app.secrecy import readable_secrets, unreadable_secrets
from exporter.app.starting import StartFailed
from exporter.app.trusting import expired_authorities, warn_of_expired_authorities

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
    "expired_authorities",
    "readable_secrets",
    "run",
    "tell_doubts",
    "unreadable_secrets",
    "wall_clock",
    "warn_of_expired_authorities",
]
