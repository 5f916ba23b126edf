"""The tables, as small named steps, taken under an advisory lock in one transaction.

A step is never changed once released; the next one is added below. A role that may only read and write rows is enough
where all steps have been taken: nothing is created then.
"""

from typing import Final, LiteralString

import psycopg

from exporter.state.base import StateUnusable

_LOCK: Final = 0x45504159  # "EPAY": one migration at a time in a database, whoever makes it

MIGRATIONS: Final[tuple[tuple[str, LiteralString], ...]] = (
    (
        "operations, totals, checkpoints and history",
        """
        CREATE TABLE epay.terminals (
            name text PRIMARY KEY,
            counting_since bigint NOT NULL,
            covered_from bigint NOT NULL,
            watermark bigint NOT NULL,
            newest bigint,
            gap_end bigint
        );
        CREATE TABLE epay.kept (since bigint NOT NULL);
        INSERT INTO epay.kept VALUES (0);
        CREATE TABLE epay.totals (
            owner text NOT NULL,
            family text NOT NULL,
            labels text NOT NULL,
            value bigint NOT NULL,
            scraped boolean NOT NULL DEFAULT false,
            PRIMARY KEY (owner, family, labels)
        ) WITH (fillfactor = 70);
        CREATE TABLE epay.texts (
            number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            text text NOT NULL UNIQUE
        );
        CREATE TABLE epay.operations (
            id bytea NOT NULL,
            terminal integer NOT NULL,
            created bigint NOT NULL,
            series integer NOT NULL,
            amount bigint NOT NULL,
            standing text NOT NULL,
            details integer,
            PRIMARY KEY (id, terminal)
        );
        CREATE INDEX operations_created ON epay.operations (terminal, created);
        CREATE INDEX operations_followed ON epay.operations (terminal) WHERE standing = 'followed';
        CREATE TABLE epay.history (
            day integer NOT NULL,
            terminal text NOT NULL,
            kind text NOT NULL,
            slots bytea NOT NULL,
            origin text NOT NULL,
            PRIMARY KEY (terminal, day, kind)
        );
        """,
    ),
    (
        "replicas, and the leases of their shares",
        """
        CREATE TABLE epay.replicas (
            id text PRIMARY KEY,
            until timestamptz NOT NULL,
            knows text[] NOT NULL
        );
        CREATE TABLE epay.leases (
            share text PRIMARY KEY,
            owner text NOT NULL DEFAULT '',
            epoch bigint NOT NULL DEFAULT 0,
            until timestamptz NOT NULL
        ) WITH (fillfactor = 50);
        CREATE TABLE epay.holdings (
            terminal text PRIMARY KEY,
            share text NOT NULL,
            epoch bigint NOT NULL
        );
        CREATE INDEX holdings_share ON epay.holdings (share);
        """,
    ),
    (
        "since when the server has been up",
        """
        CREATE UNLOGGED TABLE epay.uptime (server timestamptz PRIMARY KEY, since timestamptz NOT NULL);
        INSERT INTO epay.uptime VALUES (pg_postmaster_start_time(), 'epoch');
        """,
    ),
    (
        "what the shares are made of that a replica knows",
        """
        ALTER TABLE epay.replicas ADD COLUMN cuts text[] NOT NULL DEFAULT '{}';
        """,
    ),
)
"""What it does, and its SQL. How many steps have been taken stands in `epay.schema_version`.

`texts` holds names of terminals, labels of series and pairs of details once each: operations refer to them by number.
`cuts` stand beside `knows`, in the same order.
`uptime` is not logged: PostgreSQL empties it when it recovers from a crash, and a promoted standby begins without a
row, while a clean start shows in the server's own time. So who looks first after any of them writes when that was.
"""


def migrate(connection: psycopg.Connection, name: str) -> None:
    """Take the steps that are missing. `name` is how errors call the state. Raises StateUnusable, psycopg.Error."""
    if _version(connection, name) == len(MIGRATIONS):
        return
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '60s'")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        version = _version(connection, name)
        if version is None:
            # Where it is there it belongs to our role. IF NOT EXISTS would ask for the right to create it all the same.
            if connection.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'epay'").fetchone() is None:
                connection.execute("CREATE SCHEMA epay")
            connection.execute("CREATE TABLE epay.schema_version (version integer NOT NULL)")
            connection.execute("INSERT INTO epay.schema_version VALUES (0)")
        for _, sql in MIGRATIONS[version or 0 :]:
            connection.execute(sql)
        connection.execute("UPDATE epay.schema_version SET version = %s", (len(MIGRATIONS),))


def _version(connection: psycopg.Connection, name: str) -> int | None:
    """How many steps have been taken, None where there is nothing yet. Raises StateUnusable where it is too many."""
    # Asked of the catalogue as a table: to_regclass() may answer from a cache that is older than the lock.
    sql = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'epay' AND tablename = 'schema_version'"
    if connection.execute(sql).fetchone() is None:
        return None
    row = connection.execute("SELECT version FROM epay.schema_version").fetchone()
    version = int(row[0]) if row else 0
    if version > len(MIGRATIONS):
        raise StateUnusable(
            f"state {name}: the tables were made by a newer version (schema {version}, this one knows "
            f"{len(MIGRATIONS)}): run the newer version, or name another database in state.url"
        )
    return version
