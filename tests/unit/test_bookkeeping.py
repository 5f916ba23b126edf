"""A commit whose answer was lost: what became of it is asked before anything else is decided."""

import pytest

from exporter.ledger import Ledger
from exporter.model import HOUR, MINUTE, Decision, Family
from exporter.poller.bookkeeping import Bookkeeper
from exporter.poller.reporting import Reporter
from exporter.state import CommitFailed, CommitUnsettled, MemoryStore
from tests.builders import T0, checkpoint, counted, ledger, operation, reading

NOW = T0 + HOUR


class LosingStore(MemoryStore):
    """A store that loses answers: `stored` is what becomes of the commit, `silent` whether it cannot be asked yet."""

    def __init__(self, stored: bool) -> None:
        super().__init__()
        self.stored, self.loses, self.silent = stored, False, False
        self.asked = 0

    def commit(self, decision: Decision) -> None:
        if not self.loses:
            return super().commit(decision)
        self.loses = False
        if self.stored:
            super().commit(decision)
        raise CommitUnsettled("state: the connection was lost", self._was_stored)

    def _was_stored(self) -> bool:
        if self.silent:
            raise CommitFailed("state: the server does not answer")
        self.asked += 1
        return self.stored

    def counted(self) -> dict[tuple[str, ...], int]:
        totals = self.recall().totals
        return {total.labels: value for total, value in totals.items() if total.family is Family.OPERATIONS and value}


@pytest.fixture(params=[True, False], ids=["stored", "not-stored"])
def store(request: pytest.FixtureRequest) -> LosingStore:
    return LosingStore(request.param)


def keeper(book: Ledger, store: LosingStore) -> Bookkeeper:
    return Bookkeeper(book, store, Reporter("main", ("wallet", "shop")))


async def lose_the_answer(keeping: Bookkeeper, store: LosingStore) -> None:
    store.loses = True
    with pytest.raises(CommitUnsettled):
        await keeping.take([reading([operation("a"), operation("b", status="new")])], NOW)


async def test_what_was_read_is_counted_once_in_memory_and_in_the_store(store: LosingStore) -> None:
    book = ledger()
    keeping = keeper(book, store)
    await lose_the_answer(keeping, store)
    assert counted(book) == {}

    await keeping.take([reading([operation("a"), operation("b"), operation("c")])], NOW + MINUTE)
    assert sum(counted(book).values()) == 3
    assert store.counted() == counted(book)
    assert len(store.recall().entries) == 3
    await keeping.take([reading([operation("a"), operation("b"), operation("c")])], NOW + 2 * MINUTE)
    assert sum(counted(book).values()) == 3
    assert store.asked == 1


async def test_nothing_is_decided_before_the_store_has_said_what_became_of_it(store: LosingStore) -> None:
    book = ledger()
    keeping = keeper(book, store)
    await lose_the_answer(keeping, store)
    before, store.silent = store.counted(), True
    with pytest.raises(CommitFailed):
        await keeping.take([reading([operation("a"), operation("c")])], NOW + MINUTE)
    with pytest.raises(CommitFailed):
        await keeping.skip({"wallet": checkpoint(watermark=NOW)}, {}, NOW + MINUTE)
    assert (counted(book), store.counted()) == ({}, before)

    store.silent = False
    await keeping.take([reading([operation("a"), operation("c")])], NOW + 2 * MINUTE)
    assert sum(counted(book).values()) == 2
    assert store.counted() == counted(book)


async def test_watermarks_that_are_put_further_on_do_not_bury_what_was_read(store: LosingStore) -> None:
    book = ledger()
    keeping = keeper(book, store)
    await lose_the_answer(keeping, store)
    await keeping.skip({"wallet": checkpoint(watermark=NOW)}, {}, NOW + MINUTE)

    assert sum(counted(book).values()) == (1 if store.stored else 0)
    assert store.counted() == counted(book)
    assert store.asked == 1
