"""Faults by name: what a bank does to its clients on a bad day, each with a probability and its own seeded draw."""

from collections.abc import Mapping
from random import Random
from typing import Any

FAULTS: dict[str, str] = {
    "http-500": "an internal error with status 500",
    "reset": "the connection is closed without an answer",
    "truncated": "the JSON is cut short",
    "html": "a maintenance page, with status 200 or 503",
    "error-200": "an error body with status 200",
    "rate-limit": "429 with Retry-After",
    "slow": "the answer takes slow-seconds",
    "revoked-token": "all tokens are forgotten, so 401",
    "poison": "one record of the page cannot be read",
}

# The login suffers from these too; the others only make sense for the list.
AT_LOGIN = frozenset({"http-500", "reset", "truncated", "html", "rate-limit", "slow"})

Record = dict[str, Any]


class Faults:
    """Draws, request by request, what goes wrong."""

    def __init__(self, rates: Mapping[str, float], seed: int) -> None:
        self._rates = {name: rate for name, rate in rates.items() if rate > 0}
        self._draws = {name: Random(f"{seed}/fault/{name}") for name in self._rates}
        self._details = Random(f"{seed}/fault-details")

    def strike(self, *, at_login: bool) -> frozenset[str]:
        """The faults of this request; several may come together."""
        return frozenset(
            name
            for name, rate in self._rates.items()
            if (not at_login or name in AT_LOGIN) and self._draws[name].random() < rate
        )

    def html_status(self) -> int:
        """A maintenance page comes with either."""
        return self._details.choice((200, 503))

    def poisoned(self, records: list[Record]) -> list[Any]:
        """The page with one record that no client can read."""
        if not records:
            return []
        page: list[Any] = list(records)
        victim = self._details.randrange(len(page))
        record: Record = dict(page[victim])
        kind = self._details.randrange(8)
        if kind == 0:
            del record["id"]
        elif kind == 1:
            record["id"] = None
        elif kind == 2:
            record["dateTime"] = "yesterday, about noon"
        elif kind == 3:
            record["amount"] = "a lot"
        elif kind == 4:
            record["status"] = {"name": record["status"]}
        elif kind == 5:
            del record["dateTime"]
        elif kind == 6:
            record["amount"] = None
        else:
            page[victim] = "record is being migrated"
            return page
        page[victim] = record
        return page
