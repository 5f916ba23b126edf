"""What the list is asked, and how its pages are walked to the end."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain

import msgspec

from exporter.config.records import Account, Paging, TerminalFilter
from exporter.model import Assignment, Instant, Operation, Operations, Page, Rejection, Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = 1_000
_RESTARTS = 3

Fetch = Callable[[int, int], Awaitable[Page]]
"""A page of the list, by `page` and `size` as the bank takes them."""


def bounds(span: Span) -> tuple[str, str]:
    """A span as `between` takes it: a millisecond wider at both ends, for nobody knows whether they are inclusive."""
    return _written(span.start // _MILLISECOND - 1), _written(-(-span.end // _MILLISECOND) + 1)


def _written(milliseconds: Instant) -> str:
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def question(account: Account, assignment: Assignment) -> Callable[[int, int], bytes]:
    """The body of the search for any page of an assignment."""
    field_name = account.period_field
    search = [{"name": field_name, "method": "between", "searchParameter": bounds(assignment.span)}]
    if account.terminal_filter is TerminalFilter.SERVER:
        ids = {terminal.name: terminal.id for terminal in account.terminals}
        wanted = [ids[name] for name in assignment.terminals]
        search.append({"name": "terminal_id", "method": "in", "searchParameter": wanted})
    order = [{"field": name, "typeOrder": "ASC"} for name in (field_name, "id")]

    def body(page: int, size: int) -> bytes:
        return msgspec.json.encode(
            {"paging": {"page": page, "size": size}, "searchParameters": search, "orderParameters": order}
        )

    return body


@dataclass(slots=True)
class Walk:
    """One pass over all pages: the pages, what ids they hold, and the latest page's count of what there is."""

    pages: list[Page] = field(default_factory=list)
    ids: set[bytes] = field(default_factory=set)
    received: int = 0
    total_count: int = 0

    @property
    def complete(self) -> bool:
        """Whether every record that the bank counts has been seen."""
        return len(self.ids) == self.total_count

    def take(self, page: Page) -> bool:
        """Add a page; whether more must follow."""
        self.pages.append(page)
        self.ids.update(page.ids())
        self.received += page.received
        self.total_count = page.total_count
        return page.received > 0 and self.received < self.total_count


def merged(pages: Sequence[Page], distinct: int) -> tuple[Operations, tuple[Rejection, ...], tuple[bytes, ...]]:
    """Pages as one, in which each of their `distinct` ids stands once: as the last page that has it says."""
    if sum(page.received for page in pages) == distinct:
        return (
            Operations.joined(Operations.of(page.operations) for page in pages),
            tuple(chain.from_iterable(page.rejections for page in pages)),
            tuple(chain.from_iterable(page.unchanged for page in pages)),
        )
    found: dict[bytes, Operation | Rejection | None] = {}
    for page in pages:
        found.update(dict.fromkeys(page.unchanged))  # of an id that is there twice, the row that has changed counts
        found.update((operation.id, operation) for operation in page.operations)
        found.update((rejection.id, rejection) for rejection in page.rejections)
    return (
        Operations.of([item for item in found.values() if isinstance(item, Operation)]),
        tuple(item for item in found.values() if isinstance(item, Rejection)),
        tuple(id_ for id_, item in found.items() if item is None),
    )


async def walk(fetch: Fetch, paging: Paging, size: int, admit: Callable[[int], None]) -> Walk:
    """All pages, going on by what was received: the bank may cap `size`. `admit` sees the first count and may raise."""
    for _ in range(_RESTARTS):
        passed, shorter = await _walk(fetch, paging, size, admit)
        if shorter is None:
            break
        size = shorter
    return passed


async def _walk(fetch: Fetch, paging: Paging, size: int, admit: Callable[[int], None]) -> tuple[Walk, int | None]:
    """One pass; and a size to begin again with, where a page by index came shorter than asked for."""
    passed = Walk()
    page = await fetch(0, size)
    admit(page.total_count)
    if paging is Paging.PAGE_INDEX:
        size = min(size, page.received)  # a first page cut short is the first page of that size
    left = 10 + 2 * page.total_count // max(1, page.received)  # more pages than this are the bank's mistake
    number = 0
    while passed.take(page) and left > 0:
        left -= 1
        if paging is Paging.OFFSET:
            page = await fetch(passed.received, size)
        elif page.received < size:
            return passed, page.received
        else:
            number += 1
            page = await fetch(number, size)
    return passed, None
