"""What records with the same words have in common, worked out once for each reading, and what they add up to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from exporter.ledger.books import Book
from exporter.ledger.labels import Label
from exporter.ledger.memory import Memory
from exporter.model import Checkpoint, Instant, Outcome, Series, SeriesKey, Words

_NEVER: Final[Instant] = 2**63


@dataclass(slots=True, eq=False)
class Group:
    """The records of one reading that have the same words.

    `plain`: what is created from then on and is not known is simply new: neither late nor exempt, nor from a time that
    nothing is remembered of. `late_before`: what is new, created earlier, and lies in what has been read, is late.
    `followed_after`: what is created later is pending, and not counted yet. `seen`: when the operations were created
    that are seen for the first time, `late` of them late; `final`, `amounts`: of those that are counted. `newest`: of
    the exempt and of those that may have been counted before. `fresh`, `worth`: when those were created that are simply
    new, and their amounts, until `settle` puts them to the others.
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
    fresh: list[Instant] = field(default_factory=list)
    worth: list[int] = field(default_factory=list)
    seen: list[Instant] = field(default_factory=list)
    late: int = 0
    final: list[Instant] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    newest: list[Instant] = field(default_factory=list)

    def settle(self) -> None:
        """Put what is simply new to what is seen, and to what is counted where it is not followed."""
        if not self.fresh:
            return
        self.seen += self.fresh
        if max(self.fresh) > self.followed_after:
            counted = [created <= self.followed_after for created in self.fresh]
            self.final += compress(self.fresh, counted)
            self.amounts += compress(self.worth, counted)
        else:
            self.final += self.fresh
            self.amounts += self.worth
        self.fresh.clear()
        self.worth.clear()


class Groups:
    """The groups of a reading, made as their words are met: labels are given out in that order."""

    def __init__(
        self, memory: Memory, now: Instant, kept_since: Instant, checkpoints: Mapping[str, Checkpoint]
    ) -> None:
        self._memory = memory
        self._now = now
        self._kept_since = kept_since
        self._checkpoints = checkpoints
        self._groups: dict[Words, Group] = {}
        self._by_texts: dict[tuple[str, ...], Group] = {}

    def of(self, words: Sequence[Words]) -> list[Group | None]:
        """A group for each record's words; None where its terminal is none of ours."""
        for each in dict.fromkeys(words):
            if each not in self._groups:
                self._meet(each)
        return list(map(self._groups.get, words))

    def settled(self) -> Collection[Group]:
        """All of them, with everything in its place. The next reading has its own."""
        groups = tuple(self._by_texts.values())
        self._groups.clear()
        self._by_texts.clear()
        for group in groups:
            group.settle()
        return groups

    def _meet(self, words: Words) -> None:
        """Find a group for words that have not been met yet, though others with the same texts may have been."""
        group = self._by_texts.get(words.texts) or self._made(*words.texts)
        if group is not None:
            self._groups[words] = self._by_texts[words.texts] = group

    def _made(self, number: str, status: str, code: str, reason_code: str, currency: str) -> Group | None:
        name = self._memory.names.get(number)
        if name is None:
            return None
        label = self._memory.labels[name].label(status, code, reason_code)
        book = self._memory.shelf.books[name]
        checkpoint = self._checkpoints.get(name) or book.checkpoint
        exempt = max(checkpoint.counting_since, checkpoint.gap_end or 0)
        unsure = min(self._kept_since, checkpoint.watermark)  # it may have been counted and let go
        # The newest of earlier polls: within one poll nothing is late.
        newest = book.checkpoint.newest
        late = -_NEVER if newest is None else min(newest, book.checkpoint.watermark)
        pending = label.key.outcome is Outcome.PENDING
        followed = self._now - self._memory.policy.follow_pending if pending else _NEVER
        plain = max(exempt, unsure, late)
        series = Series.of(label.key, currency)
        return Group(label, label.key, currency, series, book, exempt, unsure, late, plain, followed)
