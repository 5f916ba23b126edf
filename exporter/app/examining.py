"""The doctor as a process: real clock and network, and a line of progress where somebody watches."""

import asyncio
import sys
import time
from dataclasses import dataclass

from exporter.app.clock import wall_clock
from exporter.client import http_clients
from exporter.config import Config
from exporter.doctor import CAP, Doctor, as_json, as_text, exit_code


@dataclass(frozen=True, slots=True)
class Examined:
    """What the doctor found, in both forms; `obstacles` say why accounts could not be examined."""

    text: str
    json: str
    exit_code: int
    obstacles: tuple[str, ...]


async def examine(config: Config) -> Examined:
    """Ask the bank about every account, one after the other."""
    watched = sys.stderr.isatty()
    async with http_clients(config.accounts, config.poll) as ways:
        doctor = Doctor(config, wall_clock, time.monotonic, asyncio.sleep, progress=_show if watched else None)
        try:
            reports = [await doctor.examine(account, ways[account.name]) for account in config.accounts]
        finally:
            if watched:
                _write("")
    obstacles = tuple(report.obstacle for report in reports if report.obstacle)
    return Examined(as_text(reports), as_json(reports), exit_code(reports), obstacles)


def _show(account: str, question: str, requests: int) -> None:
    _write(f"account {account}: {question} … ({requests} of at most {CAP} requests)")


def _write(line: str) -> None:
    """The line in place of the one before."""
    sys.stderr.write(f"\r\x1b[K{line}")
    sys.stderr.flush()
