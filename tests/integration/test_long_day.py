"""A long day of polls and sweeps: what is remembered stays as much as it was after the first hours."""

import gc
import tracemalloc
from pathlib import Path

from exporter.model import HOUR, MINUTE, SECOND
from exporter.state import SqliteStore
from tests.adapters.world import World
from tests.builders import operation

STEP = 30 * SECOND
AT_ONCE = 5
FROM, TO = 5, 9
TOLERANCE = 1.15
"""Were ids alone kept for ever, it would be a third more; tables that double are a little."""


async def _hour(world: World) -> None:
    """Some operations at each poll, and a sweep every five minutes. What the stand-ins keep is forgotten."""
    for turn in range(HOUR // STEP):
        now = world.bank_time()
        world.bank.put(*(operation((now, number), now) for number in range(AT_ONCE)))
        await world.poll(STEP)
        if turn % (5 * MINUTE // STEP) == 0:
            await world.poller.sweep()
            await world.poller.reconcile()
    old = [id_ for id_, each in world.bank.operations.items() if each.created < world.bank_time() - 3 * HOUR]
    for id_ in old:
        del world.bank.operations[id_]
    world.bank.asked.clear()
    world.recorder.events.clear()
    gc.collect()


async def test_memory_does_not_grow_with_the_hours(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    world = World(store=store)
    traced = []
    tracemalloc.start()
    try:
        for _ in range(TO):
            await _hour(world)
            traced.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        store.close()

    assert world.counted() == TO * HOUR // STEP * AT_ONCE
    assert traced[-1] < TOLERANCE * traced[FROM - 1], traced
