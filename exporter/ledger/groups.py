"""What records with the same words have in common, worked out once for each reading, and what they add up to."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from exporter.ledger.books import Book
from exporter.ledger.labels import Label
from exporter.ledger.memory import Memory
from exporter.model import Checkpoint, Instant, Outcome, Series, SeriesKey

Words = tuple[str, str, str, str, str]
"""Number of the terminal, status, code, reason code and currency."""

_NEVER: Final[Instant] = 2**63


@lru_cache(4096)
def _series(key: SeriesKey, currency: str) -> Series:
    return key, currency  # the same object for all readings is found at once where it is a key


@dataclass(slots=True, eq=False)
class Group:
    """The records of one reading that have the same words.

    `plain`: what is created from then on and is not known is simply new: neither late nor exempt, nor from a time that
    nothing is remembered of. `late_before`: what is new, created earlier, and lies in what has been read, is late.
    `followed_after`: what is created later is pending, and not counted yet. `seen`: when the operations were created
    that are seen for the first time, `late` of them late; `final`, `amounts`: of those that are counted. `newest`: of
    the exempt and of those that may have been counted before. `fresh`: created and amount of those that are simply new,
    until `settle` puts them to the others.
    """

    label: Label
    key: SeriesKey
    currency: str
    series: Series
    book: Book
    exempt_before: Instant
    unsure_before: Instant
    late_before: Instant
    plain: Instant
    followed_after: Instant
    fresh: list[tuple[Instant, int]] = field(default_factory=list)
    seen: list[Instant] = field(default_factory=list)
    late: int = 0
    final: list[Instant] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    newest: list[Instant] = field(default_factory=list)

    def settle(self) -> None:
        """Put what is simply new to what is seen, and to what is counted where it is not followed."""
        if not self.fresh:
            return
        created, amounts = zip(*self.fresh, strict=True)
        self.seen += created
        if max(created) > self.followed_after:
            counted = [one for one in self.fresh if one[0] <= self.followed_after]
            created, amounts = zip(*counted, strict=True) if counted else ((), ())
        self.final += created
        self.amounts += amounts
        self.fresh.clear()


class Groups:
    """The groups of a reading, made as their words are met: labels are given out in that order."""

    def __init__(
        self, memory: Memory, now: Instant, kept_since: Instant, checkpoint: Callable[[str], Checkpoint]
    ) -> None:
        self._memory = memory
        self._now = now
        self._kept_since = kept_since
        self._checkpoint = checkpoint
        self._groups: dict[Words, Group] = {}

    def of(self, words: Iterable[Words]) -> list[Group | None]:
        """A group for each record's words; None where its terminal is none of ours."""
        words = list(words)
        found = list(map(self._groups.get, words))
        if None in found:
            for place in [place for place, group in enumerate(found) if group is None]:
                found[place] = self._groups.get(words[place]) or self._made(words[place])
        return found

    def settled(self) -> Collection[Group]:
        """All of them, with everything in its place. The next reading has its own."""
        groups = tuple(self._groups.values())
        self._groups.clear()
        for group in groups:
            group.settle()
        return groups

    def _made(self, words: Words) -> Group | None:
        number, status, code, reason_code, currency = words
        name = self._memory.names.get(number)
        if name is None:
            return None
        label = self._memory.labels[name].label(status, code, reason_code)
        book, checkpoint = self._memory.shelf.books[name], self._checkpoint(name)
        exempt = max(checkpoint.counting_since, checkpoint.gap_end or 0)
        unsure = min(self._kept_since, checkpoint.watermark)  # it may have been counted and let go
        # The newest of earlier polls: within one poll nothing is late.
        newest = book.checkpoint.newest
        late = -_NEVER if newest is None else min(newest, book.checkpoint.watermark)
        pending = label.key.outcome is Outcome.PENDING
        followed = self._now - self._memory.policy.follow_pending if pending else _NEVER
        plain = max(exempt, unsure, late)
        group = Group(
            label, label.key, currency, _series(label.key, currency), book, exempt, unsure, late, plain, followed
        )
        self._groups[words] = group
        return group
