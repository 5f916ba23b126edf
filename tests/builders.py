"""Short ways to make the records that tests are about."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from exporter.config import Account, Secret
from exporter.ledger import Ledger
from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Assignment,
    Checkpoint,
    Family,
    Instant,
    Operation,
    Outcome,
    Policy,
    Reading,
    Rejection,
    Remembered,
    Span,
    Terminal,
    Total,
)
from exporter.outcomes import Outcomes

T0: Instant = 1_790_000_000 * SECOND
"""The moment at which counting begins in most tests."""

OUTCOMES = Outcomes(
    statuses={
        "ok": Outcome.SUCCESS,
        "charge": Outcome.SUCCESS,
        "new": Outcome.PENDING,
        "auth": Outcome.PENDING,
        "failed": Outcome.FAILURE,
        "refund": Outcome.FAILURE,
    },
    reason_classes={"0": "none", "00": "none", "484": "funds", "454": "technical", "05": "issuer_declined"},
)

POLICY = Policy(
    interval=15 * SECOND,
    lookback=15 * MINUTE,
    max_gap=DAY,
    follow_pending=DAY,
    windows=(5 * MINUTE, 15 * MINUTE, HOUR),
)

EVERYTHING = Span(T0 - HOUR, T0 + DAY)

WALLET = Terminal(id="98151552", number="98151552", name="wallet", account="main")
SHOP = Terminal(id="98151553", number="98151553", name="shop", account="main")


def id_of(name: object) -> bytes:
    """Sixteen bytes that stand for a name."""
    return blake2b(str(name).encode(), digest_size=16).digest()


def operation(name: object, created: Instant = T0, status: str = "ok", **changes: Any) -> Operation:
    """A successful transfer of 200 tenge at the wallet, but for what is said otherwise."""
    code, reason = {"ok": ("00", "0"), "failed": ("05", "484"), "refund": ("00", "0")}.get(status, ("", ""))
    whole = Operation(id_of(name), WALLET.number, created, status, code, reason, 20_000, "KZT")
    return whole._replace(**changes)


def reading(
    operations: Iterable[Operation] = (),
    span: Span = EVERYTHING,
    terminals: Sequence[str] = ("wallet", "shop"),
    *,
    complete: bool = True,
    rejections: Iterable[Rejection] = (),
) -> Reading:
    """What the bank answered to a span for all terminals."""
    found, rejected = tuple(operations), tuple(rejections)
    total = len(found) + len(rejected) + (0 if complete else 1)
    return Reading(Assignment(span, tuple(terminals)), found, rejected, total, complete)


def checkpoint(
    since: Instant = T0, *, covered_from: Instant = T0 - HOUR, watermark: Instant = T0, newest: Instant | None = None
) -> Checkpoint:
    """A terminal whose windows have been filled."""
    return Checkpoint(since, covered_from, watermark, newest)


def ledger(
    remembered: Remembered | None = None,
    *,
    policy: Policy = POLICY,
    max_codes: int = 100,
    dimensions: Sequence[str] = (),
    max_values: int = 50,
) -> Ledger:
    """The ledger of account main, with a wallet and a shop."""
    if remembered is None:
        remembered = Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {})
    return Ledger("main", (WALLET, SHOP), OUTCOMES, policy, max_codes, remembered, dimensions, max_values)


def take(book: Ledger, now: Instant, *operations: Operation, **settings: Any) -> None:
    """Decide and apply one reading that reaches back to the beginning of the windows."""
    book.apply(book.decide([reading(operations, **settings)], now))


def counted(book: Ledger, family: Family = Family.OPERATIONS) -> dict[tuple[str, ...], int]:
    """The totals of one family by their labels."""
    return {total.labels: value for total, value in book.totals.items() if total.family is family and value}


def total_of(book: Ledger, family: Family, *labels: str) -> int:
    """One total, 0 where there is none."""
    return book.totals.get(Total(family, labels), 0)


def account(name: str, *terminals: str, password: str = "password", place: int = 0) -> Account:
    """Reads from a bank of the name `bank`; a terminal for each name, or one that is called as the account is."""

    def secret(key: str, value: str) -> Secret:
        return Secret(f"accounts[{place}].{key}", value)

    return Account(
        name=name,
        token_url="http://bank/token",
        operations_url="http://bank/operations",
        username=secret("username", name),
        password=secret("password", password),
        client_id=secret("client_id", "client"),
        client_secret=secret("client_secret", "hush"),
        terminals=tuple(Terminal(f"id-{each}", f"id-{each}", each, name) for each in terminals or (name,)),
    )
