"""Are the bounds of `between` inclusive, and is the order kept that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from exporter.doctor.case import Case, Look
from exporter.doctor.finding import Finding, Verdict
from exporter.doctor.replies import Reply
from exporter.doctor.stamps import Stamp
from exporter.model import SECOND, Duration, Instant, Operation

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final[Duration] = 1_000
_NEIGHBOURS: Final = 200
_NEWEST: Final = 100


@dataclass(frozen=True, slots=True)
class BoundsFacts:
    """Whether a record was found with its own instant as lower bound, as upper one, and with a lower bound just after.

    None: cannot be told, because the page was full of others. `step`: the finest part of a bound.
    """

    step: Duration
    at_start: bool | None
    at_end: bool | None
    just_after: bool | None


async def bounds(case: Case) -> list[Finding]:
    """A record's own instant as either bound; and as control a lower bound that must leave the record out."""
    stamp = _chosen(list(case.stamps.values()))
    if stamp is None:
        return [Finding("bounds", Verdict.UNKNOWN, "there is no record to try them with", "0 records")]
    step = _MILLISECOND if stamp.created % _MILLISECOND == 0 else 1
    at = stamp.created
    facts = BoundsFacts(
        step,
        at_start=await _found(case, stamp, at, at + SECOND),
        at_end=await _found(case, stamp, at - SECOND, at),
        just_after=await _found(case, stamp, at + step, at + SECOND),
    )
    return [bounds_finding(facts)]


def _chosen(stamps: Sequence[Stamp]) -> Stamp | None:
    """One of the older records, with whole milliseconds where there is such a one."""
    exact = sorted((stamp for stamp in stamps if stamp.exact), key=lambda stamp: stamp.created)
    whole = [stamp for stamp in exact if stamp.created % _MILLISECOND == 0]
    usable = whole or exact
    return usable[len(usable) // 2] if usable else None


async def _found(case: Case, stamp: Stamp, start: Instant, end: Instant) -> bool | None:
    question = case.question(case.closed(SECOND))
    question["searchParameters"][0]["searchParameter"] = [_written(start), _written(end)]
    if len(question["searchParameters"]) > 1 and stamp.id not in case.operations:
        del question["searchParameters"][1]  # not one of ours: it was seen in the whole list
    reply = await case.inquiry.ask(question, size=_NEIGHBOURS, sure=True)
    if stamp.id in reply.ids:
        return True
    return False if reply.good.received >= reply.good.total_count else None


def _written(moment: Instant) -> str:
    """Milliseconds as in the documentation, or microseconds where a record's instant has them."""
    timespec = "microseconds" if moment % _MILLISECOND else "milliseconds"
    return (_EPOCH + timedelta(microseconds=moment)).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def bounds_finding(facts: BoundsFacts) -> Finding:
    """What the bounds do. The exporter asks a millisecond wider at both ends, so any of it does no harm."""
    unit = "milliseconds" if facts.step == _MILLISECOND else "microseconds"
    yes = {True: "found", False: "not found", None: "cannot be told"}
    evidence = (
        f"a record at its own instant (whole {unit}) as lower bound: {yes[facts.at_start]}, "
        f"as upper bound: {yes[facts.at_end]}, with a lower bound just after it: {yes[facts.just_after]}"
    )
    if None in (facts.at_start, facts.at_end, facts.just_after):
        return Finding("bounds", Verdict.UNKNOWN, "too many records at one moment to tell", evidence)
    if facts.just_after:
        if facts.step == _MILLISECOND:
            answer = "bounds are rounded to more than a millisecond: records at the end of a period may be missed"
            return Finding("bounds", Verdict.PROBLEM, answer, evidence)
        answer = "no record with whole milliseconds was there, and the bank does not keep microseconds in bounds"
        return Finding("bounds", Verdict.UNKNOWN, answer, evidence)
    ends = {True: "inclusive", False: "exclusive"}
    start, end = ends[bool(facts.at_start)], ends[bool(facts.at_end)]
    answer = f"both {start}" if start == end else f"start {start}, end {end}"
    return Finding("bounds", Verdict.OK, f"{answer}; the exporter copes with either", evidence)


async def order(case: Case) -> list[Finding]:
    """The oldest records ascending, as they were read, and the newest ones descending."""
    ascending = case.oldest_page.good.operations if case.oldest_page is not None else ()
    look = await newest(case)
    return [order_finding(ascending, look)]


async def newest(case: Case) -> Sequence[Operation]:
    """The newest records, which become the case's next look."""
    width, _ = case.busy(_NEWEST)
    question = case.question(case.recent(width))
    for each in question["orderParameters"]:
        each["typeOrder"] = "DESC"
    reply = await case.ask(question, size=min(_NEWEST, case.page_size))
    operations = reply.good.operations
    case.looks.append(_look(case, reply))
    return operations


def _look(case: Case, reply: Reply) -> Look:
    skews = case.inquiry.skews
    page = reply.good
    created = {each.id: each.created for each in page.operations}
    down = all(one >= other for one, other in pairwise(created.values()))
    at = reply.at + (int(skews[-1] * SECOND) if skews else 0)
    return Look(at, created, page.total_count, down)


def order_finding(ascending: Sequence[Operation], descending: Sequence[Operation]) -> Finding:
    """Whether records come by created, then id."""
    up = sum(one.created > other.created for one, other in pairwise(ascending))
    down = sum(one.created < other.created for one, other in pairwise(descending))
    ties = [(one.id, other.id) for one, other in pairwise(ascending) if one.created == other.created]
    wrong = sum(one > other for one, other in ties)
    evidence = (
        f"{len(ascending)} records ascending, {up} out of order; {len(descending)} descending, {down} out of order; "
        f"{len(ties)} of the same moment, {wrong} of them not by id"
    )
    if max(len(ascending), len(descending)) < 3:
        return Finding("order", Verdict.UNKNOWN, "too few records to tell", evidence)
    if up:
        answer = "records do not come in the order asked for: pages can repeat or miss some, and are read again"
        return Finding("order", Verdict.PROBLEM, answer, evidence)
    if down:
        return Finding("order", Verdict.UNKNOWN, "ascending by time, and descending is not honoured", evidence)
    if wrong:
        return Finding("order", Verdict.UNKNOWN, "by time; records of the same moment not by id", evidence)
    answer = "as asked for: by time" + (", then id" if ties else " (no two records of one moment, so id was not seen)")
    return Finding("order", Verdict.OK, answer, evidence)
