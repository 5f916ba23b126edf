"""The bank's records: the fields of an operation as the API shows them, with people that do not exist."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from exporter.simulator.settings import Settings
from exporter.simulator.world import ISSUERS, Operation, fraction_digits, terminal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FIRST_NAMES = ("Aigerim", "Nurlan", "Dana", "Yerlan", "Saule", "Timur", "Madina", "Arman", "Zarina", "Ruslan")
_LAST_NAMES = ("Testova", "Fakeuly", "Primerov", "Demobekov", "Mockova", "Dummybayev", "Samplenko", "Fictionov")
_CITIES = ("Testopol", "Demograd", "Mockinsk")
# (type, first digits) as on well-known test cards.
_CARDS = (("VISA", "4000"), ("MasterCard", "5555"), ("VISA", "4111"), ("MasterCard", "2222"))


class Person(NamedTuple):
    """The personal fields of a record. All of it is invented."""

    name: str
    email: str
    phone: str
    account_id: str
    ip: str
    city: str


def person(operation: Operation) -> Person:
    """Who sent the money."""
    entropy = operation.entropy
    first = _FIRST_NAMES[entropy % 10]
    last = _LAST_NAMES[(entropy >> 8) % 8]
    number = (entropy >> 16) % 10_000_000
    return Person(
        name=f"{first} {last}",
        email=f"{first}.{last}.{number}@example.com".lower(),
        phone=f"+7000{number:07d}",
        account_id=f"acc-{number:07d}",
        ip=f"203.0.113.{number % 256}",  # TEST-NET-3
        city=_CITIES[number % 3],
    )


def invoice_id(operation: Operation) -> str:
    """The merchant's number of the order."""
    return f"{operation.entropy % 10**15:015d}"


def reference(operation: Operation) -> str:
    """The retrieval reference number (RRN)."""
    return f"2{operation.entropy // 1000 % 10**11:011d}"


def sender_card_mask(operation: Operation) -> str:
    """The card that paid."""
    return f"{_CARDS[operation.entropy % 4][1]}********{(operation.entropy >> 20) % 10_000:04d}"


def receiver_card_mask(operation: Operation) -> str:
    """The card that was paid to."""
    return f"{_CARDS[(operation.entropy >> 4) % 4][1]}********{(operation.entropy >> 36) % 10_000:04d}"


def sender_card_id(operation: Operation) -> str:
    """The bank's name for the card that paid."""
    return f"card-{operation.entropy % 10**9:09d}"


def receiver_card_id(operation: Operation) -> str:
    """The bank's name for the card that was paid to."""
    return f"card-{(operation.entropy >> 33) % 10**9:09d}"


def dimensions(operation: Operation) -> dict[str, str]:
    """Who issued the two cards, and of which kind they are."""
    entropy = operation.entropy
    return {
        "senderCardType": _CARDS[entropy % 4][0],
        "receiverCardType": _CARDS[(entropy >> 4) % 4][0],
        "senderIssuer": operation.issuer,
        "receiverIssuer": ISSUERS[(entropy >> 30) % 6],
    }


def date_time(operation: Operation, settings: Settings) -> str:
    """When it was created, as the record writes it."""
    digits, hours = 6, 5
    if settings.date_times == "mixed":
        digits, hours = fraction_digits(operation.entropy), 5 + (operation.entropy >> 12) % 2
    seconds, micros = divmod(operation.created, 1_000_000)
    local = (_EPOCH + timedelta(seconds=seconds, hours=hours)).isoformat()[:19]
    # The seventh digit is finer than the world's own time.
    fraction = f"{micros:06d}{(operation.entropy >> 24) % 10}"[:digits]
    return f"{local}{'.' if fraction else ''}{fraction}+{hours:02d}:00"


def record(operation: Operation, now: int, settings: Settings) -> dict[str, Any]:
    """The operation as the list shows it at this moment."""
    verdict = operation.verdict_at(now)
    entropy = operation.entropy
    sender = person(operation)
    whole, rest = divmod(operation.amount_minor, 100)
    return {
        "id": operation.id,
        "dateTime": date_time(operation, settings),
        "invoiceId": invoice_id(operation),
        # Two decimals survive a float's shortest form exactly.
        "amount": operation.amount_minor / 100 if rest else whole,
        "currency": operation.currency,
        "terminal": terminal(operation.terminal).number,
        "accountId": sender.account_id,
        "description": f"TEST p2p {sender.name}",
        "language": "rus",
        "senderCardMask": sender_card_mask(operation),
        "receiverCardMask": receiver_card_mask(operation),
        **dimensions(operation),
        "reference": reference(operation),
        "secure": "3ds" if entropy >> 40 & 1 else "",
        "code": verdict.code,
        "reason": verdict.reason,
        "reasonCode": str(verdict.reason_code) if settings.reason_codes == "text" else verdict.reason_code,
        "name": sender.name,
        "email": sender.email,
        "phone": sender.phone,
        "ip": sender.ip,
        "ipCountry": "KZ",
        "ipCity": sender.city,
        "ipRegion": "",
        "ipDistrict": "",
        "ipLongitude": 71.43,
        "ipLatitude": 51.13,
        "status": verdict.status,
        "senderCardId": sender_card_id(operation),
        "receiverCardId": receiver_card_id(operation),
    }
