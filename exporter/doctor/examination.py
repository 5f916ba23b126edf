"""The examination of an account: one question after the other, and no error of one ends the others."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from exporter.bank import BankError
from exporter.config.records import Account, Config
from exporter.doctor import access, listing, ordering, paging, terminals, timing
from exporter.doctor.case import Case
from exporter.doctor.cost import CostFacts, cost_finding
from exporter.doctor.finding import AccountReport, Finding, Verdict, amended
from exporter.doctor.inquiry import CAP, Inquiry, Spent
from exporter.doctor.vocabulary import vocabulary_findings
from exporter.model import Clock

_PATIENCE: Final = 3
"""Probes one after the other that the bank does not answer, after which the others are left out."""

Progress = Callable[[str, str, int], None]
"""Told before each question: account, question, requests so far."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One step, and the questions it answers. `listing`: it needs a list that can be read."""

    questions: tuple[str, ...]
    run: Callable[[Case], Awaitable[Sequence[Finding]]]
    listing: bool = True


async def _vocabulary(case: Case) -> Sequence[Finding]:
    return vocabulary_findings(case.operations.values(), case.config.outcomes)


async def _timing(case: Case) -> Sequence[Finding]:
    created = [stamp.created for stamp in case.stamps.values()]
    return [
        timing.unreadable_finding(len(case.stamps), case.rejections),
        timing.offset_finding(list(case.stamps.values())),
        timing.clock_finding(case.inquiry.skews, created, case.inquiry.clock()),
    ]


async def _visibility(case: Case) -> Sequence[Finding]:
    if case.looks and case.looks[0].created:
        await ordering.newest(case)
    return [timing.visibility_finding(case.looks, case.config.poll.lookback)]


async def _cost(case: Case) -> Sequence[Finding]:
    facts = CostFacts(case.account, case.config.poll, case.policy, case.page_size, case.token_life, dict(case.volumes))
    return [cost_finding(facts)]


_PROBES: Final = (
    Probe(("period field",), listing.period_field, listing=False),
    Probe(("error status",), listing.error_status),
    Probe(("terminal_id", "terminal number"), terminals.terminals),
    Probe(("volume",), paging.volume),
    Probe(("paging",), paging.paging),
    Probe(("page size",), paging.page_size),
    Probe(("bounds",), ordering.bounds),
    Probe(("order",), ordering.order),
    Probe(("second login",), access.second_login),
    Probe(("visibility",), _visibility),
    Probe(("statuses", "codes"), _vocabulary),
    Probe(("records", "UTC offset", "clock"), _timing),
    Probe(("cost",), _cost, listing=False),
)


class Doctor:
    """Examines accounts, read-only, within a few requests each."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        progress: Progress | None = None,
        cap: int = CAP,
    ) -> None:
        self._config = config
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._progress = progress
        self._cap = cap

    async def examine(self, account: Account, http: httpx.AsyncClient) -> AccountReport:
        """Everything that can be found out about an account on its way to the bank."""
        poll, limits = self._config.poll, self._config.limits
        inquiry = Inquiry(account, poll, limits, http, self._clock, self._monotonic, self._sleep, self._cap)
        case = Case(inquiry, self._config, self._clock(), poll.page_size)
        findings = list(await self._step(case, Probe(("login",), access.login, listing=False)))
        if not inquiry.token:
            return AccountReport(account.name, inquiry.requests, tuple(findings), findings[0].answer)
        for probe in _PROBES:
            findings += await self._step(case, probe)
        return AccountReport(account.name, inquiry.requests, tuple(findings))

    async def _step(self, case: Case, probe: Probe) -> Sequence[Finding]:
        """One probe's findings; what they change is relied on from then on."""
        if self._progress is not None:
            self._progress(case.account.name, probe.questions[0], case.inquiry.requests)
        if probe.listing and not case.readable:
            return _unknown(probe, "not asked: the list cannot be read")
        if probe.listing and case.failures >= _PATIENCE:
            return _unknown(probe, "not asked: the bank does not answer properly now; try again later")
        try:
            findings = await probe.run(case)
        except Spent:
            return _unknown(probe, f"not asked: {self._cap} requests are the most that one account is asked")
        except BankError as error:
            case.failures += 1
            return _unknown(probe, str(error))
        except Exception as error:  # noqa: BLE001  a defect of ours must cost one answer; its text may hold a record
            return _unknown(probe, f"a defect of the doctor ({type(error).__name__}): please report it")
        if probe.listing:
            case.failures = 0
        for found in findings:
            if found.verdict is Verdict.CHANGE:
                case.inquiry.account = amended(case.account, found.lines)
        return findings


def _unknown(probe: Probe, answer: str) -> list[Finding]:
    return [Finding(question, Verdict.UNKNOWN, answer, "") for question in probe.questions]
