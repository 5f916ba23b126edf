"""What every store promises."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.model import DAY, HOUR, SLOTS_A_DAY, Decision, Family, Outcome, SlotDay, Span, Total
from exporter.state import CommitFailed, SqliteStore, StateUnusable, Store, open_store
from exporter.state.sqlite.schema import MIGRATIONS
from tests.builders import SHOP, T0, WALLET, id_of, ledger, operation, reading


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    kind = request.param
    url = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/state.db"}.get(kind)
    opened = open_store(url or request.getfixturevalue("database"))  # a server only where one is needed
    yield opened
    opened.close()


def _decision() -> Decision:
    book = ledger(dimensions=("sender_issuer", "sender_card_type"))
    issued = (("sender_issuer", "Халық банкі"), ("sender_card_type", ""))
    mixed = [operation("a"), operation("b", status="new"), operation("c", status="failed", amount=1, details=issued)]
    return book.decide([reading(mixed)], T0 + 60_000_000)


def _of_many_hours(count: int = 600) -> Decision:
    """Operations of every kind over six hours, and one long before."""
    book = ledger(dimensions=("sender_issuer",))
    many = [
        operation(
            n,
            T0 + n * 6 * HOUR // count,
            ("ok", "failed", "new", "odd")[n % 4],
            amount=n**3,
            number=(WALLET, SHOP)[n % 2].number,
            details=(("sender_issuer", ("A", "Халық банкі", "")[n % 3]),),
        )
        for n in range(count)
    ]
    return book.decide([reading([*many, operation("before", T0 - DAY, "new")])], T0 + 6 * HOUR)


def test_what_was_committed_is_recalled(store: Store) -> None:
    decision = _decision()
    store.commit(decision)
    remembered = store.recall()

    assert set(remembered.entries) == set(decision.entries)
    assert remembered.totals == decision.increments
    assert remembered.checkpoints == decision.checkpoints
    assert all(isinstance(entry.key.outcome, Outcome) for entry in remembered.entries)


def test_what_windows_are_broken_down_by_is_kept_with_the_operation_and_can_change(store: Store) -> None:
    book = ledger(dimensions=("sender_issuer",))
    for issuer in ("A", "B", "A", ""):
        decision = book.decide([reading([operation("a", details=(("sender_issuer", issuer),))])], T0 + HOUR)
        store.commit(decision)
        book.apply(decision)
        (entry,) = store.recall().entries
        assert entry.details == (("sender_issuer", issuer or "unknown"),)
        assert store.known([id_of("a")], ["wallet"]) == (entry,) == store.entries(Span(T0, T0 + 1))


def test_no_digest_of_who_paid_whom_is_stored(store: Store) -> None:
    book = ledger()
    decision = book.decide([reading([operation("a", likeness=0x7E57), operation("b", likeness=0x7E57)])], T0 + HOUR)
    store.commit(decision)

    assert len(decision.traces) == 2
    assert str(0x7E57) not in repr(store.recall())


def test_totals_add_up_and_entries_are_replaced(store: Store) -> None:
    first = _decision()
    store.commit(first)
    changed = tuple(entry._replace(amount=7) for entry in first.entries)
    store.commit(replace(first, entries=changed))
    remembered = store.recall()

    assert remembered.totals == {total: 2 * value for total, value in first.increments.items()}
    assert set(remembered.entries) == set(changed)


def test_entries_leave_with_time_and_followed_ones_stay(store: Store) -> None:
    book = ledger()
    decision = book.decide(
        [reading([operation("a"), operation("p", T0 + 1, "new"), operation("late", T0 + 2 * HOUR)])], T0 + 3 * HOUR
    )
    store.commit(decision)
    store.expire(T0 + HOUR)

    kept = {entry.id for entry in store.recall().entries}
    assert kept == {id_of("p"), id_of("late")}
    assert store.recall().since > T0 - HOUR
    store.expire(T0)
    assert store.recall().since > T0 - HOUR


def test_entries_of_a_span_are_found(store: Store) -> None:
    book = ledger()
    store.commit(book.decide([reading([operation(n, T0 + n * HOUR // 2) for n in range(6)])], T0 + 3 * HOUR))

    found = store.entries(Span(T0 + HOUR // 2, T0 + 2 * HOUR))
    assert {entry.id for entry in found} == {id_of(n) for n in (1, 2, 3)}


def test_an_operation_that_moves_in_time_is_kept_once(store: Store) -> None:
    book = ledger()
    for created in (T0, T0 + 2 * HOUR, T0 + HOUR):
        decision = book.decide([reading([operation("a", created)])], T0 + 3 * HOUR)
        store.commit(decision)
        book.apply(decision)

    assert [(entry.id, entry.created) for entry in store.recall().entries] == [(id_of("a"), T0 + HOUR)]


def test_only_what_can_be_met_again_is_recalled(store: Store) -> None:
    book = ledger()
    old, new = operation("old", T0 - HOUR), operation("new", T0 + 3 * HOUR - 1)
    store.commit(book.decide([reading([old, operation("p", T0, "new"), new])], T0 + 3 * HOUR))

    remembered = store.recall(["wallet", "shop"], HOUR)
    assert remembered.since == T0 + 2 * HOUR
    assert {entry.id for entry in remembered.entries} >= {id_of("new"), id_of("p")}


def _day(terminal: str = "wallet", day: int = 20_000, kind: str = "", value: int = 7) -> SlotDay:
    return SlotDay(terminal, day, kind, value.to_bytes(8, "little", signed=True) * SLOTS_A_DAY)


def test_days_of_history_are_kept_by_terminal_and_kind_and_replaced_whole(store: Store) -> None:
    first = [_day(), _day(kind="KZT"), _day("shop"), _day(day=20_001)]
    store.keep_history(first, 0)
    store.keep_history([_day(value=-1)], 0)

    assert set(store.history(["wallet", "stranger"])) == {_day(value=-1), _day(kind="KZT"), _day(day=20_001)}
    assert store.history(["shop"]) == (_day("shop"),)


def test_old_days_of_history_are_let_go(store: Store) -> None:
    store.keep_history([_day(day=day) for day in range(10)], 0)
    store.keep_history([_day(day=10)], 8)

    assert {day.day for day in store.history(["wallet"])} == {8, 9, 10}


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


def test_values_of_a_commit_that_failed_are_stored_with_the_next(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    with pytest.raises(CommitFailed):
        store.commit(replace(_decision(), increments={Total(Family.OPERATIONS, ("wallet",)): 2**70}))
    store.commit(_decision())
    store.close()
    again = SqliteStore(tmp_path / "state.db")

    assert set(again.recall().entries) == set(_decision().entries)
    again.close()


def _text(values: Iterable[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))


def _as_an_earlier_version_left_it(path: Path, steps: int, decision: Decision) -> None:
    """A file of which only the first steps have been taken, with what they have room for of a decision."""
    with sqlite3.connect(path) as db:
        for _, sql in MIGRATIONS[:steps]:
            db.executescript(sql)
        for name, mark in decision.checkpoints.items():
            row = (name, mark.counting_since, mark.covered_from, mark.watermark, mark.newest, mark.gap_end)
            db.execute("INSERT INTO terminals VALUES (?, ?, ?, ?, ?, ?)", row)
        for total, value in decision.increments.items():
            shown = total.family is Family.OPERATIONS
            db.execute("INSERT INTO totals VALUES (?, ?, ?, ?)", (total.family, _text(total.labels), value, shown))
        db.execute("UPDATE kept SET since = 7")
        for entry in decision.entries:
            db.execute("INSERT OR IGNORE INTO names (terminal) VALUES (?)", (entry.key.terminal,))
            labels = _text((*entry.key, entry.currency))
            db.execute("INSERT OR IGNORE INTO series (labels) VALUES (?)", (labels,))
            (terminal,) = db.execute("SELECT number FROM names WHERE terminal = ?", (entry.key.terminal,)).fetchone()
            (series,) = db.execute("SELECT number FROM series WHERE labels = ?", (labels,)).fetchone()
            stored = (entry.created // HOUR, entry.id, terminal, entry.created, series, entry.amount, entry.standing)
            if steps < _WITH_DETAILS:
                db.execute("INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?)", stored)
                continue
            details = None
            if entry.details:
                pairs = json.dumps(entry.details, ensure_ascii=False)
                db.execute("INSERT OR IGNORE INTO details (pairs) VALUES (?)", (pairs,))
                (details,) = db.execute("SELECT number FROM details WHERE pairs = ?", (pairs,)).fetchone()
            db.execute("INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*stored, details))
        if steps >= _WITH_HISTORY:
            day = _day()
            db.execute("INSERT INTO history VALUES (?, 1, ?, ?, ?)", (day.day, day.kind, day.values, day.origin))
        db.execute(f"PRAGMA application_id = {0x45504159}")
        db.execute(f"PRAGMA user_version = {steps}")
    db.close()


_WITH_HISTORY, _WITH_DETAILS, _IN_SEGMENTS = 2, 3, 4


@pytest.mark.parametrize("steps", range(1, _IN_SEGMENTS))
def test_a_file_of_an_earlier_version_is_taken_over_with_all_that_it_holds(tmp_path: Path, steps: int) -> None:
    decision = _of_many_hours()
    _as_an_earlier_version_left_it(tmp_path / "state.db", steps, decision)
    store = SqliteStore(tmp_path / "state.db")
    remembered = store.recall()

    there = {entry if steps >= _WITH_DETAILS else entry._replace(details=()) for entry in decision.entries}
    assert len(remembered.entries) == len(there) == 601
    assert set(remembered.entries) == there
    assert set(store.known([entry.id for entry in there], ["wallet", "shop"])) == there
    assert (remembered.totals, remembered.checkpoints) == (decision.increments, decision.checkpoints)
    assert remembered.unscraped == {total for total in decision.increments if total.family is not Family.OPERATIONS}
    assert remembered.since == store.kept_since == 7
    assert store.history(["wallet"]) == ((_day(),) if steps >= _WITH_HISTORY else ())

    store.commit(decision)
    store.close()
    again = SqliteStore(tmp_path / "state.db")
    assert set(again.recall().entries) == set(decision.entries)
    assert again.recall().totals == {total: 2 * value for total, value in decision.increments.items()}
    again.close()


def test_a_file_that_is_taken_over_gives_back_the_room_that_its_rows_took(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    _as_an_earlier_version_left_it(path, _IN_SEGMENTS - 1, _of_many_hours(4000))
    before = path.stat().st_size
    SqliteStore(path).close()

    assert path.stat().st_size < before


def test_a_file_that_cannot_be_taken_over_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    _as_an_earlier_version_left_it(path, _IN_SEGMENTS - 1, _decision())
    with sqlite3.connect(path) as db:
        db.execute("UPDATE operations SET standing = 'settled'")
    db.close()
    with pytest.raises(StateUnusable, match="damaged"):
        SqliteStore(path)

    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM operations").fetchone() == (3,)
        assert db.execute("PRAGMA user_version").fetchone() == (_IN_SEGMENTS - 1,)
    db.close()


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


def test_a_full_disk_is_named_and_the_next_commit_goes_on(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    many = ledger().decide([reading([operation(n, T0 + n) for n in range(2000)])], T0 + HOUR)
    with pytest.raises(CommitFailed, match="the disk is full"):
        store.commit(many)
    assert store.recall().entries == ()

    store._db.execute(f"PRAGMA max_page_count = {2**30}")
    store.commit(many)
    assert len(store.recall().entries) == 2000
    store.close()


def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    store.commit(ledger().decide([reading([operation(n, T0 + n) for n in range(2000)])], T0 + HOUR))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    damaged = path.read_bytes()
    with pytest.raises(StateUnusable, match="damaged"):
        SqliteStore(path).recall()

    assert path.read_bytes() == damaged


def test_a_new_state_file_is_nobody_else_s_business(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "state.db").close()

    assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0


def test_ids_are_found_whenever_their_operations_were_created(store: Store) -> None:
    book = ledger()
    store.commit(book.decide([reading([operation(n, T0 + n * HOUR) for n in range(5)])], T0 + 5 * HOUR))

    found = store.known([id_of(0), id_of(4), id_of("never")], ["wallet", "shop"])
    assert {entry.id for entry in found} == {id_of(0), id_of(4)}
    assert store.known([id_of(0)], ["shop"]) == ()


def test_the_same_id_at_two_terminals_is_two_entries(store: Store) -> None:
    for number in (WALLET.number, SHOP.number):
        store.commit(ledger().decide([reading([operation("a", number=number)])], T0 + HOUR))

    assert {entry.key.terminal for entry in store.recall().entries} == {"wallet", "shop"}


def test_an_operation_that_moves_to_another_terminal_is_kept_once(store: Store) -> None:
    book = ledger()
    for number in (WALLET.number, SHOP.number):
        decision = book.decide([reading([operation("a", number=number)])], T0 + HOUR)
        store.commit(decision)
        book.apply(decision)

    assert [entry.key.terminal for entry in store.recall().entries] == ["shop"]


def test_a_store_can_be_used_from_several_threads(store: Store) -> None:
    decisions = [ledger().decide([reading([operation((n, i), T0 + i) for i in range(50)])], T0) for n in range(20)]

    def work(decision: Decision) -> None:
        store.commit(decision)
        store.entries(Span(T0, T0 + HOUR))
        store.expire(T0 - HOUR)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, decisions))

    assert len(store.recall().entries) == 1000
