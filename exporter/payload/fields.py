"""What a record's fields mean: ids, instants, money, words. Each returns None for what is none."""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b

from exporter import model
from exporter.model import MINUTE, SECOND, Instant

LARGEST_AMOUNT = 10**15
"""Minor units, more money than there is tenge: a float holds it exactly, and thousands of them fit a stored total."""

LARGEST_WHOLE = LARGEST_AMOUNT // 10**4
"""Major units that are no more than that, whatever the currency's exponent."""

LONGEST_AMOUNT = 64
"""Digits and signs in a number that is still money: what is longer is not computed with."""

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):([0-5]\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - both sides of the subtraction are UTC without saying so, which is cheaper


def digest(content: bytes) -> bytes:
    """16 bytes that stand for any content; the content cannot be had back from them."""
    return blake2b(content, digest_size=16).digest()


def identity(text: str) -> bytes | None:
    """A UUID's own 16 bytes, or the digest of any other text; None for blanks."""
    if len(text) == 36 and text[8] == text[13] == text[18] == text[23] == "-":
        try:
            number = bytes.fromhex(text.replace("-", ""))
        except ValueError:
            number = b""
        if len(number) == 16:  # fromhex skips blanks, so a text with blanks comes out shorter
            return number
    text = text.strip()
    return digest(text.encode("utf-8")) if text else None


def instant(text: str) -> Instant | None:
    """RFC 3339 with any offset and up to nine decimals, in whole microseconds: the digits after them are cut off."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, clock, seconds, fraction, sign, hours, minutes = found.groups()
    begin = minute(f"{day}T{clock}:", f"{sign}{hours}:{minutes}" if sign else "+00:00")
    if begin is None:
        return None
    return begin + int(seconds) * SECOND + int((fraction or "0").ljust(6, "0")[:6])


@lru_cache(4096)
def minute(head: str, offset: str) -> Instant | None:
    """The instant at which a minute begins: `2022-02-03T11:42:` and `+06:00`."""
    found = _INSTANT.fullmatch(f"{head}00{offset}")
    if found is None:
        return None
    day, clock, _, _, sign, hours, minutes = found.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock}:00") - _EPOCH
    except ValueError:  # the 30th of February
        return None
    ahead = int(f"{sign}1") * (int(hours) * 60 + int(minutes)) if sign else 0
    return (local.days * 24 * 60 + local.seconds // 60 - ahead) * MINUTE


def currency(text: str) -> tuple[str, int] | None:
    """The currency's three letters and how many decimals it has."""
    return _currency(text) if len(text) < 16 else None


@lru_cache(256)
def _currency(text: str) -> tuple[str, int] | None:
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        return None
    return code, model.minor_units(code)


def written_amount(written: object, exponent: int) -> int | None:
    """The minor units of whatever stands where the amount should: a whole number, or the text of any other."""
    if isinstance(written, str):
        return minor_units(written.encode("utf-8", "replace"), exponent)
    if not isinstance(written, int) or isinstance(written, bool):
        return None
    units = written * 10**exponent
    return units if 0 <= units <= LARGEST_AMOUNT else None


def minor_units(number: bytes, exponent: int) -> int | None:
    """A number as it is written, exactly in minor units; None where it is none, negative, too large or too fine."""
    whole, _, fraction = number.partition(b".")
    digits = whole + fraction
    if len(digits) <= 15 and len(fraction) <= exponent and digits.isdigit():
        units = int(digits) * 10 ** (exponent - len(fraction))
        return units if units <= LARGEST_AMOUNT else None
    return _unusual_units(number, exponent)


def _unusual_units(number: bytes, exponent: int) -> int | None:
    """The same for exponents, signs and long fractions, without ever making a huge integer."""
    try:
        text = number.decode("ascii").strip()
    except UnicodeDecodeError:
        return None
    if len(text) > LONGEST_AMOUNT or not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    if not value:
        return 0
    if value < 0 or value.adjusted() > 20 or value.adjusted() < -LONGEST_AMOUNT:
        return None
    numerator, denominator = value.as_integer_ratio()
    units, rest = divmod(numerator * 10**exponent, denominator)
    return None if rest or units > LARGEST_AMOUNT else units


def word(value: str | float | None) -> str:
    """A status or a code as text, whether the bank writes 0, 0.0 or "0"; nothing where it writes nothing."""
    if value is None:
        return ""
    if isinstance(value, str) and len(value) > 64:  # not worth keeping
        return value.strip()
    return _word(value)


@lru_cache(1024)
def _word(value: str | float) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
