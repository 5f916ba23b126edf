"""Asks about the terminals: is each id taken, and what do the records carry that it stands for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from exporter.bank import Refused
from exporter.config.records import Account, TerminalFilter
from exporter.doctor.case import Case
from exporter.doctor.finding import Finding, Verdict
from exporter.doctor.replies import Reply
from exporter.doctor.terminal_findings import TerminalFacts, id_finding, number_finding
from exporter.model import DAY, Duration, Page

_SPLITS: Final = 14
"""Requests that the search for refused terminals may cost: enough for one among a hundred."""

_FRUITLESS: Final = 6
_ALONE: Final = 6
_FEW: Final = 20
_WIDE: Final[Duration] = 30 * DAY


@dataclass(slots=True)
class _Search:
    """What is known of the ids while batches are asked and split."""

    width: Duration
    size: int
    filtered: Counter[str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)
    alone: dict[str, Counter[str]] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)
    left: int = _SPLITS

    def take(self, names: Sequence[str], page: Page) -> None:
        numbers = _numbers(page)
        self.accepted.update(names)
        self.filtered.update(numbers)
        if len(names) == 1 and numbers:
            self.alone[names[0]] = numbers


async def terminals(case: Case) -> list[Finding]:
    """Batches as the exporter asks for them, split where they are refused; quiet terminals on their own."""
    width, size, whole = await _whole_list(case)
    unfiltered = _numbers(whole.page) if whole.page is not None else None
    search = _Search(width, size)
    every = case.account.terminals
    most = case.policy.batch
    batches = [every[first : first + most] for first in range(0, len(every), most)]
    if case.account.terminal_filter is TerminalFilter.CLIENT:
        batches = batches[:1]  # not needed for this configuration: worth one request
        search.left = 0
    for batch in batches:
        await _batch(case, search, [terminal.name for terminal in batch])
    await _quiet(case, search)
    facts = TerminalFacts(
        terminals=every,
        chosen=case.account.terminal_filter,
        unfiltered=unfiltered,
        whole_list=whole.said,
        batches=tuple(search.batches),
        filtered=search.filtered,
        accepted=frozenset(search.accepted),
        refused=search.refused,
        untried=frozenset(search.untried),
        alone=search.alone,
    )
    facts = replace(facts, candidates=await _candidates(case, facts))
    ids = id_finding(facts)
    if ids.verdict is Verdict.PROBLEM:
        case.left_out = frozenset((*facts.refused, *facts.untried))
    return [ids, number_finding(facts, ids)]


def _asking(case: Case, chosen: TerminalFilter) -> Account:
    return replace(case.account, terminal_filter=chosen)


async def _whole_list(case: Case) -> tuple[Duration, int, Reply]:
    """The list without a terminal, over a day, or a month where a day holds nothing; and how, to ask the same again.

    Where it is refused a small page is tried as well: it may have been the size.
    """
    account = _asking(case, TerminalFilter.CLIENT)
    width, size = DAY, case.page_size
    reply = await case.ask(case.inquiry.question(case.recent(width), (), account), size=size)
    if reply.refused and size > _FEW:
        size = _FEW
        reply = await case.ask(case.inquiry.question(case.recent(width), (), account), size=size)
    if reply.page is not None and not reply.page.received:
        width = _WIDE
        reply = await case.ask(case.inquiry.question(case.recent(width), (), account), size=size)
    return width, size, reply


async def _ask(case: Case, names: Sequence[str], width: Duration, *, size: int, sure: bool = False) -> Reply:
    account = _asking(case, TerminalFilter.SERVER)
    question = case.inquiry.question(case.recent(width), names, account)
    return await case.ask(question, size=size, sure=sure)


async def _batch(case: Case, search: _Search, names: Sequence[str]) -> None:
    """One batch; where it is refused, its halves, until each refused terminal stands alone."""
    reply = await _ask(case, names, search.width, size=search.size, sure=True)
    search.batches.append(f"{len(names)} ids: {reply.said}")
    if reply.page is not None:
        search.take(names, reply.page)
        return
    if not isinstance(reply.error, Refused):
        raise reply.error or Refused("no page")
    suspects = [(list(names), reply.said)]
    fruitless, found = 1, False
    while suspects:
        group, said = suspects.pop(0)
        if len(group) == 1:
            search.refused[group[0]] = said
            continue
        if search.left < 2 or (fruitless >= _FRUITLESS and not found):
            search.untried.update(group)
            continue
        for half in (group[: len(group) // 2], group[len(group) // 2 :]):
            search.left -= 1
            reply = await _ask(case, half, search.width, size=search.size, sure=len(half) == 1)
            if reply.page is not None:
                search.take(half, reply.page)
                found = True
            elif reply.refused:
                suspects.append((half, reply.said))
                fruitless += 1
            else:
                search.untried.update(half)


async def _quiet(case: Case, search: _Search) -> None:
    """Terminals whose id is taken and whose number has not been seen: one by one, over a month."""
    quiet = [t for t in case.account.terminals if t.name in search.accepted and not search.filtered[t.number]]
    asked = 0
    for terminal in quiet:
        if search.alone.get(terminal.name):
            continue
        if asked == _ALONE:
            break
        asked += 1
        reply = await _ask(case, [terminal.name], _WIDE, size=_FEW)
        if reply.page is not None:
            search.alone[terminal.name] = _numbers(reply.page)


async def _candidates(case: Case, facts: TerminalFacts) -> dict[str, str]:
    """Numbers of the list that the bank takes in place of ids that it refuses.

    A number that was configured beside the id, else the only number that is nobody's for the only terminal refused.
    """
    whole, guilty = facts.unfiltered or {}, facts.guilty
    if case.account.terminal_filter is TerminalFilter.CLIENT:
        return {}
    numbers = {t.name: t.number for t in guilty if t.id != t.number and whole.get(t.number)}
    if not numbers and len(guilty) == len(facts.strangers) == 1 and not whole.get(guilty[0].number):
        numbers = {guilty[0].name: facts.strangers[0]}
    if not numbers:
        return {}
    trial = tuple(replace(t, id=numbers[t.name]) for t in guilty if t.name in numbers)
    account = replace(case.account, terminals=trial, terminal_filter=TerminalFilter.SERVER)
    question = case.inquiry.question(case.recent(_WIDE), tuple(numbers), account)
    reply = await case.inquiry.ask(question, size=_FEW)
    seen = set(_numbers(reply.page)) if reply.page is not None else set()
    return numbers if seen and seen <= set(numbers.values()) else {}


def _numbers(page: Page) -> Counter[str]:
    return Counter(operation.number for operation in page.operations)
