"""What a state in PostgreSQL promises beyond what every store does."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from exporter.model import DAY, HOUR, Decision, Family, SlotDay, Total
from exporter.state import CommitFailed, CommitUnsettled, PostgresStore, StateUnusable, open_store
from exporter.state.postgres import Database
from exporter.state.postgres import database as module
from exporter.state.postgres.migrations import MIGRATIONS
from tests.builders import T0, id_of, ledger, operation, reading
from tests.postgresql import Server, kill_backends
from tests.processes import eventually


@pytest.fixture
def store(database: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(Database(database))
    yield opened
    opened.close()


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _decision(*names: object) -> Decision:
    return ledger().decide([reading([operation(name) for name in names or ("a", "b")])], T0 + HOUR)


def _succeeds(work: Callable[[], object]) -> bool:
    try:
        work()
    except (CommitFailed, StateUnusable):
        return False
    return True


def test_a_commit_that_fails_leaves_nothing_behind(store: PostgresStore) -> None:
    too_much = Total(Family.OPERATIONS, ("wallet",))
    with pytest.raises(CommitFailed):
        store.commit(replace(_decision(), increments={Total(Family.AMOUNT, ("a",)): 1, too_much: 2**70}))

    assert (store.recall().totals, store.recall().entries) == ({}, ())


def test_two_processes_share_one_state_and_read_what_the_other_wrote(store: PostgresStore, database: str) -> None:
    other = PostgresStore(Database(database))
    store.commit(_decision("a"))
    other.commit(_decision("b"))

    assert {entry.id for entry in store.recall().entries} == {id_of("a"), id_of("b")}
    store.expire(T0 + HOUR)
    assert other.known([id_of("a")], ["wallet"]) == ()
    assert other.kept_since == T0 + HOUR
    other.close()


def test_what_another_process_keeps_of_history_is_read(store: PostgresStore, database: str) -> None:
    other = PostgresStore(Database(database))
    day = SlotDay("wallet", 20_000, "KZT", b"\x00\xff" * 8, "origin")
    other.keep_history([day], 0)

    assert store.history(["wallet"]) == (day,)
    other.close()


def test_a_connection_that_was_ended_is_replaced_without_a_word(store: PostgresStore, postgresql: Server) -> None:
    store.commit(_decision("a"))
    kill_backends(postgresql, store._database.name.rpartition("/")[2])
    store.commit(_decision("b"))

    assert len(store.recall().entries) == 2


def test_a_server_that_was_away_is_found_again(postgresql: Server, store: PostgresStore) -> None:
    store.commit(_decision("a"))
    postgresql.stop()
    try:
        with pytest.raises(CommitFailed, match="does not answer"):
            store.commit(_decision("b"))
        with pytest.raises(StateUnusable, match="does not answer"):
            store.recall()
    finally:
        postgresql.start()
    eventually(lambda: _succeeds(lambda: store.commit(_decision("b"))))

    remembered = store.recall()
    assert {entry.id for entry in remembered.entries} == {id_of("a"), id_of("b")}
    assert remembered.totals[next(t for t in remembered.totals if t.family is Family.OPERATIONS)] == 2


class _Interrupted(Database):
    """Ends the server's side of a connection when the transaction has been written, before or after its COMMIT."""

    def __init__(self, url: str, after: bool) -> None:
        super().__init__(url)
        self.url, self.armed, self.after = url, False, after

    def lose(self, connection: psycopg.Connection) -> None:
        if self.armed:
            self.armed = False
            if self.after:
                connection.execute("COMMIT")
            with psycopg.connect(self.url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))


@pytest.mark.parametrize("after", [True, False])
def test_what_became_of_a_commit_whose_answer_was_lost_is_asked(
    database: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    interrupted = _Interrupted(database, after)
    store = PostgresStore(interrupted)
    store.commit(_decision("a"))
    number = module._number

    def numbered(connection: psycopg.Connection) -> int:
        found = number(connection)
        interrupted.lose(connection)
        return found

    monkeypatch.setattr(module, "_number", numbered)
    interrupted.armed = True
    with pytest.raises(CommitUnsettled) as caught:
        store.commit(_decision("b"))

    assert caught.value.was_stored() is after
    assert len(store.recall().entries) == (2 if after else 1)
    store.close()


def test_many_processes_that_start_at_once_make_the_tables_once(database: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: PostgresStore(Database(database)), range(6)))
    for each in stores:
        each.commit(_decision(id(each)))
    assert len(stores[0].recall().entries) == 6
    for each in stores:
        each.close()


def test_tables_of_a_newer_version_are_left_alone(database: str, postgresql: Server) -> None:
    PostgresStore(Database(database)).close()
    postgresql.sql(f"UPDATE epay.schema_version SET version = {len(MIGRATIONS) + 1}", _name(database))
    with pytest.raises(StateUnusable, match="newer version"):
        open_store(database)


GRANTS = """
GRANT USAGE ON SCHEMA epay TO least;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA epay TO least;
"""


def test_a_role_that_may_only_write_rows_is_enough_where_the_tables_are(database: str, postgresql: Server) -> None:
    PostgresStore(Database(database)).close()
    postgresql.sql("DROP ROLE IF EXISTS least")
    postgresql.sql("CREATE ROLE least LOGIN NOSUPERUSER")
    postgresql.sql(GRANTS, _name(database))
    store = open_store(postgresql.url(_name(database), "least"))
    store.commit(_decision("a"))
    store.keep_history([SlotDay("wallet", 20_000, "", b"", "")], 0)
    store.expire(T0 - DAY)
    assert {entry.id for entry in store.recall().entries} == {id_of("a")}
    assert store.history(["wallet"])
    store.close()
    with (
        psycopg.connect(postgresql.url(_name(database), "least")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE epay.more (a int)")
    postgresql.sql("DROP OWNED BY least", _name(database))
    postgresql.sql("DROP ROLE least")


def test_a_role_that_owns_its_schema_and_no_more_is_enough_for_the_first_start(
    database: str, postgresql: Server
) -> None:
    postgresql.sql("CREATE ROLE owner LOGIN")
    postgresql.sql("CREATE SCHEMA epay AUTHORIZATION owner", _name(database))
    store = open_store(postgresql.url(_name(database), "owner"))
    store.commit(_decision("a"))
    assert {entry.id for entry in store.recall().entries} == {id_of("a")}
    store.close()
    postgresql.sql("DROP OWNED BY owner", _name(database))
    postgresql.sql("DROP ROLE owner")


def test_a_role_that_may_do_nothing_is_told_what_it_lacks(database: str, postgresql: Server) -> None:
    postgresql.sql("DROP ROLE IF EXISTS nobody_at_all")
    postgresql.sql("CREATE ROLE nobody_at_all LOGIN")
    with pytest.raises(StateUnusable, match="lacks a privilege"):
        open_store(postgresql.url(_name(database), "nobody_at_all"))
    postgresql.sql("DROP ROLE nobody_at_all")


@pytest.mark.parametrize(
    ("database_name", "user", "words"),
    [("nowhere", "epay", 'database "nowhere" does not exist'), ("postgres", "stranger", "stranger")],
)
def test_what_the_server_objects_to_is_said_without_the_password(
    postgresql: Server, database_name: str, user: str, words: str
) -> None:
    with pytest.raises(StateUnusable, match=words) as caught:
        open_store(postgresql.url(database_name, user, "hush-hush"))

    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_in_one_line() -> None:
    with pytest.raises(StateUnusable, match=r"postgresql://127.0.0.1:1/epay: cannot be reached: .*refused") as caught:
        open_store("postgresql://epay:hush@127.0.0.1:1/epay")

    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_connections_say_who_they_are_and_never_wait_for_ever(store: PostgresStore, postgresql: Server) -> None:
    asked = "SELECT application_name FROM pg_stat_activity WHERE backend_type = 'client backend'"
    eventually(lambda: ("epay-exporter",) in postgresql.sql(asked))
    with store._database.reading() as connection:
        for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            row = connection.execute("SELECT current_setting(%s)", (limit,)).fetchone()
            assert row is not None
            assert row[0] != "0"
