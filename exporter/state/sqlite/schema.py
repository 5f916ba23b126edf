"""The tables, as small named steps. A step is never changed once released; the next one is added below.

Operations stand in segments, one for each commit and hour they were created in: new ones are written side by side, and
an hour is read, packed or dropped without touching the others. `packing` says what a segment's bytes are. Of two rows
with one id and terminal in an hour the later one holds: that of the segment with the greater number, or further on in
the same. The values of totals stand apart from their names, so that a commit touches few pages.

Nothing personal is stored: an operation is its id, its instant, its amount, the labels it is counted under, and the
issuers and kinds of cards that windows are broken down by, where they are.
"""

import sqlite3
from collections.abc import Callable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Final

from exporter.model import HOUR, Standing
from exporter.state.sqlite.packing import CODES, apart

SEGMENT: Final = "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)"

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
    (
        "operations in segments, totals by number",
        """
        CREATE TABLE segments (
            hour INTEGER NOT NULL,
            number INTEGER NOT NULL,
            records INTEGER NOT NULL,
            followed INTEGER NOT NULL,
            packed INTEGER NOT NULL,
            ids BLOB NOT NULL,
            columns BLOB NOT NULL,
            PRIMARY KEY (hour, number)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE totals RENAME TO totals_by_name;
        CREATE TABLE totals (
            number INTEGER PRIMARY KEY,
            family TEXT NOT NULL,
            labels TEXT NOT NULL,
            UNIQUE (family, labels)
        ) STRICT;
        CREATE TABLE counts (
            number INTEGER PRIMARY KEY REFERENCES totals,
            value INTEGER NOT NULL,
            scraped INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        INSERT INTO totals (family, labels) SELECT family, labels FROM totals_by_name;
        INSERT INTO counts SELECT number, value, scraped FROM totals_by_name JOIN totals USING (family, labels);
        DROP TABLE totals_by_name;
        """,
    ),
)
"""What it does, and its SQL. The number of steps taken is the file's `user_version`."""


def _into_segments(db: sqlite3.Connection) -> None:
    """Operations that stood in a row each, an hour at a time."""
    found = db.execute(
        "SELECT hour, id, created, series, amount, standing, coalesce(details, 0) FROM operations ORDER BY hour"
    )
    for hour, operations in groupby(found, itemgetter(0)):
        rows = [
            (id_, created - hour * HOUR, series, amount, CODES[Standing(standing)], details)
            for _, id_, created, series, amount, standing, details in operations
        ]
        for number, some in enumerate(apart(rows), start=1):
            db.execute(SEGMENT, (hour, number, *some))
    db.execute("DROP TABLE operations")


AFTER: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {4: _into_segments}
"""What SQL cannot say of a step, by its number; in the same transaction."""
