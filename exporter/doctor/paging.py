"""How much there is, what `paging.page` means, and how many records come at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exporter.config.durations import format_duration
from exporter.config.records import Paging
from exporter.doctor.case import Case
from exporter.doctor.finding import Finding, Line, Place, Verdict
from exporter.model import DAY, HOUR, Duration

_WIDTHS: Final[tuple[Duration, ...]] = (HOUR, DAY, 7 * DAY, 30 * DAY)
_SIZES: Final = (1000, 5000)
_SMALL_SIZES: Final = (100, 20)
_SAMPLE: Final = 50


async def volume(case: Case) -> list[Finding]:
    """Ever wider stretches until one holds more records than the largest page that is asked for."""
    evidence = []
    for width in _WIDTHS:
        reply = await case.ask(case.question(case.closed(width)), size=1)
        evidence.append(f"{format_duration(width)}: {reply.said}")
        if reply.page is None:
            break  # the bank does not like long periods: what it has told so far must do
        case.volumes[width] = reply.page.total_count
        if reply.page.total_count > max(case.page_size, *_SIZES):
            break
    said = "; ".join(evidence)
    if not case.volumes:
        if reply.error is not None and not reply.refused:
            raise reply.error
        return [Finding("volume", Verdict.UNKNOWN, "the list did not tell", said)]
    width, count = case.busy(max(case.page_size, *_SIZES) + 1)
    if not count:
        answer = f"no operation within {format_duration(width)}: much of what follows cannot be told"
        return [Finding("volume", Verdict.UNKNOWN, answer, said)]
    return [Finding("volume", Verdict.OK, f"{count} operations within {format_duration(width)}", said)]


async def paging(case: Case) -> list[Finding]:
    """`page` 0 and 1 of the same stretch: by one record further, or by a whole page."""
    width, count = case.busy(_SAMPLE)
    size = min(20, max(2, count // 2))
    question = case.question(case.closed(width))
    first = await case.ask(question, size=size)
    second = await case.ask(question, size=size, page=1)
    return [paging_finding(case.account.paging, first.ids, second.ids, first.good.total_count)]


def paging_finding(configured: Paging, first: frozenset[bytes], second: frozenset[bytes], total: int) -> Finding:
    """What `page: 1` skipped."""
    common = len(first & second)
    evidence = f"pages 0 and 1 of {len(first)} and {len(second)} records out of {total} have {common} in common"
    if total < 2 or len(first) < 2:
        answer = "too few records to tell"
        return Finding("paging", Verdict.UNKNOWN, answer, evidence)
    if first == second and total > len(first):
        answer = "pages 0 and 1 are the same: the bank counts pages from 1, or does not page at all; ask the bank"
        return Finding("paging", Verdict.PROBLEM, answer, evidence)
    if common == len(first) - 1:
        found = Paging.OFFSET
    elif not common:
        found = Paging.PAGE_INDEX
    else:
        return Finding("paging", Verdict.UNKNOWN, "pages overlap in a way that neither kind explains", evidence)
    line = Line(Place.ACCOUNT, "paging", found)
    meaning = "the number of records to skip" if found is Paging.OFFSET else "the index of a page"
    verdict = Verdict.OK if found is configured else Verdict.CHANGE
    return Finding("paging", verdict, f"page is {meaning}", evidence, (line,))


@dataclass(frozen=True, slots=True)
class SizeFacts:
    """What was asked for and what came: None where the bank refused the size or the answer was too large or late."""

    page_size: int
    total: int
    received: Sequence[tuple[int, int | None]]
    trouble: str = ""


async def page_size(case: Case) -> list[Finding]:
    """Ever larger pages, until one comes shorter than asked for; smaller ones where the present size is refused."""
    width, total = case.busy(max(case.page_size, *_SIZES) + 1)
    question = case.question(case.closed(width))
    received: list[tuple[int, int | None]] = []
    trouble = ""
    for size in (case.page_size, *(each for each in _SIZES if each > case.page_size)):
        reply = await case.ask(question, size=size)
        received.append((size, None if reply.page is None else reply.page.received))
        if reply.page is None:
            trouble = reply.said
            break
        case.oldest_page = reply
        if reply.page.received < size:
            break
    if received[0][1] is None:
        for size in (each for each in _SMALL_SIZES if each < case.page_size):
            reply = await case.ask(question, size=size)
            received.append((size, None if reply.page is None else reply.page.received))
            if reply.page is not None:
                case.oldest_page = reply
                # Once more, for the bank may just have had a bad moment.
                again = await case.ask(question, size=case.page_size)
                received[0] = (case.page_size, None if again.page is None else again.page.received)
                break
    found = page_size_finding(SizeFacts(case.page_size, total, received, trouble))
    if found.verdict is Verdict.CHANGE:
        case.page_size = int(found.lines[0].value)
    return [found]


def page_size_finding(facts: SizeFacts) -> Finding:
    """The real cap on `size`."""
    evidence = f"{facts.total} records; asked for and received: " + ", ".join(
        f"{size}: {facts.trouble if count is None else count}" for size, count in facts.received
    )
    confirming = (Line(Place.POLL, "page_size", facts.page_size),)
    good = [(size, count) for size, count in facts.received if count is not None]
    if not good:
        answer = "no page came, whatever size was asked for"
        return Finding("page size", Verdict.PROBLEM, answer, evidence)
    cap = next((count for size, count in good if count < min(size, facts.total)), None)
    largest = max(count for _, count in good)
    if cap is not None and 0 < cap < facts.page_size:
        line = Line(Place.POLL, "page_size", cap)
        return Finding("page size", Verdict.CHANGE, f"{cap} records come at most", evidence, (line,))
    if facts.received[0][1] is None:
        line = Line(Place.POLL, "page_size", good[0][0])
        answer = f"pages of {facts.page_size} do not come, pages of {good[0][0]} do"
        return Finding("page size", Verdict.CHANGE, answer, evidence, (line,))
    if cap is not None:
        return Finding("page size", Verdict.OK, f"{cap} records come at most", evidence, confirming)
    if largest >= facts.page_size:
        return Finding("page size", Verdict.OK, f"{largest} records come at once", evidence, confirming)
    answer = f"too few records to tell; {largest} come at once"
    return Finding("page size", Verdict.UNKNOWN, answer, evidence)
