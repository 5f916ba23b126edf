"""What the list calls the period, and how it says no."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from exporter.bank import Refused, Unauthorized
from exporter.config.records import TerminalFilter
from exporter.doctor.case import Case
from exporter.doctor.finding import Finding, Line, Place, Verdict
from exporter.doctor.replies import Reply
from exporter.model import DAY

_FIELDS: Final = ("created_at", "created_date")
_PLAIN: Final = "without terminal_id"
_FILTERED: Final = "with terminal_id"
_UNORDERED: Final = "without an order"


@dataclass(frozen=True, slots=True)
class PeriodFacts:
    """What each field was answered with; `manner` is the way of asking at which one of them worked, or the last."""

    configured: str
    replies: Mapping[str, Reply]
    manner: str


async def period_field(case: Case) -> list[Finding]:
    """Both fields, without a terminal at first: its refusal would look the same."""
    configured = case.account.period_field
    replies: dict[str, Reply] = {}
    manner = _PLAIN
    for manner in (_PLAIN, _FILTERED, _UNORDERED):
        replies = await _both(case, manner)
        if not all(reply.refused for reply in replies.values()):
            break
    found = period_finding(PeriodFacts(configured, replies, manner))
    # What has only gone wrong may go well with the next question; what is not allowed will not.
    never = all(isinstance(reply.error, (Refused, Unauthorized)) for reply in replies.values())
    case.readable = not never
    return [found]


async def _both(case: Case, manner: str) -> dict[str, Reply]:
    configured = case.account.period_field
    replies = {}
    for name in (configured, *(each for each in _FIELDS if each != configured)):
        terminal_filter = TerminalFilter.SERVER if manner == _FILTERED else TerminalFilter.CLIENT
        account = replace(case.account, period_field=name, terminal_filter=terminal_filter)
        names = [terminal.name for terminal in account.terminals][: case.policy.batch]
        question = case.inquiry.question(case.recent(DAY), names, account)
        if manner == _UNORDERED:
            question["orderParameters"] = []
        reply = await case.inquiry.ask(question, size=1, sure=name == configured)
        replies[name] = reply
        if reply.page is None and not reply.refused:
            break  # no answer that speaks of the field: the other one would get the same
    return replies


def period_finding(facts: PeriodFacts) -> Finding:
    """Which field works."""
    evidence = "; ".join(f"{name}: {reply.said}" for name, reply in facts.replies.items())
    if facts.manner != _PLAIN:
        evidence += f" ({facts.manner})"
    working = {name: reply.page.total_count for name, reply in facts.replies.items() if reply.page is not None}
    if not working:
        error = next((reply.error for reply in facts.replies.values() if not reply.refused), None)
        answer = str(error) if error is not None else "the list refuses both fields: check operations_url and scope"
        return Finding("period field", Verdict.PROBLEM, answer, evidence)
    if facts.manner == _UNORDERED:
        answer = f"{', '.join(working)} can be searched by, but not ordered by: pages cannot be read reliably"
        return Finding("period field", Verdict.PROBLEM, answer, evidence)
    if facts.configured not in working:
        name = next(iter(working))
        line = Line(Place.ACCOUNT, "period_field", name)
        return Finding("period field", Verdict.CHANGE, f"{name}, not {facts.configured}", evidence, (line,))
    line = Line(Place.ACCOUNT, "period_field", facts.configured)
    if len(working) == 1:
        return Finding("period field", Verdict.OK, facts.configured, evidence, (line,))
    if working[facts.configured] == 0 and any(working.values()):
        answer = f"both are taken, but {facts.configured} finds nothing: one of them is not searched by"
        return Finding("period field", Verdict.PROBLEM, answer, evidence)
    return Finding("period field", Verdict.OK, f"{facts.configured}; the other one is taken as well", evidence, (line,))


async def error_status(case: Case) -> list[Finding]:
    """The HTTP status of an error body, by a method of search that does not exist."""
    question = case.question(case.recent(DAY))
    question["searchParameters"][0]["method"] = "unknown"
    reply = await case.inquiry.ask(question, size=1)
    if reply.error is not None and not reply.refused:
        raise reply.error
    return [error_status_finding(reply)]


def error_status_finding(reply: Reply) -> Finding:
    """How the bank says no. The exporter understands either way."""
    evidence = f"an unknown search method: {reply.said}"
    if reply.page is not None:
        return Finding("error status", Verdict.UNKNOWN, "an unknown search method is not refused", evidence)
    return Finding("error status", Verdict.OK, f"an error body comes with {reply.said}", evidence)
