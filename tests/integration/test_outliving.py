"""What the store has let go of and memory still holds is not new when it is met again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.ledger import Ledger
from exporter.model import DAY, HOUR, MINUTE, SECOND, Family, Span
from exporter.poller.bookkeeping import Bookkeeper
from exporter.poller.reporting import Reporter
from exporter.state import MemoryStore, SqliteStore
from exporter.state.base import Store
from tests.builders import POLICY, T0, counted, ledger, operation, reading

SUCCESS = ("wallet", "success", "ok", "00", "0", "none")
PATIENT = replace(POLICY, follow_pending=7 * DAY)


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: dict[str, Callable[[], Store]] = {"sqlite": lambda: SqliteStore(tmp_path / "state.db"), "memory": MemoryStore}
    return made[request.param]()


def keeping(book: Ledger, store: Store) -> Bookkeeper:
    return Bookkeeper(book, store, Reporter("main", ("wallet", "shop")))


async def test_one_that_is_followed_for_longer_than_the_store_keeps_it_stays_known(store: Store) -> None:
    book = ledger(policy=PATIENT)
    keeper, old = keeping(book, store), operation("p", T0 - 30 * MINUTE, "new")
    await keeper.take([reading([old])], T0 + MINUTE)
    now = T0 + 60 * HOUR
    await keeper.take([reading([], Span(T0, now))], now)
    for hour in range(3):
        await keeper.expire(now + hour * HOUR - PATIENT.kept)
        await keeper.take([reading([old], Span(old.created, old.created + 1))], now + hour * HOUR)

    assert counted(book, Family.RECORDS) == {("main", "new"): 1, ("main", "repeated"): 3}


async def test_one_that_went_back_to_pending_is_known_when_it_becomes_final_after_days(store: Store) -> None:
    book = ledger(policy=PATIENT)
    keeper, one = keeping(book, store), operation("c", T0 + MINUTE)
    await keeper.take([reading([one])], T0 + 2 * MINUTE)
    await keeper.take([reading([one._replace(status="new", code="", reason_code="")])], T0 + 3 * MINUTE)
    now = T0 + 60 * HOUR
    await keeper.take([reading([], Span(T0, now))], now)
    await keeper.expire(now - PATIENT.kept)
    await keeper.take([reading([one], Span(one.created, one.created + 1))], now + MINUTE)

    assert sum(counted(book, Family.STATUS_CHANGES).values()) == 2
    assert counted(book) == {SUCCESS: 1}


async def test_a_store_that_has_let_go_of_everything_leads_to_no_second_count(store: Store) -> None:
    book = ledger()
    keeper, ops = keeping(book, store), [operation(name, T0 + MINUTE) for name in "abc"]
    now = T0 + 2 * MINUTE
    await keeper.take([reading(ops, Span(T0, now + DAY), complete=False)], now)  # the watermark stays
    await keeper.expire(now + 400 * DAY)
    await keeper.take([reading(ops, Span(T0, now + DAY), complete=False)], now + SECOND)

    assert counted(book) == {SUCCESS: 3}
