"""The exporter against the built-in bank, in one process: nothing to configure, no account needed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.app.clock import wall_clock
from exporter.app.running import Options, run
from exporter.app.starting import StartFailed
from exporter.config import load
from exporter.simulator.server import Settings, serve
from exporter.simulator.world import TERMINALS

_CONFIGURATION = """\
accounts:
  - name: demo
    token_url: {bank}/oauth2/token
    operations_url: {bank}/api/p2p/operations
    username: demo
    password: demo
    client_id: demo
    client_secret: demo
    terminals:
{terminals}
poll: {{interval: 5s, requests_per_second: 50}}
windows: [1m, 5m, 15m, 1h]
state: {{url: "memory:"}}
"""

_NAMES = ("wallet", "marketplace", "courier", "lombard", "school", "museum")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the demo's two halves answer."""

    bank: str
    exporter: tuple[str, ...]


async def demo(
    settings: Settings, bank_listen: tuple[str, int], options: Options, announce: Callable[[Addresses], None]
) -> None:
    """Run simulator and exporter until interrupted. Raises StartFailed."""
    ready = asyncio.Event()
    address = ""

    def bank_ready(url: str) -> None:
        nonlocal address
        address = url
        ready.set()

    bank = asyncio.create_task(serve(settings, wall_clock, *bank_listen, bank_ready, signals=False))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({bank, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.is_set():
            try:
                await bank
            except OSError as error:
                raise StartFailed(error.strerror or str(error)) from None
        with TemporaryDirectory(prefix="epay-demo-") as directory:
            path = Path(directory) / "config.yaml"
            path.write_text(_CONFIGURATION.format(bank=address, terminals=_terminals()), encoding="utf-8")
            config = load(path, {})

        def exporter_ready(addresses: Sequence[str]) -> None:
            announce(Addresses(address, tuple(addresses)))

        await run(config, options, exporter_ready)
    finally:
        waiting.cancel()
        bank.cancel()
        await asyncio.gather(bank, waiting, return_exceptions=True)


def _terminals() -> str:
    names = dict(zip((terminal.number for terminal in TERMINALS), _NAMES, strict=True))
    return "\n".join(f'      - {{id: "{number}", name: {name}}}' for number, name in names.items())
