"""What a ledger holds while a decision is made, and how far a reading brings it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from exporter.ledger.books import Shelf
from exporter.ledger.breakdowns import DetailBook
from exporter.ledger.labels import LabelBook
from exporter.ledger.marks import Marks
from exporter.ledger.repeats import APART, Repeats
from exporter.model import Checkpoint, Instant, Notice, Outcome, Policy, Span


def advance(checkpoint: Checkpoint, span: Span, now: Instant) -> Checkpoint:
    """The checkpoint after a complete reading of a span: coverage grows by what touches it, and never shrinks."""
    end = min(span.end, now)
    if span.start > checkpoint.watermark or end < min(checkpoint.covered_from, now):
        return checkpoint
    return replace(
        checkpoint,
        covered_from=min(checkpoint.covered_from, span.start),
        watermark=max(checkpoint.watermark, end),
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """What a ledger holds, as a draft sees it. Deciding changes nothing of it but which labels have been given out."""

    account: str
    policy: Policy
    names: Mapping[str, str]
    labels: Mapping[str, LabelBook]
    details: Mapping[str, DetailBook]
    repeats: Mapping[str, Repeats]
    shelf: Shelf
    marks: Marks
    strangers: Mapping[bytes, Instant]
    told: set[Notice]
    broken_down: bool

    def followed(self, outcome: Outcome, created: Instant, now: Instant) -> bool:
        """Whether an operation is pending, and not for too long yet."""
        return outcome is Outcome.PENDING and created > now - self.policy.follow_pending

    def compared_since(self, checkpoint: Checkpoint, now: Instant) -> Instant:
        """How far back operations are held to be compared: to the start of any sweep, and as far again."""
        sight = max(min(checkpoint.watermark, now), now - self.policy.max_gap)
        return sight - 2 * (self.policy.lookback + APART) - self.policy.overlap
