"""What every store promises."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.model import DAY, Decision, Family, Outcome, Total
from exporter.state import CommitFailed, MemoryStore, SqliteStore, StateUnusable, Store, open_store
from tests.builders import T0, ledger, operation, reading


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")
    yield opened
    opened.close()


def _decision() -> Decision:
    book = ledger()
    mixed = [operation("a"), operation("b", status="new"), operation("c", status="failed", amount=1)]
    return book.decide([reading(mixed)], T0 + 60_000_000)


def test_what_was_committed_is_recalled(store: Store) -> None:
    decision = _decision()
    store.commit(decision)
    remembered = store.recall()

    assert set(remembered.entries) == set(decision.entries)
    assert remembered.totals == decision.increments
    assert remembered.checkpoints == decision.checkpoints
    assert all(isinstance(entry.key.outcome, Outcome) for entry in remembered.entries)


def test_totals_add_up_and_entries_are_replaced(store: Store) -> None:
    first = _decision()
    store.commit(first)
    store.commit(replace(first, forgotten=(first.entries[0].id,), entries=first.entries[1:]))
    remembered = store.recall()

    assert remembered.totals == {total: 2 * value for total, value in first.increments.items()}
    assert set(remembered.entries) == set(first.entries[1:])


def test_a_new_store_knows_nothing(store: Store) -> None:
    remembered = store.recall()

    assert (remembered.checkpoints, remembered.entries, remembered.totals) == ({}, (), {})


def test_a_sqlite_state_outlives_the_process(tmp_path: Path) -> None:
    decision = _decision()
    first = SqliteStore(tmp_path / "state.db")
    first.commit(decision)
    first.close()
    again = SqliteStore(tmp_path / "state.db")

    assert set(again.recall().entries) == set(decision.entries)
    again.close()


def test_a_commit_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    total = Total(Family.OPERATIONS, ("wallet",))
    with pytest.raises(CommitFailed):
        store.commit(replace(_decision(), increments={Total(Family.AMOUNT, ("a",)): 1, total: 2**70}))

    assert store.recall().totals == {}
    assert store.recall().entries == ()
    store.commit(_decision())
    assert len(store.recall().entries) == 3
    store.close()


def test_two_processes_cannot_share_a_file(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "state.db")
    with pytest.raises(StateUnusable, match="another process uses this file"):
        SqliteStore(tmp_path / "state.db")
    first.close()


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE notes (text)")
    db.close()


def _newer(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("not a database, but long enough to be one" * 100), "not a database"),
        (_foreign, "another program"),
        (_newer, "newer version"),
        (Path.mkdir, "cannot be"),
    ],
)
def test_a_file_that_is_not_ours_is_left_as_it_is(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    path = tmp_path / "state.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StateUnusable, match=words):
        SqliteStore(path)

    assert before == (path.read_bytes() if path.is_file() else None)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="does not exist"):
        open_store(f"sqlite:///{tmp_path}/nowhere/state.db")


def test_ids_are_kept_for_a_day_of_pending(store: Store) -> None:
    book = ledger()
    pending = book.decide([reading([operation("p", status="new")])], T0)
    store.commit(pending)
    book.apply(pending)
    later = book.decide([reading()], T0 + DAY - 1)
    store.commit(later)

    assert len(store.recall().entries) == 1
