"""The configuration read again while the process runs: checked first, applied whole or not at all, one at a time."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from exporter import logs
from exporter.app.clock import wall_clock
from exporter.app.doubting import tell_doubts
from exporter.app.fleet import Change
from exporter.app.secrecy import readable_secrets, unreadable_secrets
from exporter.app.trusting import warn_of_expired_authorities
from exporter.config import Config, ConfigInvalid, Problem, load
from exporter.instrumentation import Instruments
from exporter.state import CommitFailed, StateUnusable
from exporter.web import Refusal

_STOPPING: Final = ("the exporter is stopping",)


class ReloadRefused(Exception):
    """The file cannot be applied, and nothing has changed; `problems` are lines for a person."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Reader(Protocol):
    """What reads the accounts of a configuration, and can go over to another one."""

    async def apply(self, config: Config) -> Change:
        """Become what a configuration says. Raises StateUnusable or CommitFailed, and then all goes on as it was."""


class Reloader:
    """Reads the file again when asked. Who asks while a reload is under way shares the next one with all who wait."""

    def __init__(self, path: Path, config: Config, reader: Reader, instruments: Instruments) -> None:
        self._path = path
        self._state = config.state_url, config.lease
        self._reader = reader
        self._instruments = instruments
        self._asked: list[asyncio.Future[Sequence[str]]] = []
        self._wanted = asyncio.Event()
        self._over = False
        self._refusal: Refusal | None = None
        self._log = structlog.get_logger("epay.app")

    def refused(self) -> Refusal | None:
        """The last reload, where it was refused."""
        return self._refusal

    def ask(self) -> asyncio.Future[Sequence[str]]:
        """Have a reload made that begins after this; the result is what was wrong, empty where nothing was."""
        answer: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self._wanted.set()
        if self._over:
            _answer([answer], _STOPPING)
        return answer

    async def run(self) -> None:
        """Reload as often as asked, until cancelled."""
        asked: list[asyncio.Future[Sequence[str]]] = []
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                asked, self._asked = self._asked, []
                _answer(asked, await self._reload())
        finally:
            self._over = True  # the web side has some seconds yet, and may ask
            _answer([*asked, *self._asked], _STOPPING)

    async def _reload(self) -> Sequence[str]:
        try:
            done = await self._apply()
        except ReloadRefused as refused:
            self._refuse(refused.problems)
            self._log.error("configuration refused: the one in use stays", reason=str(refused))
            return refused.problems
        except Exception:  # noqa: BLE001  a defect of ours must not end the exporter, which goes on as it was
            self._refuse(problems := ("a defect of the exporter: see the log",))
            self._log.exception("defect")
            return problems
        self._refusal = None
        self._instruments.configuration_applied(wall_clock())
        self._log.info(
            "configuration reloaded",
            kept=len(done.kept),
            changed=", ".join(done.changed),
            added=", ".join(done.added),
            removed=", ".join(done.removed),
        )
        return ()

    def _refuse(self, problems: Sequence[str]) -> None:
        self._instruments.configuration_refused()
        self._refusal = Refusal(wall_clock(), problems[0], len(problems) - 1)

    async def _apply(self) -> Change:
        try:
            config = await asyncio.to_thread(load, self._path, os.environ)
        except ConfigInvalid as invalid:
            raise ReloadRefused([str(problem) for problem in invalid.problems]) from None
        if problems := await asyncio.to_thread(unreadable_secrets, config):
            raise ReloadRefused(problems)
        if (config.state_url, config.lease) != self._state:
            text = "cannot be changed while the exporter runs"
            raise ReloadRefused([str(Problem(str(self._path), 0, "state.url", text, "restart it for that"))])
        logs.mask(readable_secrets(config))
        warn_of_expired_authorities(config)
        tell_doubts(config)
        try:
            return await self._reader.apply(config)
        except (StateUnusable, CommitFailed) as error:
            raise ReloadRefused([str(error)]) from None


def _answer(asked: Iterable[asyncio.Future[Sequence[str]]], problems: Sequence[str]) -> None:
    for answer in asked:
        if not answer.done():  # else nobody waits for it any more
            answer.set_result(problems)
