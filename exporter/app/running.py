"""The exporter as a process: everything is built here, started together, and stopped together."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import httpx
import structlog

from exporter import __version__
from exporter.alerting.thresholds import thresholds
from exporter.app.clock import BankClock, Listeners, wall_clock
from exporter.bank import MAX_RECORDS
from exporter.client import EpayClient, http_client
from exporter.config import Account, Config, Secret, SecretUnreadable, TerminalFilter
from exporter.instrumentation import Instruments
from exporter.ledger import Ledger
from exporter.model import Decision, Policy, Remembered, Span, Supervision
from exporter.payload import Decoder
from exporter.poller import AccountPoller, Forecaster, Historian, Publication, keep_births, keep_last_births
from exporter.state import CommitFailed, StateUnusable, Store, open_store
from exporter.web import AddressUnusable, Protection, bind, create_app, serve
from exporter.windows import begin

_HISTORY_AT_ONCE: Final = 5_000
"""Records of history that one reading may hold: decoding and counting more would hold up scrapes."""

_DIGEST_KEY = os.urandom(32)
"""Of the digests that repeated transfers are found by: made anew in each process, and kept nowhere."""


class StartFailed(Exception):
    """The exporter cannot start; the text is one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line adds to the configuration."""

    listen: tuple[str, ...] = (":10084",)
    telemetry_path: str = "/metrics"
    protection: Protection | None = None


def credentials(config: Config) -> tuple[Secret, ...]:
    """All secrets of a configuration."""
    return tuple(
        secret
        for account in config.accounts
        for secret in (account.username, account.password, account.client_id, account.client_secret)
    )


async def run(config: Config, options: Options, on_ready: Callable[[Sequence[str]], None] | None = None) -> None:
    """Serve and poll until cancelled, or SIGTERM or SIGINT arrives. Raises StartFailed."""
    log = structlog.get_logger("epay.app")
    with contextlib.ExitStack() as held:
        sockets: list[socket.socket] = []
        try:
            sockets.extend(held.enter_context(bind(address)) for address in options.listen)
            store = open_store(config.state_url)
            held.callback(store.close)
            remembered = _recall(store, config)
        except (AddressUnusable, StateUnusable, CommitFailed) as error:
            raise StartFailed(str(error)) from None
        instruments = Instruments([account.name for account in config.accounts], __version__, _revision())
        instruments.configuration_applied(wall_clock())
        publication = Publication(stale_after=3 * config.poll.interval)
        publication.restore(remembered)
        publication.supervise(_supervision(config))
        held.callback(keep_last_births, publication, store, wall_clock)
        app = create_app(
            publication.current,
            instruments.registry,
            wall_clock,
            options.telemetry_path,
            __version__,
            publication.scraped,
        )
        scheme = options.protection.scheme if options.protection else "http"
        addresses = [_url(sock.getsockname(), scheme) for sock in sockets]
        log.info("listening", addresses=", ".join(addresses), state=config.state_url.split(":", 1)[0])
        async with http_client(config.poll.timeout) as http:
            slots = asyncio.Semaphore(config.poll.max_concurrency)
            works = [
                work
                for account in config.accounts
                for work in _works(account, config, remembered, store, publication, instruments, http, slots)
            ]
            del remembered  # the ledgers have taken what they need; the rest may be a day of operations
            async with _until_signalled(), asyncio.TaskGroup() as tasks:
                tasks.create_task(serve(app, sockets, options.protection))
                tasks.create_task(keep_births(publication, store, wall_clock))
                for work in works:
                    tasks.create_task(work.run())
                if on_ready is not None:
                    on_ready(addresses)
    log.info("stopped")


def _works(
    account: Account,
    config: Config,
    remembered: Remembered,
    store: Store,
    publication: Publication,
    instruments: Instruments,
    http: httpx.AsyncClient,
    slots: asyncio.Semaphore,
) -> tuple[AccountPoller, Historian]:
    """What goes on for an account: its polls, and beside them the reading of its history."""
    policy = _policy(config)
    if account.terminal_filter is TerminalFilter.CLIENT:  # each request lists all terminals anyway
        policy = replace(policy, batch=len(account.terminals))
    ledger = Ledger(
        account.name,
        account.terminals,
        config.outcomes,
        policy,
        config.limits.max_codes_per_terminal,
        remembered,
        config.breakdowns,
        config.limits.max_breakdown_values,
    )
    bank_clock = BankClock(account.name, wall_clock)
    client = partial(
        EpayClient,
        account=account,
        limits=config.limits,
        http=http,
        slots=slots,
        observer=Listeners(instruments, bank_clock),
        clock=wall_clock,
        monotonic=time.monotonic,
        random=random.SystemRandom().random,
        decode=Decoder(_DIGEST_KEY, config.breakdowns).decode,
    )
    bank = client(poll=config.poll, max_records=MAX_RECORDS)
    politely = replace(config.poll, requests_per_second=config.baseline.history_requests_per_second)
    forecaster = Forecaster(config.baseline.windows, config.baseline.weeks, lambda name: _excluded(publication, name))
    poller = AccountPoller(
        account=account.name,
        terminals=account.terminals,
        ledger=ledger,
        bank=bank,
        store=store,
        policy=policy,
        sweep_interval=config.poll.sweep_interval,
        publication=publication,
        observer=instruments,
        clock=wall_clock,
        bank_clock=bank_clock,
        monotonic=time.monotonic,
        forecast=forecaster.forecast,
    )
    historian = Historian(
        account=account.name,
        terminals=account.terminals,
        ledger=ledger,
        bank=client(poll=politely, max_records=_HISTORY_AT_ONCE, tokens=bank.tokens),
        store=store,
        policy=policy,
        outcomes=config.outcomes,
        history=config.baseline.history,
        observer=instruments,
        clock=bank_clock,
        calm=poller.calm,
        forecaster=forecaster,
    )
    return poller, historian


def _excluded(publication: Publication, name: str) -> Iterator[Span]:
    """Holidays and maintenances of a terminal: they say nothing about what is usual."""
    for entry in publication.current().supervision.calendar:
        if name in entry.terminals or not entry.terminals:
            yield Span(entry.start, entry.end)


def _recall(store: Store, config: Config) -> Remembered:
    """What the store knows; terminals that it does not know begin now, and that is kept before anything is read."""
    remembered = store.recall([terminal.name for terminal in config.terminals], _policy(config).retention)
    now = wall_clock()
    fresh = {t.name: begin(now) for t in config.terminals if t.name not in remembered.checkpoints}
    if not fresh:
        return remembered
    store.commit(Decision(now=now, checkpoints=fresh))
    return replace(remembered, checkpoints={**remembered.checkpoints, **fresh})


def _supervision(config: Config) -> Supervision:
    names = tuple(terminal.name for terminal in config.terminals)
    return Supervision(names, thresholds(config.alerts, config.terminals), config.calendar)


def _policy(config: Config) -> Policy:
    poll = config.poll
    return Policy(poll.interval, poll.lookback, poll.max_gap, poll.follow_pending, config.windows)


@contextlib.asynccontextmanager
async def _until_signalled() -> AsyncIterator[None]:
    """SIGTERM and SIGINT end the body in order; the process then exits with 0."""
    loop = asyncio.get_running_loop()
    body = asyncio.current_task()
    signalled = False

    def stop() -> None:
        nonlocal signalled
        if not signalled and body is not None:
            signalled = True
            body.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, _no_reload)
    try:
        yield
    except asyncio.CancelledError:
        if not signalled:
            raise
        if body is not None:
            body.uncancel()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _no_reload() -> None:
    structlog.get_logger("epay.app").warning("SIGHUP: this version cannot reload: restart it instead")


def unreadable_secrets(config: Config) -> tuple[str, ...]:
    """One line for each secret that cannot be read."""
    problems = []
    for secret in credentials(config):
        try:
            secret.read()
        except SecretUnreadable as error:
            problems.append(str(error))
    return tuple(problems)


def readable_secrets(config: Config) -> tuple[str, ...]:
    """The values to be masked in logs."""
    values = []
    for secret in credentials(config):
        with contextlib.suppress(SecretUnreadable):
            values.append(secret.read())
    return tuple(values)


def _url(address: tuple[str, int], scheme: str = "http") -> str:
    host, port = address[:2]
    host = "localhost" if host in {"::", "0.0.0.0"} else host  # noqa: S104  shown, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _revision() -> str:
    return os.environ.get("EPAY_EXPORTER_REVISION", "unknown")
