"""Who paid whom, as a keyed digest: enough to see that two operations repeat each other, and for nothing else.

Card ids and masks are personal data. They are digested where they are read, with a key that the process makes anew at
every start, so that what lies in memory means nothing to anybody else, and nothing after the process has ended.
"""

import re
from hashlib import blake2b
from typing import Any, Final

FIELDS: Final = ("sender_card_id", "sender_card_mask", "receiver_card_id", "receiver_card_mask")
"""The fields of a record that say who paid and who was paid."""

_DIGITS: Final = re.compile(r"\d{4}", re.ASCII)
_BYTES: Final = 7
"""A digest of 56 bits: two that agree by chance within one minute of one terminal are a matter of ages."""


class Digester:
    """Digests of operations under one key, of 1 to 64 bytes."""

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=_BYTES)

    def likeness(self, record: Any, amount: int, currency: str) -> int:
        """The same number for the same sender, receiver, amount and currency; 0 where either side is not known.

        A card's id says who it is best; the documented example has none, and there it is the mask, whose open digits
        are eight of sixteen.
        """
        sender = _id(record.sender_card_id) or _mask(record.sender_card_mask)
        receiver = _id(record.receiver_card_id) or _mask(record.receiver_card_mask)
        if not sender or not receiver:
            return 0
        digest = self._keyed.copy()
        digest.update(f"{sender}\0{receiver}\0{amount}\0{currency}".encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest.digest(), "little")


def _id(written: str | float | None) -> str:
    """What a card's id says, nothing where it says nothing: zeros are no card."""
    name = written.strip() if isinstance(written, str) else "" if written is None else str(written)
    return name if name.strip("0-") else ""


def _mask(written: str | float | None) -> str:
    """What a mask says, nothing where it shows no digits: stars are no card."""
    name = written.strip() if isinstance(written, str) else ""
    return name if _DIGITS.search(name) else ""
