"""An account's past as the bank lists it, stretch by stretch, in slots."""

from collections.abc import Iterable, Mapping

from exporter.bank import Bank, SpanTooLarge
from exporter.model import Assignment, Operation, Outcome, Reading, Span, Terminal
from exporter.outcomes import Outcomes
from exporter.poller.almanac import Tally


class PastReader:
    """Reads stretches of an account's past, and says what their slots hold."""

    def __init__(self, bank: Bank, terminals: Iterable[Terminal], outcomes: Outcomes) -> None:
        self._bank = bank
        self._numbers = {terminal.number: terminal.name for terminal in terminals}
        self._outcomes = outcomes
        self._verdicts: dict[tuple[str, str, str], bool] = {}

    async def read(self, assignment: Assignment) -> dict[str, Tally] | None:
        """What a span holds, by terminal; None where it does not add up to what the bank counts. Raises BankError."""
        tallies = {name: Tally() for name in assignment.terminals}
        spans = [assignment.span]
        while spans:
            span = spans.pop()
            try:
                reading = await self._bank.read(Assignment(span, assignment.terminals))
            except SpanTooLarge:
                middle = (span.start + span.end) // 2
                spans += [Span(middle, span.end), Span(span.start, middle)]
                continue
            if not reading.complete:
                return None
            self._add(reading, tallies)
        return tallies

    def _add(self, reading: Reading, tallies: Mapping[str, Tally]) -> None:
        start, end = reading.assignment.span
        for operation in reading.operations:
            name = self._numbers.get(operation.number)
            of_it = start <= operation.created < end  # the search is wider than the span
            if of_it and name is not None and name in tallies:
                success = self._succeeded(operation)
                tallies[name].add(operation.created, operation.amount, operation.currency, success=success)

    def _succeeded(self, operation: Operation) -> bool:
        words = (operation.status, operation.code, operation.reason_code)
        known = self._verdicts.get(words)
        if known is None:
            known = self._outcomes.verdict(*words).outcome is Outcome.SUCCESS
            if len(self._verdicts) < 10_000:  # a flood of codes must not fill the memory
                self._verdicts[words] = known
        return known
