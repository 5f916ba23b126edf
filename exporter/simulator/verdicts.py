"""What the bank says about an operation, and what it means: the world's own knowledge, written down independently."""

from typing import Literal, NamedTuple

Outcome = Literal["success", "failure", "pending"]


class Verdict(NamedTuple):
    """The fields of a record that tell how an operation ended, and the truth about it."""

    outcome: Outcome
    status: str
    code: str
    reason_code: int
    reason: str = ""


def _failure(code: str, reason_code: int, reason: str) -> Verdict:
    return Verdict("failure", "failed", code, reason_code, reason)


SUCCESS = Verdict("success", "ok", "00", 0)
REVERSED = Verdict("failure", "refund", "00", 0, "Refunded at the sender's request")

INSUFFICIENT_FUNDS = _failure("51", 484, "Insufficient funds")
ISSUER_UNAVAILABLE = _failure("91", 494, "Issuer or switch is inoperative")
SYSTEM_MALFUNCTION = _failure("96", 496, "System malfunction")
ACQUIRER_FAULT = _failure("error", 461, "Internal error, try again later")
NO_CONNECTION = _failure("error", 502, "No connection to the processing centre")
NEVER_SEEN = _failure("error", 711, "Operation is not supported by the new tariff")

FAILURES: tuple[tuple[Verdict, float], ...] = (
    (INSUFFICIENT_FUNDS, 44.0),
    (_failure("05", 466, "Do not honor"), 14.0),
    (_failure("error", 455, "3-D Secure check failed"), 16.0),
    (_failure("01", 462, "Refer to card issuer"), 6.0),
    (_failure("error", 467, "Card is blocked"), 6.0),
    (_failure("error", 457, "Invalid card expiry date"), 7.0),
    (_failure("61", 488, "Exceeds withdrawal limit"), 4.0),
    (SYSTEM_MALFUNCTION, 1.2),
    (ISSUER_UNAVAILABLE, 1.0),
    (_failure("error", 454, "Answer not received in time"), 0.8),
)

# What a record shows until its end is known, and how often it shows which.
WAITING: tuple[tuple[Verdict, float], ...] = (
    (Verdict("pending", "new", "", 0), 50.0),
    (Verdict("pending", "processing", "", 0), 45.0),
    (Verdict("pending", "processing", "", 454, "Answer not received in time"), 5.0),
)
