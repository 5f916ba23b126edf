"""What the log says of sweeps that take long: advice where a setting would help, and none where it would not."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from exporter.bank import BankError, Unreachable
from exporter.model import MINUTE, SECOND, Assignment, Decision
from exporter.state import CommitFailed, MemoryStore
from tests.adapters.fakes import FakeClock
from tests.adapters.world import World
from tests.builders import operation

SLOW = "sweep takes longer than its interval"


@pytest.fixture(autouse=True)
def _plain_logging() -> None:
    structlog.reset_defaults()


class AwayStore(MemoryStore):
    """A database that each commit waits for, for longer than there is between two sweeps; in vain where it is away."""

    away = slow = False

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def commit(self, decision: Decision) -> None:
        if self.away or self.slow:
            self._clock.advance(2 * MINUTE)
        if self.away:
            raise CommitFailed("state: the server does not answer")
        super().commit(decision)


def said(lines: Sequence[MutableMapping[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


def slow_bank(world: World, error: BankError | None = None) -> None:
    """From now on each of its answers takes longer than there is between two sweeps."""

    def slow(_: Assignment) -> BankError | None:
        world.clock.advance(2 * MINUTE)
        return error

    world.bank.fail = slow


async def test_a_sweep_that_waits_in_vain_for_the_database_is_not_called_slow() -> None:
    clock = FakeClock()
    store = AwayStore(clock)
    world = World(store=store, clock=clock)
    await world.poll()
    world.bank.put(operation("late", clock.now - SECOND))
    store.away = True
    with capture_logs() as lines:
        await world.poller.sweep()
    assert said(lines) == ["sweep failed"]

    store.away = False
    slow_bank(world)
    with capture_logs() as lines:
        await world.poller.sweep()
        await world.poller.sweep()
    assert SLOW in said(lines)


async def test_a_sweep_that_waits_until_the_database_is_back_is_not_called_slow() -> None:
    clock = FakeClock()
    store = AwayStore(clock)
    world = World(store=store, clock=clock)
    await world.poll()
    with capture_logs() as lines:
        for store.slow in (True, False, True):
            world.bank.put(operation(clock.now, clock.now - SECOND))
            await world.poller.sweep()
    assert lines == []


async def test_a_sweep_that_waits_in_vain_for_the_bank_is_not_called_slow() -> None:
    world = World()
    await world.poll()
    slow_bank(world, Unreachable("timeout", "the bank does not answer"))
    with capture_logs() as lines:
        await world.poller.sweep()
    assert said(lines) == ["sweep failed"]


async def test_a_sweep_that_succeeds_and_takes_too_long_is_said_with_advice_once() -> None:
    world = World()
    await world.poll()
    slow_bank(world)
    with capture_logs() as lines:
        for _ in range(4):
            await world.poller.sweep()
    (line,) = lines
    assert (line["event"], line["seconds"], line["interval_seconds"]) == (SLOW, 120, 60)
    assert "poll.sweep_interval" in line["advice"]
