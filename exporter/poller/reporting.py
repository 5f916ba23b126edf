"""What the log says of polls: each change of state once, however many polls it lasts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import structlog

from exporter.bank import BankError
from exporter.model import SECOND, Difference, Instant, Notice, Span, Trouble

_TABLES = {"status": "outcomes", "code": "reason_codes"}
_SHOWN = 5
"""How many terminals a line names before it only counts them."""


class Reporter:
    """Remembers what is wrong with each terminal of an account, and says what changes."""

    def __init__(self, account: str, terminals: Sequence[str]) -> None:
        self._log = structlog.get_logger("epay.poller").bind(account=account)
        self._count = len(terminals)
        self._troubles: dict[str, Trouble] = {}

    def trouble(self, name: str) -> Trouble | None:
        """What is wrong with a terminal, and since when."""
        return self._troubles.get(name)

    def resume(self, name: str, trouble: Trouble) -> None:
        """Something was wrong with a terminal before, and the log knows it."""
        self._troubles[name] = trouble

    def failed(self, failures: Mapping[str, BankError], now: Instant) -> None:
        """Terminals that this poll could not read."""
        fresh: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for name, error in failures.items():
            before = self._troubles.get(name)
            if before is None or before.kind != error.kind:
                fresh[error.kind, str(error)].append(name)
                self._troubles[name] = Trouble(error.kind, str(error), before.since if before else now)
        for (kind, text), names in fresh.items():
            self._log.error("poll failed", kind=kind, terminals=self._listed(names), reason=text)

    def recovered(self, names: Iterable[str], now: Instant) -> None:
        """Terminals that this poll has read."""
        back = {name: trouble for name in names if (trouble := self._troubles.pop(name, None)) is not None}
        if back:
            seconds = max(now - trouble.since for trouble in back.values()) // SECOND
            self._log.info("poll recovered", terminals=self._listed(list(back)), after_seconds=seconds)

    def noticed(self, notices: Iterable[Notice]) -> None:
        """Statuses and codes that no table names."""
        for notice in notices:
            self._log.warning(
                f"unknown {notice.kind}",
                terminal=notice.terminal,
                value=notice.value,
                advice=f"name it in the configuration under {_TABLES[notice.kind]}",
            )

    def gap(self, names: Sequence[str], gap: Span) -> None:
        """A stretch of time further back than max_gap, which is not read."""
        self._log.warning(
            "gap: operations of this time are not counted",
            terminals=self._listed(names),
            start=gap.start // SECOND,
            end=gap.end // SECOND,
            advice="raise poll.max_gap to read further back after an outage",
        )

    def incomplete(self, names: Sequence[str]) -> None:
        """Readings that did not add up to the bank's totalCount, for the first time in a row."""
        self._log.warning("reading incomplete", terminals=self._listed(names), reason="ids read differ from totalCount")

    def sweep_failed(self, error: BankError) -> None:
        """A sweep that came to nothing; the next one is due in its time."""
        self._log.warning("sweep failed", kind=error.kind, reason=str(error))

    def sweep_slow(self, seconds: float, interval: float) -> None:
        """The lookback takes longer to read than the time between two sweeps."""
        self._log.warning(
            "sweep takes longer than its interval",
            seconds=round(seconds),
            interval_seconds=round(interval),
            advice="raise poll.sweep_interval or poll.requests_per_second, or shorten poll.lookback",
        )

    def reconciled(self, differences: Mapping[str, Difference]) -> None:
        """Closed hours in which the bank lists something else than was counted."""
        for name, difference in differences.items():
            amounts = ", ".join(f"{amount} {currency}" for currency, amount in sorted(difference.amounts.items()))
            self._log.warning(
                "reconciliation found a difference",
                terminal=name,
                operations=difference.operations,
                minor_units=amounts or 0,
                counted_now=max(difference.operations, 0),
                advice="what was missed is counted now; a longer poll.lookback would have found it sooner",
            )

    def reconciliation_failed(self, error: BankError) -> None:
        """A pass over closed hours that came to nothing; it is tried again."""
        self._log.warning("reconciliation failed", kind=error.kind, reason=str(error))

    def _listed(self, names: Sequence[str]) -> str:
        if len(names) == self._count and self._count > 1:
            return f"all {self._count}"
        rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return ", ".join(names[:_SHOWN]) + rest
