"""What tests of several directories share."""

from collections.abc import Iterator
from itertools import count
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.postgresql import Server, server

_NUMBERS: Final = count()

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("whatever the machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whatever the machine")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One server for all tests; each makes a database of its own."""
    with server() as running:
        yield running


@pytest.fixture
def database(postgresql: Server) -> str:
    """The URL of a new, empty database."""
    return postgresql.create(f"state{next(_NUMBERS)}")
