"""Which time the bank writes, what its clock says, and how late operations become visible: pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from exporter.config.durations import format_duration
from exporter.doctor.case import Look
from exporter.doctor.finding import Finding, Verdict
from exporter.doctor.numbering import listed
from exporter.doctor.stamps import Stamp
from exporter.model import SECOND, Duration, Instant

_TOLERANCE: Final = 5.0
"""Seconds of skew that windows and delays bear without becoming wrong enough to be noticed."""


def offset_finding(stamps: Sequence[Stamp]) -> Finding:
    """The UTC offsets of the records."""
    if not stamps:
        return Finding("UTC offset", Verdict.UNKNOWN, "no record was seen", "0 records")
    counts = Counter(stamp.offset for stamp in stamps)
    evidence = "records by offset: " + listed(f"{offset} {count}" for offset, count in counts.most_common())
    answer = listed(sorted(counts))
    return Finding("UTC offset", Verdict.OK, f"{answer}; each record's own offset is used", evidence)


def unreadable_finding(read: int, rejections: Mapping[bytes, str]) -> Finding:
    """Records that the exporter cannot count."""
    reasons = Counter(rejections.values())
    evidence = f"{read} records read; not readable: " + (
        listed(f"{reason} {count}" for reason, count in reasons.most_common()) or "none"
    )
    if not reasons:
        verdict = Verdict.OK if read else Verdict.UNKNOWN
        return Finding("records", verdict, "all can be read" if read else "no record was seen", evidence)
    answer = f"{sum(reasons.values())} records cannot be read, by these fields: {listed(sorted(reasons))}"
    return Finding("records", Verdict.PROBLEM, answer, evidence)


def clock_finding(skews: Sequence[float], created: Sequence[Instant], now: Instant) -> Finding:
    """The bank's clock against ours, and records that lie ahead of both."""
    if not skews:
        return Finding("clock", Verdict.UNKNOWN, "the bank sends no Date header", "0 answers with a date")
    skew = median(skews)
    ahead = now + int(max(skew, 0.0) * SECOND) + SECOND
    future = sum(each > ahead for each in created)
    evidence = f"median of {len(skews)} Date headers: {skew:+.1f} s; {future} of {len(created)} records in the future"
    where = "ahead of" if skew > 0 else "behind"
    if abs(skew) > _TOLERANCE:
        answer = f"the bank's clock is {abs(skew):.0f} s {where} this machine's: check this machine's time first"
        return Finding("clock", Verdict.PROBLEM, answer, evidence)
    if future:
        answer = f"the clocks agree, but {future} records lie in the future: ask the bank"
        return Finding("clock", Verdict.PROBLEM, answer, evidence)
    return Finding("clock", Verdict.OK, "agrees with this machine's within a few seconds", evidence)


def visibility_finding(looks: Sequence[Look], lookback: Duration) -> Finding:
    """How late operations become visible, as far as two looks at the newest ones can tell: an estimate."""
    looks = [look for look in looks if look.descending and look.created]
    if not looks:
        answer = "no recent record was seen, or not in the order asked for"
        return Finding("visibility", Verdict.UNKNOWN, answer, "0 usable looks at the newest records")
    last = looks[-1]
    age = max(0, last.at - max(last.created.values()))
    evidence = f"the newest of {len(last.created)} records was {_seconds(age)} old when it was listed"
    late = _late(looks[0], last)
    if len(looks) > 1:
        fresh = sum(created > looks[0].at for created in last.created.values())
        between = _seconds(last.at - looks[0].at)
        evidence += f"; {fresh} new and {len(late)} late ones in a second look {between} later"
    if late and max(late) > lookback:
        answer = f"some operations come at least {_seconds(max(late))} late, more than poll.lookback: make it longer"
        return Finding("visibility", Verdict.PROBLEM, answer, evidence)
    if age > lookback:
        answer = f"the newest record is {_seconds(age)} old: too little traffic to tell"
        return Finding("visibility", Verdict.UNKNOWN, answer, evidence)
    answer = f"estimate: the first ones within {_seconds(age)}"
    if late:
        answer += f", late ones after at least {_seconds(max(late))}"
    return Finding("visibility", Verdict.OK, f"{answer}; poll.lookback follows {_seconds(lookback)}", evidence)


def _late(first: Look, last: Look) -> list[Duration]:
    """How late those at least were that the first look, though it reached further back, had not seen."""
    if first is last:
        return []
    reach = min(first.created.values())
    missed = (created for id_, created in last.created.items() if id_ not in first.created and created < first.at)
    return [first.at - created for created in missed if created > reach]


def _seconds(duration: Duration) -> str:
    """Whole seconds, as a person reads them."""
    return format_duration(max(SECOND, round(duration / SECOND) * SECOND))
