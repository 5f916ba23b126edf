"""What is done for scrapes beforehand."""

import asyncio
import contextlib
import threading

import pytest

from exporter.app.preparing import keep_prepared
from exporter.exposition import Exposition
from exporter.model import MINUTE, Instant, Snapshot, Supervision
from exporter.poller import Publication


class _Faulty(Exposition):
    """Fails with the first snapshot, as a defect would."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.news = threading.Semaphore(0)

    def prepare(self, snapshot: Snapshot, now: Instant) -> None:
        self.asked += 1
        self.news.release()
        if self.asked == 1:
            raise ZeroDivisionError
        super().prepare(snapshot, now)


async def test_a_defect_in_rendering_is_logged_and_the_next_snapshot_is_prepared_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    publication, exposition = Publication(MINUTE), _Faulty()
    preparing = asyncio.create_task(keep_prepared(publication, publication.current, exposition, lambda: 0))
    for turn in (1, 2):
        publication.arrange((), MINUTE, Supervision())
        assert await asyncio.to_thread(exposition.news.acquire, timeout=10), turn

    assert not preparing.done()
    preparing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await preparing
    assert "ZeroDivisionError" in "".join(capsys.readouterr())


async def test_however_much_is_published_preparing_takes_a_tenth_of_the_time() -> None:
    publication = Publication(MINUTE)
    now, prepared, over = 0.0, 0, asyncio.Event()

    class Slow(Exposition):
        def prepare(self, snapshot: Snapshot, now_: Instant) -> None:
            nonlocal now, prepared
            now, prepared = now + 0.25, prepared + 1
            super().prepare(snapshot, now_)

    async def published_meanwhile(seconds: float) -> None:
        nonlocal now
        for _ in range(10):
            publication.arrange((), MINUTE, Supervision())
        now += seconds
        if now >= 100:
            over.set()
        await asyncio.sleep(0)

    publication.arrange((), MINUTE, Supervision())
    preparing = asyncio.create_task(
        keep_prepared(publication, publication.current, Slow(), lambda: 0, lambda: now, published_meanwhile)
    )
    await asyncio.wait_for(over.wait(), 10)
    preparing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await preparing
    assert prepared == pytest.approx(40, abs=1)
