"""Terminals divided among exporters that know nothing of each other: by a hash of the name, without a shared state."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from exporter.config import Account


@dataclass(frozen=True, slots=True)
class Shard:
    """Which of so many parts an exporter reads: `ordinal` counts from 0."""

    ordinal: int = 0
    total: int = 1

    def holds(self, terminal: str) -> bool:
        """Whether a terminal of this name is in the part: BLAKE2b of its name, 8 bytes, big-endian, by the number."""
        digest = blake2b(terminal.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.total == self.ordinal

    def of(self, accounts: Iterable[Account]) -> tuple[Account, ...]:
        """The accounts with their terminals in the part; those without any are left out, and never logged in to."""
        parts = (
            replace(account, terminals=tuple(each for each in account.terminals if self.holds(each.name)))
            for account in accounts
        )
        return tuple(part for part in parts if part.terminals)


EVERYTHING: Final = Shard()
