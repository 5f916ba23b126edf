"""The configuration as the other rooms receive it: frozen, complete, checked, with durations in microseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from exporter.config.problems import Problem
from exporter.model import DAY, HOUR, MINUTE, SECOND, CalendarEntry, Duration, Terminal
from exporter.outcomes import Outcomes
from exporter.thresholds import Given

_LONGEST_SECRET: Final = 64 * 1024


class SecretUnreadable(Exception):
    """A secret's file cannot be read, or holds nothing; the text names key and file and never the value."""

    def __init__(self, key: str, file: Path, reason: str) -> None:
        super().__init__(f"{key}_file: {file}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential, given outright or as a file that is read again at every login, so that rotation needs no reload.

    `key` names it in errors (`accounts[0].password`), and is no part of what it is: an account that has moved in the
    file is the same. Its value never shows in repr.
    """

    key: str = field(compare=False)
    value: str | None = field(default=None, repr=False)
    file: Path | None = None

    def read(self) -> str:
        """The value now; a trailing line break of a file does not belong to it. Raises SecretUnreadable."""
        if self.file is None:
            return self.value or ""
        try:
            with self.file.open("rb") as file:
                content = file.read(_LONGEST_SECRET + 1)
            # Windows' editors begin UTF-8 files with a mark that is not part of the text.
            text = content.decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise SecretUnreadable(self.key, self.file, error.strerror or "cannot be read") from None
        except UnicodeDecodeError:
            raise SecretUnreadable(self.key, self.file, "not UTF-8") from None
        if not text:
            raise SecretUnreadable(self.key, self.file, "the file is empty")
        if len(content) > _LONGEST_SECRET:
            raise SecretUnreadable(self.key, self.file, "too large to be a secret")
        return text


class TokenBody(StrEnum):
    """How the login's form is encoded."""

    FORM_DATA = "form-data"
    URLENCODED = "urlencoded"


class TerminalFilter(StrEnum):
    """Who picks out our terminals: the bank by `terminal_id`, or we from all of the account's records."""

    SERVER = "server"
    CLIENT = "client"


class Paging(StrEnum):
    """What `paging.page` means: the number of records to skip (documented), or the index of a page."""

    OFFSET = "offset"
    PAGE_INDEX = "page-index"


@dataclass(frozen=True, slots=True)
class Account:
    """One login at the bank and the terminals that are read with it.

    `ca_file`: whom to trust in place of the well-known authorities. `proxy_url`: through which proxy, in place of what
    the environment says. `parts`: of how many parts of an account at the bank this is one; they share its rate.
    """

    name: str
    token_url: str
    operations_url: str
    username: Secret
    password: Secret
    client_id: Secret
    client_secret: Secret
    terminals: tuple[Terminal, ...]
    scope: str = "transfer"
    token_body: TokenBody = TokenBody.FORM_DATA
    period_field: str = "created_at"
    terminal_filter: TerminalFilter = TerminalFilter.SERVER
    paging: Paging = Paging.OFFSET
    ca_file: Path | None = None
    proxy_url: Secret | None = None
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Poll:
    """How often, how far back and how hard the bank is read."""

    interval: Duration = 15 * SECOND
    lookback: Duration = 15 * MINUTE
    sweep_interval: Duration = MINUTE
    max_gap: Duration = DAY
    follow_pending: Duration = DAY
    page_size: int = 500
    timeout: Duration = 10 * SECOND
    max_concurrency: int = 4
    requests_per_second: float = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what the bank can make us hold and expose."""

    max_codes_per_terminal: int = 100
    max_breakdown_values: int = 50
    max_response_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Baseline:
    """How much of the bank's history the expected volume is made from."""

    weeks: int = 4
    windows: tuple[Duration, ...] = (15 * MINUTE, HOUR)
    history: Duration = 35 * DAY
    history_requests_per_second: float = 1.0


@dataclass(frozen=True, slots=True)
class Alerts:
    """Thresholds as data: defaults, and by terminal name what differs from them."""

    defaults: Given = field(default_factory=dict)
    terminals: Mapping[str, Given] = field(default_factory=dict)


REQUIRED_WINDOWS: tuple[Duration, ...] = (5 * MINUTE, 15 * MINUTE, HOUR)
"""Always there, because the shipped alert rules ask for them."""


@dataclass(frozen=True, slots=True)
class Config:
    """All of a configuration file. `windows` ascending, with the required ones; `state_url` may hold a password.

    `doubts`: what can be used and is hardly meant. It is said where the file is read, and is no part of what it says.
    """

    accounts: tuple[Account, ...]
    outcomes: Outcomes
    poll: Poll = field(default_factory=Poll)
    windows: tuple[Duration, ...] = REQUIRED_WINDOWS
    breakdowns: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    state_url: str = field(default="sqlite:///./epay-exporter.db", repr=False)
    lease: Duration = 15 * SECOND
    baseline: Baseline = field(default_factory=Baseline)
    calendar: tuple[CalendarEntry, ...] = ()
    alerts: Alerts = field(default_factory=Alerts)
    doubts: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def terminals(self) -> tuple[Terminal, ...]:
        """The terminals of all accounts, in the order of the file."""
        return tuple(terminal for account in self.accounts for terminal in account.terminals)
