"""Whether a password is right, at the price of bcrypt once and of a digest from then on."""

import asyncio
import hashlib
import secrets
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Final

import bcrypt

_LONGEST: Final = 72
"""Bytes that bcrypt looks at; some versions refuse longer ones, Go and htpasswd cut them."""
_RIGHT: Final = 256
_WRONG: Final = 1024
_WAITING: Final = 32
_WAITING_OF_ONE: Final = 4
_NOBODY: Final = b"QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
"""Salt and hash that are compared for users that do not exist, so that they take as long as others."""


class Crowded(Exception):
    """Too many passwords wait for being checked."""


class Passwords:
    """Checks one password at a time, in a thread, and remembers the outcome.

    What is remembered is keyed by a digest with a key of this process: neither passwords nor anything to guess them
    with stay in memory. Wrong ones never push out right ones.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right = OrderedDict[bytes, None]()
        self._wrong = OrderedDict[bytes, None]()
        self._turn = asyncio.Lock()
        self._waiting = Counter[str]()
        self.checked = 0
        """How often bcrypt was asked."""

    async def right(self, users: Mapping[bytes, bytes], user: bytes, password: bytes, host: str) -> bool:
        """Whether this is the user's password. Raises Crowded, for a host that waits for several answers already."""
        hashed = users.get(user) or self._nobodys(users, user)
        digest = self._digest(user, hashed, password)
        if (known := self._known(digest)) is not None:
            return known
        if self._waiting[host] >= _WAITING_OF_ONE or self._waiting.total() >= _WAITING:
            raise Crowded
        self._waiting[host] += 1
        try:
            async with self._turn:
                if (known := self._known(digest)) is not None:
                    return known
                self.checked += 1
                matches = await asyncio.to_thread(_matches, password, hashed)
        finally:
            self._waiting[host] -= 1
            if not self._waiting[host]:
                del self._waiting[host]
        known = matches and user in users
        self._remember(digest, known=known)
        return known

    def _known(self, digest: bytes) -> bool | None:
        for memory, answer in ((self._right, True), (self._wrong, False)):
            if digest in memory:
                memory.move_to_end(digest)
                return answer
        return None

    def _remember(self, digest: bytes, *, known: bool) -> None:
        memory, limit = (self._right, _RIGHT) if known else (self._wrong, _WRONG)
        memory[digest] = None
        if len(memory) > limit:
            memory.popitem(last=False)

    def _nobodys(self, users: Mapping[bytes, bytes], user: bytes) -> bytes:
        """A hash as costly as a known user's: always the same one's for the same name."""
        costs = [hashed[4:6] for hashed in users.values()]
        return b"$2b$%b$%b" % (costs[self._digest(user)[0] % len(costs)], _NOBODY)

    def _digest(self, *parts: bytes) -> bytes:
        state = hashlib.blake2b(key=self._key, digest_size=32)
        for part in parts:
            state.update(len(part).to_bytes(8, "big") + part)
        return state.digest()


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_LONGEST], hashed)
    except ValueError:  # what no hash can be of, as with a zero byte in some versions
        return False
