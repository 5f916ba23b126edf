"""The tables, as small named steps. A step is never changed once released; the next one is added below.

Operations are clustered by the hour they were created in: new ones are written side by side, and an hour is read or
dropped without touching the others. Nothing personal is stored: an operation is its id, its instant, its amount, the
labels it is counted under, and the issuers and kinds of cards that windows are broken down by, where they are.
"""

from typing import Final

MIGRATIONS: Final[tuple[tuple[str, str], ...]] = (
    (
        "operations, totals and checkpoints",
        """
        CREATE TABLE terminals (
            name TEXT PRIMARY KEY,
            counting_since INTEGER NOT NULL,
            covered_from INTEGER NOT NULL,
            watermark INTEGER NOT NULL,
            newest INTEGER,
            gap_end INTEGER
        ) STRICT;
        CREATE TABLE kept (since INTEGER NOT NULL) STRICT;
        INSERT INTO kept VALUES (0);
        CREATE TABLE totals (
            family TEXT NOT NULL,
            labels TEXT NOT NULL,
            value INTEGER NOT NULL,
            scraped INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (family, labels)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE names (
            number INTEGER PRIMARY KEY,
            terminal TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TABLE series (
            number INTEGER PRIMARY KEY,
            labels TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TABLE operations (
            hour INTEGER NOT NULL,
            id BLOB NOT NULL,
            terminal INTEGER NOT NULL REFERENCES names,
            created INTEGER NOT NULL,
            series INTEGER NOT NULL REFERENCES series,
            amount INTEGER NOT NULL,
            standing TEXT NOT NULL,
            PRIMARY KEY (hour, id, terminal)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    (
        "the history that baselines are made from, a day of a terminal in a row",
        """
        CREATE TABLE history (
            day INTEGER NOT NULL,
            terminal INTEGER NOT NULL REFERENCES names,
            kind TEXT NOT NULL,
            slots BLOB NOT NULL,
            origin TEXT NOT NULL,
            PRIMARY KEY (day, terminal, kind)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    (
        "what windows are broken down by",
        """
        CREATE TABLE details (
            number INTEGER PRIMARY KEY,
            pairs TEXT NOT NULL UNIQUE
        ) STRICT;
        ALTER TABLE operations ADD COLUMN details INTEGER REFERENCES details;
        """,
    ),
)
"""What it does, and its SQL. The number of steps taken is the file's `user_version`."""
