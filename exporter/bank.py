"""The port between the poller and a bank: what is asked, and every way in which it can fail.

    BankError
     ├─ Unreachable      no answer: connection refused, reset, time-out
     ├─ ServerFailed     5xx, or maintenance in HTML
     ├─ Throttled        429, or a pause that the bank has asked for
     ├─ Garbled          an answer that cannot be used: truncated, not JSON, too large, not of the documented form
     ├─ Refused          the bank understood and said no (error body, 4xx): may be one terminal's fault
     ├─ Unauthorized     401 or 403 with a token that the login has just given
     ├─ LoginRefused     the credentials were not accepted, or the pause after that still lasts
     └─ SpanTooLarge     more records than one reading may hold: ask for halves

Texts are fit for logs and pages: no secret, no URL with credentials, nothing of the bank's free text.
"""

from typing import Final, Protocol

from exporter.model import Assignment, Reading

MAX_RECORDS: Final = 20_000
"""How many records one reading may hold: what lies in memory at a time, and what a crash makes us read again."""


class BankError(Exception):
    """The bank could not be read. `kind` is the word that metrics and logs carry, `str()` says it to a person."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Unreachable(BankError):
    """No answer. Kinds: connect, reset, timeout."""


class ServerFailed(BankError):
    """The bank has trouble of its own. Kind: server_error."""


class Throttled(BankError):
    """Too many requests, or still within the pause asked for. Kind: rate_limited."""


class Garbled(BankError):
    """An unusable answer. Kinds: not_json, malformed, too_large."""


class Refused(BankError):
    """The bank said no to this request. Kind: refused. `code` is the error body's, where there was one."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__("refused", text)
        self.code = code


class Unauthorized(BankError):
    """A fresh token was not accepted for the list. Kind: unauthorized."""


class LoginRefused(BankError):
    """The login was refused, or is not tried again yet. Kind: login_refused."""


class SpanTooLarge(BankError):
    """The span holds `total_count` records, more than one reading may hold. Kind: span_too_large."""

    def __init__(self, total_count: int) -> None:
        super().__init__("span_too_large", f"the span holds {total_count} records")
        self.total_count = total_count


class Bank(Protocol):
    """One account at the bank."""

    async def read(self, assignment: Assignment) -> Reading:
        """All pages of an assignment. Raises BankError."""
