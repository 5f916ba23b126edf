"""Connections that wait for the server's answer, so that all of them can be cut off at once.

A server that hangs keeps its connections open, and says nothing. libpq waits for its answer without an end.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

import psycopg


class Lines:
    """The connections in use. Calls come from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._in_use: set[psycopg.Connection] = set()
        self._cut = False

    @contextmanager
    def using(self, connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
        """A connection that is cut off with the others. Raises psycopg.OperationalError where they have been."""
        with self._lock:
            if self._cut:
                raise psycopg.OperationalError("cut off")
            self._in_use.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._in_use.discard(connection)

    def cut(self) -> None:
        """Have whoever waits for an answer see a lost connection, now and from now on. Waits for nothing."""
        with self._lock:
            self._cut = True
            for connection in self._in_use:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)
