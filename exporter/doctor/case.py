"""What is known about an account so far: each probe reads it, asks, and adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from exporter.config.records import Account, Config, TerminalFilter
from exporter.doctor.inquiry import Inquiry
from exporter.doctor.replies import Reply
from exporter.doctor.stamps import Stamp
from exporter.model import DAY, HOUR, Duration, Instant, Operation, Policy, Span


@dataclass(frozen=True, slots=True)
class Look:
    """The newest records at a moment by the bank's clock, the newest first where the bank can list them so."""

    at: Instant
    created: Mapping[bytes, Instant]
    total: int
    descending: bool


@dataclass(slots=True)
class Case:
    """One account under examination.

    `now` is when it began; `page_size` what is asked for unless a probe knows why. `left_out`: terminals that the bank
    refuses, which must not cost the other answers. `failures`: probes in a row that the bank did not answer.
    """

    inquiry: Inquiry
    config: Config
    now: Instant
    page_size: int
    token_life: float = 0.0
    readable: bool = True
    left_out: frozenset[str] = frozenset()
    failures: int = 0
    volumes: dict[Duration, int] = field(default_factory=dict)
    operations: dict[bytes, Operation] = field(default_factory=dict)
    rejections: dict[bytes, str] = field(default_factory=dict)
    stamps: dict[bytes, Stamp] = field(default_factory=dict)
    oldest_page: Reply | None = None
    looks: list[Look] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The account as it should be configured by what is known so far."""
        return self.inquiry.account

    @property
    def policy(self) -> Policy:
        """The durations that the exporter reads by."""
        poll = self.config.poll
        return Policy(poll.interval, poll.lookback, poll.max_gap, poll.follow_pending, self.config.windows)

    def closed(self, width: Duration) -> Span:
        """A stretch that has come to rest: what is compared over several requests must not move meanwhile."""
        end = self.now - min(self.config.poll.lookback, HOUR)
        return Span(end - width, end)

    def recent(self, width: Duration) -> Span:
        """A stretch up to now, and beyond it: the bank's clock may run ahead."""
        return Span(self.now - width, self.now + DAY)

    def question(self, span: Span) -> dict[str, Any]:
        """The search for all terminals that are not refused, as many as the exporter asks for together.

        Where all are refused: without a terminal, so that the rest can be answered.
        """
        names = [terminal.name for terminal in self.account.terminals if terminal.name not in self.left_out]
        account = self.account if names else replace(self.account, terminal_filter=TerminalFilter.CLIENT)
        return self.inquiry.question(span, names[: self.policy.batch], account)

    async def ask(self, question: dict[str, Any], *, size: int, page: int = 0, sure: bool = True) -> Reply:
        """The inquiry's answer, a refusal asked again; readable records of our terminals join the sample."""
        reply = await self.inquiry.ask(question, size=size, page=page, sure=sure)
        if reply.page is not None:
            numbers = {terminal.number for terminal in self.account.terminals}
            self.operations.update((each.id, each) for each in reply.page.operations if each.number in numbers)
            self.rejections.update((each.id, each.reason) for each in reply.page.rejections)
            self.stamps.update((stamp.id, stamp) for stamp in reply.stamps)
        return reply

    def busy(self, wanted: int) -> tuple[Duration, int]:
        """The shortest stretch that holds as many records as wanted, else the fullest; and how many it holds."""
        enough = [(width, count) for width, count in self.volumes.items() if count >= wanted]
        return min(enough) if enough else max(self.volumes.items(), key=lambda item: item[1], default=(HOUR, 0))
