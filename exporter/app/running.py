"""The exporter as a process: everything is built here, started together, and stopped together."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import structlog

from exporter import __version__
from exporter.app.allocating import use_one_heap
from exporter.app.clock import lasting_clock, wall_clock
from exporter.app.collecting import collect_rarely
from exporter.app.fleet import Fleet
from exporter.app.preparing import keep_prepared
from exporter.app.reloading import Reloader
from exporter.app.serving import Pulse, asked, serve_apart, told
from exporter.app.sharing import Sharing, replica_name
from exporter.app.signals import until_signalled
from exporter.app.starting import StartFailed
from exporter.client import http_client
from exporter.config import Config, state_kind
from exporter.exposition import Exposition
from exporter.instrumentation import Instruments
from exporter.model import SECOND
from exporter.poller import Publication, keep_births, keep_shown
from exporter.sharding import EVERYTHING, Shard
from exporter.state import CommitFailed, Database, Leases, StateUnusable, open_store
from exporter.web import AddressUnusable, Protection, bind, create_app

GIVE_WAY_AFTER = 0.0002
"""Seconds that a thread computes before another one has its turn. To answer one request the web side needs a turn
several times, and with Python's own 5 ms a health check would wait for those of each poll and each scrape. With 1 ms
half of them still took twice as long as with this."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line adds to the configuration. Without `config_file` there is no reload."""

    listen: tuple[str, ...] = (":10084",)
    telemetry_path: str = "/metrics"
    protection: Protection | None = None
    config_file: Path | None = None
    lifecycle: bool = False
    shard: Shard = EVERYTHING


async def run(config: Config, options: Options, on_ready: Callable[[Sequence[str]], None] | None = None) -> None:
    """Serve and poll until cancelled, or SIGTERM or SIGINT arrives. Raises StartFailed."""
    log = structlog.get_logger("epay.app")
    sys.setswitchinterval(GIVE_WAY_AFTER)
    use_one_heap(os.environ)
    reloader: Reloader | None = None

    def ask() -> None:
        if reloader is not None:  # while it starts, the configuration has just been read
            reloader.ask()

    async with until_signalled(ask), contextlib.AsyncExitStack() as held:
        sockets: list[socket.socket] = []
        if options.shard.total > 1 and state_kind(config.state_url) == "postgresql":
            raise StartFailed(
                "--total-shards: replicas on one PostgreSQL divide the terminals among themselves: leave it out, "
                "or give each shard a state of its own"
            )
        instruments = Instruments((), __version__, _revision(), options.shard.ordinal, options.shard.total)
        publication = Publication(stale_after=3 * config.poll.interval)
        http = await held.enter_async_context(http_client(config.poll.timeout))
        try:
            sockets.extend(held.enter_context(bind(address)) for address in options.listen)
            reader = _reader(config, options, publication, instruments, http, held)
            held.push_async_callback(reader.close)
            await reader.apply(config)
        except (AddressUnusable, StateUnusable, CommitFailed) as error:
            raise StartFailed(str(error)) from None
        held.push_async_callback(keep_shown, publication, reader, wall_clock)
        instruments.configuration_applied(wall_clock())
        reloader = Reloader(options.config_file, config, reader, instruments) if options.config_file else None
        exposition, pulse = Exposition(prepared=True), Pulse()
        app = create_app(
            reader.current,
            instruments.registry,
            wall_clock,
            options.telemetry_path,
            __version__,
            told(publication.scraped),
            asked(reloader.ask) if reloader and options.lifecycle else None,
            reloader.refused if reloader else lambda: None,
            exposition,
            pulse.standing_still,
        )
        scheme = options.protection.scheme if options.protection else "http"
        addresses = [_url(sock.getsockname(), scheme) for sock in sockets]
        log.info("listening", addresses=", ".join(addresses), state=state_kind(config.state_url))
        collect_rarely()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve_apart(app, sockets, options.protection))
            tasks.create_task(pulse.beat())
            tasks.create_task(keep_prepared(publication, reader.current, exposition, wall_clock))
            tasks.create_task(keep_births(publication, reader, wall_clock))
            tasks.create_task(reader.run())
            if reloader is not None:
                tasks.create_task(reloader.run())
            if on_ready is not None:
                on_ready(addresses)
    log.info("stopped")


def _reader(
    config: Config,
    options: Options,
    publication: Publication,
    instruments: Instruments,
    http: httpx.AsyncClient,
    held: contextlib.AsyncExitStack,
) -> Fleet | Sharing:
    """Who reads the accounts: all of them, or with PostgreSQL this replica's share. Raises StateUnusable."""
    if state_kind(config.state_url) == "postgresql":
        leases = Leases(Database(config.state_url), replica_name(), config.lease / SECOND, lasting_clock)
        held.callback(leases.close)
        return Sharing(
            leases, publication, instruments, lambda store_of: Fleet(store_of, publication, instruments, http)
        )
    store = open_store(config.state_url)
    held.callback(store.close)
    return Fleet(lambda _: store, publication, instruments, http, options.shard)


def _url(address: tuple[str, int], scheme: str = "http") -> str:
    host, port = address[:2]
    host = "localhost" if host in {"::", "0.0.0.0"} else host  # noqa: S104  shown, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _revision() -> str:
    return os.environ.get("EPAY_EXPORTER_REVISION", "unknown")
