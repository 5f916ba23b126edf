"""Scrapes over HTTP: ours and real peers with the same samples, all of them processes, one after the other.

A tenth of our terminals get new operations before each scrape, which comes a moment after the poll; how long one takes
that comes right after it is noted beside it. Then all terminals are polled every second, fifteen times as often as
usual, and scrapes come at random moments, before, during and after what a poll has to do. What a peer has does not
change, which spares it work; query-exporter does not compress, which spares it more. Health checks are measured when
pushgateway and query-exporter have ended, which go on working by themselves, and by a client that collects no garbage.
"""

import contextlib
import http.client
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.bars import Bar, Figure, Found, Lacking, spared
from benchmarks.peers import (
    TEXT,
    Peer,
    client_app,
    ended,
    free_port,
    plain,
    pushgateway,
    query_exporter,
    samples,
    seconds,
    unlike,
)

ROUNDS = 7
RANDOM = 300
APART = 0.15
"""Seconds between two scrapes at random moments, on average."""
PROBES = 400
BETWEEN = 0.01
"""Seconds between two health checks."""
MOMENT = 0.5
"""Seconds from a poll to the scrape after it; fifteen are usual from one poll to the next."""
ANYTIME = (
    "gzip scrape at any moment, 100k series, all dirty every second, slowest in a hundred, against prometheus_client"
)
CLIENT, GATEWAY, QUERIES = "prometheus_client", "pushgateway", "query-exporter"


@dataclass
class Session:
    """What one session with all of them came to: seconds of a scrape, and of the slowest health checks in a hundred.

    at_once: of a scrape right after a poll. anytime: of each of those at random moments.
    """

    series: int = 0
    ours: float = 0.0
    at_once: float = 0.0
    anytime: list[float] = field(default_factory=list)
    peers: dict[str, float] = field(default_factory=dict)
    lacking: dict[str, Lacking] = field(default_factory=dict)
    health: float = 0.0
    health_of_peer: float = 0.0


@cache
def session() -> Session:
    """All measurements; made once, by whoever asks first."""
    found = Session()
    with contextlib.ExitStack() as held, contextlib.ExitStack() as busy:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.scrape_servers", "ours", str(port)]
        ours = held.enter_context(ended(Peer(command, port)))
        ours.ready("/-/healthy")
        text = plain(ours.get("/metrics", TEXT))
        (directory / "samples").write_text(text, encoding="utf-8")
        found.series = len(samples(text))

        def gateway() -> Peer:
            peer = busy.enter_context(ended(pushgateway()))
            peer.ready()
            peer.put("/metrics/job/same", text.encode())
            return peer

        starts: dict[str, Callable[[], Peer]] = {
            CLIENT: lambda: held.enter_context(ended(client_app(directory / "samples"))),
            GATEWAY: gateway,
            QUERIES: lambda: busy.enter_context(ended(query_exporter(text, directory))),
        }
        peers: dict[str, Peer] = {}
        for name, start in starts.items():
            try:
                peers[name] = start()
                peers[name].ready()
                _check(name, text, peers[name])
            except Lacking as lacking:
                peers.pop(name, None)
                found.lacking[name] = lacking
        _compare(found, ours, peers)
        ours.get("/-/steady")
        found.anytime = _at_random(ours)
        ours.get("/-/steady")
        busy.close()
        with spared():
            ours.get("/-/flat-out")
            found.health = _health(ours)
            ours.get("/-/flat-out")
            found.health_of_peer = _health(peers[CLIENT])
    return found


def _check(name: str, text: str, peer: Peer) -> None:
    """Sample by sample; a peer that fills itself is given time. SystemExit where it has others in the end."""
    ours = samples(text)
    if name == QUERIES:  # it takes NaN for what is missing
        ours = {key: value for key, value in ours.items() if value == value}
    end = time.monotonic() + 60
    while different := unlike(
        ours, samples(plain(peer.get("/metrics", TEXT)), frozenset({"job", "instance", "database"}))
    ):
        if name != QUERIES or time.monotonic() > end:
            raise SystemExit(f"{name} has other samples: {different}")
        time.sleep(1)


def _compare(found: Session, ours: Peer, peers: dict[str, Peer]) -> None:
    mine: list[float] = []
    hasty: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(ROUNDS):
        ours.get("/-/change")
        hasty.append(seconds(ours))
        ours.get("/-/change")
        time.sleep(MOMENT)
        mine.append(seconds(ours))
        for name, peer in peers.items():
            theirs[name].append(seconds(peer, compressed=name != QUERIES))
    found.ours, found.at_once = statistics.median(mine), statistics.median(hasty)
    found.peers = {name: statistics.median(each) for name, each in theirs.items()}


def _at_random(ours: Peer) -> list[float]:
    chance, took = random.Random(1), []
    for _ in range(RANDOM):
        time.sleep(chance.uniform(0.0, 2 * APART))
        took.append(seconds(ours))
    return took


def _health(peer: Peer) -> float:
    """The slowest in a hundred of many health checks, while another connection scrapes without a pause."""
    over = threading.Event()

    def scrape() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=60)
        while not over.is_set():
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            connection.getresponse().read()
        connection.close()

    scraping = threading.Thread(target=scrape)
    scraping.start()
    took = []
    try:
        end = time.monotonic() + 30
        while len(took) < PROBES and time.monotonic() < end:
            start = time.perf_counter()
            peer.get("/-/healthy")
            took.append(time.perf_counter() - start)
            time.sleep(BETWEEN)
    finally:
        over.set()
        scraping.join()
    return statistics.quantiles(took, n=100)[-1]


def bars() -> list[Bar | Figure]:
    """What is asked of a scrape of 100,000 series, and of a health check beside it."""
    return [
        Figure("gzip scrape, 100k series, 10 % dirty, against prometheus_client", "×", _against(CLIENT), 40, 80, True),
        Figure("gzip scrape, 100k series, 10 % dirty, against pushgateway", "×", _against(GATEWAY), 8, 25, True),
        Figure("gzip scrape, 100k series, 10 % dirty, against query-exporter", "×", _against(QUERIES), at_least=True),
        Figure(ANYTIME, "×", _anytime, 40, at_least=True),
        Figure("/-/healthy p99 during flat-out ingest and scraping of 100k series", "ms", _healthy, 25, 12),
    ]


def _against(name: str) -> Callable[[], Found]:
    def measure() -> Found:
        found = session()
        if name in found.lacking:
            raise found.lacking[name]
        ours, theirs = found.ours, found.peers[name]
        times = f"{ours * 1e3:.1f} ms and {theirs * 1e3:.0f} ms, right after a poll {found.at_once * 1e3:.0f} ms"
        return Found(theirs / ours, note=f"{times}; {found.series:,} series")

    return measure


def _anytime() -> Found:
    """Our slowest against the other's median."""
    found = session()
    if CLIENT in found.lacking:
        raise found.lacking[CLIENT]
    theirs, slowest = found.peers[CLIENT], statistics.quantiles(found.anytime, n=100)[-1]
    middle = statistics.median(found.anytime)
    note = f"half within {middle * 1e3:.1f} ms, 99 % within {slowest * 1e3:.1f} ms, against {theirs * 1e3:.0f} ms"
    return Found(theirs / slowest, note=note)


def _healthy() -> Found:
    found = session()
    return Found(found.health * 1e3, found.health_of_peer * 1e3)
