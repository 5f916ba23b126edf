"""What PostgreSQL's errors mean to the person who runs the exporter. No text holds a password."""

import re
from typing import Final

import psycopg

_BY_CODE: Final = (
    ("28", "the login is refused: check user and password in state.url, and pg_hba.conf"),
    ("3D000", "the database does not exist: create it, or name another in state.url"),
    ("3F000", "the schema epay does not exist, and this role may not create it: see State in README.md"),
    ("42501", "the role lacks a privilege: State in README.md lists what it needs"),
    ("25006", "the server is read-only, as a standby is: name the primary in state.url"),
    ("53100", "the server's disk is full: free some space; counting goes on by itself"),
    ("53300", "the server has no connection left: raise max_connections; counting goes on by itself"),
    ("57P", "the server is stopping or starting; counting goes on by itself"),
    ("57014", "the server is too slow: a statement ran out of time; it is tried again with the next poll"),
    ("55P03", "another transaction holds a lock for too long; it is tried again with the next poll"),
    ("40", "another transaction was in the way; it is tried again with the next poll"),
    ("25P03", "the connection was too slow: the server ended a transaction; it is tried again with the next poll"),
    ("42P01", "a table is missing: the state was changed by hand; name another database in state.url"),
    ("08", "the connection is lost; counting goes on by itself when the server answers again"),
)
_UNREACHABLE: Final = "the server does not answer; counting goes on by itself when it does"
_REASON: Final = re.compile(r"(?:FATAL|ERROR):\s+(.+)|failed: (.+)")


def advice(error: Exception) -> str:
    """One line on what is wrong and what to do."""
    code = getattr(error, "sqlstate", None)
    if code is None:
        if isinstance(error, psycopg.OperationalError):
            return _UNREACHABLE
        return f"a value cannot be stored ({type(error).__name__})"
    for prefix, text in _BY_CODE:
        if code.startswith(prefix):
            return text
    return f"cannot be used (PostgreSQL says {code})"


def at_the_start(error: psycopg.Error) -> str:
    """The same for a first connection, whose failure has no code but a text of libpq's, never with the password."""
    if error.sqlstate is not None:
        return advice(error)
    if not isinstance(error, psycopg.OperationalError):
        return "the URL is not one that PostgreSQL's client understands: check state.url"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    found = [match[1] or match[2] for line in lines if (match := _REASON.search(line))]
    return f"cannot be reached: {found[-1] if found else 'no answer'}: check state.url, and that the server runs"
