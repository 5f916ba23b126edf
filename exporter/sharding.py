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
        return self._ordinal_of(terminal) == self.ordinal

    def _ordinal_of(self, terminal: str) -> int:
        digest = blake2b(terminal.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.total

    def of(self, accounts: Iterable[Account]) -> tuple[Account, ...]:
        """The accounts with their terminals in the part; those without any are left out, and never logged in to.

        As many parts as an account is in share its rate: at the bank it is one. A share has parts of its own already.
        """
        parts = map(self._part, accounts) if self.total > 1 else accounts
        return tuple(part for part in parts if part.terminals)

    def _part(self, account: Account) -> Account:
        ordinals = [self._ordinal_of(each.name) for each in account.terminals]
        listed = zip(account.terminals, ordinals, strict=True)
        return replace(
            account,
            terminals=tuple(each for each, ordinal in listed if ordinal == self.ordinal),
            parts=account.parts * len(set(ordinals)),
        )


EVERYTHING: Final = Shard()
