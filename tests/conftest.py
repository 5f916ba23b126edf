"""What tests of several directories share."""

from collections.abc import Iterator
from itertools import count
from typing import Final

import pytest

from tests.postgresql import Server, server

_NUMBERS: Final = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One server for all tests; each makes a database of its own."""
    with server() as running:
        yield running


@pytest.fixture
def database(postgresql: Server) -> str:
    """The URL of a new, empty database."""
    return postgresql.create(f"state{next(_NUMBERS)}")
