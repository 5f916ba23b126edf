"""However a bank's list is cut, shuffled, repeated and interrupted: the same totals."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import Ledger
from exporter.model import HOUR, SECOND, Family, Operation, Remembered, Total
from exporter.state import MemoryStore
from tests.builders import T0, checkpoint, ledger, operation, reading


@dataclass(frozen=True)
class Life:
    """An operation as the bank shows it over time: pending first, or final at once."""

    name: int
    created: int
    amount: int
    stages: tuple[str, ...]


_LIVES = st.lists(
    st.builds(
        Life,
        name=st.integers(0, 40),
        created=st.integers(T0 - 300 * SECOND, T0 + 300 * SECOND),
        amount=st.integers(0, 10**9),
        stages=st.sampled_from([("ok",), ("failed",), ("new", "ok"), ("new", "new", "failed"), ("odd",)]),
    ),
    max_size=30,
    unique_by=lambda life: life.name,
)

_EXACT = {Family.OPERATIONS, Family.AMOUNT, Family.AMOUNT_BUCKET, Family.AMOUNT_SUM}


def _expected(lives: list[Life]) -> tuple[int, int]:
    ours = [life for life in lives if life.created >= T0]
    return len(ours), sum(life.amount for life in ours)


def _found(book: Ledger) -> tuple[int, int]:
    operations = sum(value for total, value in book.totals.items() if total.family is Family.OPERATIONS)
    amount = sum(value for total, value in book.totals.items() if total.family is Family.AMOUNT)
    return operations, amount


def _exact(book: Ledger) -> dict[Total, int]:
    return {total: value for total, value in book.totals.items() if total.family in _EXACT}


def _shown(life: Life, stage: int) -> Operation:
    status = life.stages[min(stage, len(life.stages) - 1)]
    return operation(life.name, life.created, status, amount=life.amount)


@given(lives=_LIVES, data=st.data())
def test_any_split_order_and_repetition_of_pages_gives_the_truth(lives: list[Life], data: st.DataObject) -> None:
    store = MemoryStore()
    begin = {"wallet": checkpoint(), "shop": checkpoint()}
    book = ledger(Remembered(begin, (), {}))
    stages = dict.fromkeys(range(41), 0)
    watermark = T0
    for poll in range(data.draw(st.integers(1, 6), label="polls")):
        now = T0 + (poll + 1) * 60 * SECOND
        seen = data.draw(st.lists(st.sampled_from(lives), max_size=40), label="seen") if lives else []
        readings = [
            reading([_shown(life, stages[life.name]) for life in page], complete=data.draw(st.booleans()))
            for page in (seen[::2], seen[1::2])
        ]
        decision = book.decide(readings, now)
        if data.draw(st.booleans(), label="committed"):
            store.commit(decision)
            book.apply(decision)
            for life in seen:
                stages[life.name] = min(stages[life.name] + 1, len(life.stages) - 1)
        if data.draw(st.booleans(), label="killed"):
            kept = store.recall()
            book = ledger(Remembered({**begin, **kept.checkpoints}, kept.entries, kept.totals))
        assert book.checkpoints["wallet"].watermark >= watermark
        watermark = book.checkpoints["wallet"].watermark

    last = reading([_shown(life, len(life.stages)) for life in reversed(lives)])
    book.apply(book.decide([last], T0 + HOUR))

    assert _found(book) == _expected(lives)
    assert _exact(book) == _at_one_go(lives)


def _at_one_go(lives: list[Life]) -> dict[Total, int]:
    book = ledger()
    book.apply(book.decide([reading([_shown(life, len(life.stages)) for life in lives])], T0 + HOUR))
    return _exact(book)


@given(lives=_LIVES)
def test_totals_never_go_back_whatever_changes_later(lives: list[Life]) -> None:
    book = ledger()
    before: dict[Total, int] = {}
    for poll, status in enumerate(("new", "ok", "failed", "new", "odd", "ok")):
        shown = [operation(life.name, life.created + poll, status, amount=life.amount) for life in lives]
        book.apply(book.decide([reading(shown)], T0 + (poll + 6) * 60 * SECOND))
        assert all(book.totals[total] >= value for total, value in before.items())
        before = dict(book.totals)

    assert _found(book)[0] == sum(1 for life in lives if life.created + 5 >= T0)
