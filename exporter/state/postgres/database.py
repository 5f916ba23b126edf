"""Connections to one PostgreSQL database, and transactions whose end is always known.

A connection can be lost after COMMIT has been sent and before its answer has come: the transaction may have been
committed or not. Guessing would count twice or not at all. So each transaction's number is remembered, and the server
is asked later what has become of it (`pg_xact_status`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool

from exporter.config import shown_state
from exporter.state.base import CommitFailed, CommitUnsettled, StateUnusable
from exporter.state.postgres.advice import advice, at_the_start
from exporter.state.postgres.lines import Lines
from exporter.state.postgres.migrations import migrate
from exporter.state.postgres.refusal import refuses

_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "fallback_application_name": "epay-exporter",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Of libpq, where the URL does not say otherwise: a server that has vanished is noticed within seconds."""

_LIMITS: Final = (
    "SELECT set_config('statement_timeout', '30s', false), set_config('lock_timeout', '5s', false), "
    "set_config('idle_in_transaction_session_timeout', '5s', false), set_config('timezone', 'UTC', false)"
)
"""A process that is stopped in the middle of a transaction must not hold its locks for longer than this."""

_CONNECTIONS: Final = 4
_PATIENCE: Final = 3.0
"""Seconds until a connection must be there; polls come again."""


class Database:
    """A pool of connections. Raises StateUnusable where the database cannot be used at the start."""

    def __init__(self, url: str) -> None:
        self.name = shown_state(url)
        self._unsettled: set[int] = set()
        self._lines = Lines()
        logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # what fails is said by the polls, and once
        self._url = url
        self._given = given = {**_DEFAULTS, **_asked_for(url)}
        try:
            with psycopg.connect(url, autocommit=True, **given) as connection:
                connection.execute(_LIMITS)
                migrate(connection, self.name)
        except psycopg.Error as error:
            raise StateUnusable(f"state {self.name}: {at_the_start(error)}") from None
        self._pool = ConnectionPool(
            url,
            kwargs={**given, "autocommit": True},
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_PATIENCE,
            reconnect_timeout=2.0,  # each request for a connection begins anew: no long pauses after an outage
            configure=_configure,
            check=self._check,
            name="epay-exporter",
            open=True,
        )

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection]:
        """A connection whose statements stand each for itself. Raises CommitFailed."""
        try:
            with self._pool.connection() as connection, self._lines.using(connection):
                yield connection
        except (psycopg.Error, UnicodeError) as error:
            raise CommitFailed(f"state {self.name}: {advice(error)}") from None

    @contextmanager
    def snapshot(self) -> Iterator[psycopg.Connection]:
        """A connection that sees one moment of the database throughout. Raises CommitFailed."""
        with self.reading() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @contextmanager
    def transaction(self, *, patience: float | None = None, anew: bool = False) -> Iterator[psycopg.Connection]:
        """The body's writes, all or nothing. Raises CommitFailed, and CommitUnsettled where only the server knows.

        `patience`: seconds until a connection must be there. `anew`: on a connection made for it, which only a server
        gives that lets in whoever comes.
        """
        number: int | None = None
        try:
            with (
                self._anew(patience) if anew else self._pool.connection(patience) as connection,
                self._lines.using(connection),
                connection.transaction(),
            ):
                number = None
                yield connection
                number = _number(connection)  # from here on only the COMMIT can fail
        except (psycopg.Error, UnicodeError) as error:
            text = f"state {self.name}: {advice(error)}"
            if number is None:
                raise CommitFailed(text) from None
            self._unsettled.add(number)
            raise CommitUnsettled(text, partial(self._was_committed, number)) from None

    @contextmanager
    def _anew(self, patience: float | None) -> Iterator[psycopg.Connection]:
        given = self._given if patience is None else self._given | {"connect_timeout": max(round(patience), 2)}
        with psycopg.connect(self._url, autocommit=True, **given) as connection:
            with self._lines.using(connection):
                _configure(connection)
            yield connection

    def _check(self, connection: psycopg.Connection) -> None:
        with self._lines.using(connection):
            ConnectionPool.check_connection(connection)

    def refuses(self, patience: float) -> bool:
        """Whether the server itself refuses everybody at this moment, and says so within so many seconds."""
        return refuses(self._url, patience)

    def _was_committed(self, number: int) -> bool:
        """What became of a transaction. Raises CommitFailed where that cannot be told yet."""
        with self.reading() as connection:
            row = connection.execute("SELECT pg_xact_status(%s::text::xid8)", (str(number),)).fetchone()
        status = row[0] if row else None
        if status == "in progress":
            raise CommitFailed(f"state {self.name}: the server has not ended the last transaction yet")
        self._unsettled.discard(number)
        return bool(status == "committed")

    def settle(self) -> None:
        """See that no transaction of ours is still being committed. Raises CommitFailed where one may be."""
        for number in tuple(self._unsettled):
            self._was_committed(number)

    def hang_up(self) -> None:
        """Have all that waits for the server fail at once, and all that would. Waits for nothing."""
        self._lines.cut()
        self._pool.close(timeout=0.0)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close(timeout=1.0)


def _number(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    if row is None:
        raise psycopg.OperationalError
    return int(row[0])


def _configure(connection: psycopg.Connection) -> None:
    connection.execute(_LIMITS)


def _asked_for(url: str) -> dict[str, Any]:
    """The defaults that the URL says otherwise."""
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its text would show the URL, and the password in it
        raise StateUnusable(
            "state.url: not a URL that PostgreSQL's client understands: percent-encode special characters"
        ) from None
    return {key: given[key] for key in _DEFAULTS if key in given}
