"""`python -m benchmarks.outside`: the exporter as its users have it, from outside, at the size that it is made for.

`epay-exporter simulate` is the bank of 1000 terminals with some 100 operations a second, `epay-exporter run` reads it
with its default settings (but for the history, which would be read for days), and everything is asked over HTTP. The
last window is whole when an hour of operations has been read and swept: 360,000 records in pages of 500, within a
budget of five requests a second that heads and sweeps need, too. That takes three and a half minutes, more on a busy
machine, and is given up after fifteen. Then prometheus_client's own ASGI app is given the same samples, and the two are
scraped in turns.
"""

import argparse
import contextlib
import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.__main__ import machine, table
from benchmarks.bars import Bar, Figure, Found, measured
from benchmarks.peers import TEXT, Peer, client_app, end_in_order, ended, free_port, plain, samples, seconds, unlike
from exporter.simulator.world import terminal

TERMINALS = 1000
SCRAPES = 5
EVERY = 5.0
LONGEST_START = 900.0
CONFIGURATION = """accounts:
  - token_url: http://127.0.0.1:{bank}/oauth2/token
    operations_url: http://127.0.0.1:{bank}/api/p2p/operations
    username: demo
    password: demo
    client_id: demo
    client_secret: demo
    terminals: [{terminals}]
baseline: {{history: 0s}}
state: {{url: "sqlite:///{state}"}}
"""


def figures(start: float) -> list[Bar | Figure]:
    """What was seen, against what is asked. `start`: seconds until it is given up to wait for the last window."""
    with contextlib.ExitStack() as held:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory()))
        bank, exporter = _started(held, directory)
        whole, waited = _rested(exporter, start)
        before, began = plain(exporter.get("/metrics", TEXT)), time.monotonic()
        (directory / "samples").write_text(before, encoding="utf-8")
        peer = held.enter_context(ended(client_app(directory / "samples")))
        peer.ready()
        ours = samples(before)
        if different := unlike(ours, samples(plain(peer.get("/metrics", TEXT)))):
            raise SystemExit(f"prometheus_client has other samples: {different}")
        mine, theirs, bank_before = [], [], bank.cpu()
        for _ in range(SCRAPES):
            time.sleep(EVERY)
            mine.append(seconds(exporter))
            theirs.append(seconds(peer))
        resident, peak = exporter.resident(), exporter.peak()
        after, took = plain(exporter.get("/metrics", TEXT)), time.monotonic() - began
        requests = (_sum(after, "epay_api_requests_total") - _sum(before, "epay_api_requests_total")) / took
        cpu = (_sum(after, "process_cpu_seconds_total") - _sum(before, "process_cpu_seconds_total")) / took
        operations = _sum(after, "epay_window_operations", 'window="5m"') / 300
        bank_cpu = (bank.cpu() - bank_before) / took
    ratio, ms = statistics.median(theirs) / statistics.median(mine), 1e3 * statistics.median(mine)
    told = f"{ms:.1f} ms and {1e3 * statistics.median(theirs):.0f} ms"
    state = f"all windows whole after {waited:.0f} s" if whole else f"windows not whole after {waited:.0f} s"
    return [
        _figure("operations a second at the bank", "", Found(operations, note=state)),
        _figure("series", "", Found(len(ours)), 50_000, at_least=True),
        _figure("gzip scrape, against prometheus_client", "×", Found(ratio, note=told), 40, 80, at_least=True),
        _figure("resident memory", "MiB", Found(resident / 2**20), 300),
        _figure("resident memory at its peak", "MiB", Found(peak / 2**20)),
        _figure("requests a second", "", Found(requests), 6),
        _figure("processor of the exporter", "cores", Found(cpu)),
        _figure("processor of the simulator", "cores", Found(bank_cpu)),
    ]


def _figure(
    name: str,
    unit: str,
    found: Found,
    must: float | None = None,
    stretch: float | None = None,
    *,
    at_least: bool = False,
) -> Figure:
    return Figure(f"from outside: {name}", unit, lambda: found, must, stretch, at_least)


def _started(held: contextlib.ExitStack, directory: Path) -> tuple[Peer, Peer]:
    """The bank at its busiest hour, and the exporter before it."""
    port, web = free_port(), free_port()
    variants = {"terminals": TERMINALS, "local-hour": 18}
    simulate = ["-m", "exporter", "simulate", f"--listen=127.0.0.1:{port}"]
    simulate += [f"--variant={name}={value}" for name, value in variants.items()]
    bank = held.enter_context(ended(Peer([sys.executable, *simulate], port)))
    bank.ready("/truth?from=0&to=1")
    ids = ", ".join(f'{{id: "{terminal(index).number}"}}' for index in range(TERMINALS))
    config = directory / "config.yaml"
    state = directory / "state.db"
    config.write_text(CONFIGURATION.format(bank=port, terminals=ids, state=state), encoding="utf-8")
    run = ["-m", "exporter", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{web}", "--log.level=error"]
    exporter = held.enter_context(ended(Peer([sys.executable, *run], web)))
    exporter.ready("/-/healthy")
    return bank, exporter


def _rested(exporter: Peer, patience: float) -> tuple[bool, float]:
    """Whether all windows have become whole in time, and after how many seconds that was known."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < patience:
        time.sleep(min(10.0, patience - waited))
        if _sum(plain(exporter.get("/metrics", TEXT)), "epay_window_complete") >= TERMINALS:
            return True, time.monotonic() - began
    return False, waited


def _sum(text: str, name: str, label: str = "") -> float:
    found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    return sum(float(value) for labels, value in found if label in labels)


def main() -> int:
    """Measure and show."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.outside", description=__doc__.partition("\n")[0])
    arguments.add_argument("--json", type=Path, metavar="FILE")
    arguments.add_argument(
        "--start", type=float, default=LONGEST_START, metavar="SECONDS", help="longest wait for windows"
    )
    asked = arguments.parse_args()
    end_in_order()
    results = [measured(each) for each in figures(asked.start)]
    Console(width=140, highlight=False).print(table(results))
    if asked.json:
        data = {"machine": machine(), "bars": [each.as_data() for each in results]}
        asked.json.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
