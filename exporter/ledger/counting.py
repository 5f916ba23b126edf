"""What one counted operation adds to the totals."""

from bisect import bisect_left
from collections.abc import Iterator

from exporter.model import (
    AMOUNT_BUCKETS,
    DELAY_BUCKETS,
    SECOND,
    Duration,
    Entry,
    Family,
    Outcome,
    Total,
    minor_units,
)


def operation(entry: Entry) -> Iterator[tuple[Total, int]]:
    """Count, amount and the amount's bucket."""
    key, currency = entry.key, entry.currency
    unit = 10 ** minor_units(currency)
    bucket = bisect_left(AMOUNT_BUCKETS, -(-entry.amount // unit))
    yield Total(Family.OPERATIONS, key), 1
    yield Total(Family.AMOUNT, (*key, currency)), entry.amount
    yield Total(Family.AMOUNT_BUCKET, (key.terminal, key.outcome, currency, str(bucket))), 1
    yield Total(Family.AMOUNT_SUM, (key.terminal, key.outcome, currency)), entry.amount


def visibility(account: str, delay: Duration) -> Iterator[tuple[Total, int]]:
    """How long it took until an operation was first seen; a record of the future took no time."""
    delay = max(delay, 0)
    yield Total(Family.VISIBILITY_BUCKET, (account, _delay_bucket(delay))), 1
    yield Total(Family.VISIBILITY_SUM, (account,)), delay


def finalization(entry: Entry, delay: Duration) -> Iterator[tuple[Total, int]]:
    """How long it took until an operation was first seen final; one that never became final has no such time."""
    if entry.key.outcome is Outcome.PENDING:
        return
    delay = max(delay, 0)
    yield Total(Family.FINALIZATION_BUCKET, (entry.key.terminal, _delay_bucket(delay))), 1
    yield Total(Family.FINALIZATION_SUM, (entry.key.terminal,)), delay


def _delay_bucket(delay: Duration) -> str:
    return str(bisect_left(DELAY_BUCKETS, -(-delay // SECOND)))
