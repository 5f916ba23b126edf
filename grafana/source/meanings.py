"""What a result code says, in a few words, for people who do not know them by heart.

The texts of the two-digit codes are those of ISO 8583. 462 to 496 read like the same answers in order, and the class of
every other one is the bank's own list grouped (see exporter/data/reason_codes.yaml); no text is put into the bank's
mouth, so where only the class is known, only the class is said.
"""

from importlib.resources import files
from typing import Final

import yaml

ISO: Final = {
    "01": "refer to the issuer",
    "02": "refer to the issuer, special condition",
    "03": "invalid merchant",
    "04": "pick up the card",
    "05": "do not honour",
    "07": "pick up the card, special condition",
    "12": "invalid transaction",
    "13": "invalid amount",
    "14": "invalid card number",
    "19": "try again",
    "20": "invalid answer",
    "30": "format error",
    "33": "expired card, pick up",
    "34": "suspected fraud",
    "36": "restricted card, pick up",
    "41": "lost card",
    "43": "stolen card",
    "51": "insufficient funds",
    "54": "expired card",
    "55": "wrong PIN",
    "57": "not permitted to the cardholder",
    "58": "not permitted to the terminal",
    "59": "suspected fraud",
    "61": "exceeds the amount limit",
    "62": "restricted card",
    "65": "exceeds the number of operations",
    "75": "too many wrong PINs",
    "82": "wrong security code",
    "91": "issuer or switch does not answer",
    "92": "no route to the issuer",
    "96": "system malfunction",
}
BANK: Final = {"454": "answer not received, not final", "466": "do not honour", "484": "insufficient funds"} | {
    "494": "issuer or switch does not answer",
    "496": "system malfunction",
}

CLASSES: Final = {
    "none": "no failure",
    "funds": "not enough money on the card",
    "limits": "a limit of the card, the bank or the terminal",
    "authentication": "3-D Secure or the PIN failed",
    "card_data": "card number, date or amount is wrong",
    "card_state": "the card is blocked, lost or expired",
    "issuer_declined": "the issuer said no",
    "fraud": "suspected fraud",
    "issuer_unavailable": "the issuer does not answer",
    "technical": "the bank's systems or ours",
    "configuration": "the terminal is set up wrongly",
    "unknown": "no table names the code",
}
TO_BLAME: Final = {
    "none": "nobody",
    "issuer_unavailable": "issuer",
    "technical": "bank or us",
    "configuration": "us",
    "unknown": "nobody knows",
} | dict.fromkeys(
    ("funds", "limits", "authentication", "card_data", "card_state", "issuer_declined", "fraud"), "customer"
)


def meanings() -> dict[str, str]:
    """Code → the code and what it says, for every code that a table names."""
    table = yaml.safe_load((files("exporter") / "data" / "reason_codes.yaml").read_text(encoding="utf-8"))
    said = {code: CLASSES[name] for name, codes in table.items() for code in codes}
    said |= ISO | BANK | {"0": "no reason given", "00": "no reason given"}
    return {code: f"{code} {text}" for code, text in said.items()}
