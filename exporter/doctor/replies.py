"""What came back from the bank, judged no further than the client judges it."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from exporter.bank import BankError, Refused
from exporter.config.records import TokenBody
from exporter.doctor.stamps import Stamp
from exporter.model import Instant, Page


@dataclass(frozen=True, slots=True)
class LoginReply:
    """What became of one login. `expires_in`: how the bank writes it (number, text, missing)."""

    body: TokenBody
    status: int | None
    error: BankError | None = None
    life: float = 0.0
    expires_in: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the list: a page, or the error that it means. `status` is None where nothing came."""

    status: int | None
    page: Page | None
    error: BankError | None
    at: Instant
    stamps: tuple[Stamp, ...] = field(default=(), repr=False)

    @property
    def refused(self) -> bool:
        """Whether the bank understood and said no."""
        return isinstance(self.error, Refused)

    @property
    def good(self) -> Page:
        """The page. Raises the error where there is none."""
        if self.page is None:
            raise self.error or BankError("defect", "an answer without a page")
        return self.page

    @property
    def ids(self) -> frozenset[bytes]:
        """All records of the page, readable or not. Raises the error where there is no page."""
        page = self.good
        operations = (operation.id for operation in page.operations)
        return frozenset((*operations, *(rejection.id for rejection in page.rejections)))

    @property
    def said(self) -> str:
        """The answer in a few words that are fit for a ticket."""
        status = "no answer" if self.status is None else f"HTTP {self.status}"
        if self.page is not None:
            return f"{status}, {self.page.total_count} records"
        if isinstance(self.error, Refused):
            return f"{status}, " + ("an error" if self.error.code is None else f"code {self.error.code}")
        return status if self.error is None else f"{status}, {self.error.kind}"


class _Expiry(msgspec.Struct):
    expires_in: Any = None


def form_of_expiry(body: bytes) -> str:
    """How a login's answer writes the life of its token."""
    try:
        value = msgspec.json.decode(body, type=_Expiry).expires_in
    except msgspec.MsgspecError:
        return "missing"
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else "missing"
