"""The exact totals as counters and histograms, the plain way."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import Metric
from prometheus_client.utils import floatToGoString

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.counters import PLACEHOLDER_CURRENCY, placeholder_keys
from exporter.exposition.numbers import major
from exporter.model import (
    AMOUNT_BUCKETS,
    DELAY_BUCKETS,
    OF_ACCOUNTS,
    SECOND,
    Family,
    Snapshot,
    Total,
)
from tests.plain.catalogue import counter, histogram

Labels = tuple[str, ...]

_KINDS: Final = ("new", "repeated", "late", "changed", "rejected", "foreign")


def total_families(snapshot: Snapshot, exposed: int) -> Iterator[Metric]:
    """Counters and histograms of the terminals that have been read, and of their accounts.

    A total younger than `exposed`, the last snapshot that this scraper has seen, is shown as 0.
    """
    read = [each.terminal for each in snapshot.terminals if each.read]
    terminals = {terminal.name for terminal in read}
    accounts = {terminal.account: None for terminal in read}
    totals = _by_family(snapshot, exposed, terminals, accounts.keys())
    keys = [key for terminal in read for key in placeholder_keys(terminal.name)]

    yield _counter(catalogue.OPERATIONS, totals[Family.OPERATIONS], keys)
    amounts = {labels: major(value, labels[-1]) for labels, value in totals[Family.AMOUNT].items()}
    yield _counter(catalogue.OPERATIONS_AMOUNT, amounts, [(*key, PLACEHOLDER_CURRENCY) for key in keys])
    yield _histogram(catalogue.OPERATION_AMOUNT, AMOUNT_BUCKETS, totals, Family.AMOUNT_BUCKET, Family.AMOUNT_SUM)
    yield _histogram(catalogue.VISIBILITY_DELAY, DELAY_BUCKETS, totals, Family.VISIBILITY_BUCKET, Family.VISIBILITY_SUM)
    yield _histogram(catalogue.FINALIZATION, DELAY_BUCKETS, totals, Family.FINALIZATION_BUCKET, Family.FINALIZATION_SUM)
    kinds = [(account, kind) for account in accounts for kind in _KINDS]
    yield _counter(catalogue.RECORDS, totals[Family.RECORDS], kinds)
    yield _counter(catalogue.REJECTED_RECORDS, totals[Family.REJECTED])
    yield _counter(catalogue.STATUS_CHANGES, totals[Family.STATUS_CHANGES])
    names = [(terminal.name,) for terminal in read]
    gaps = {labels: value / SECOND for labels, value in totals[Family.GAP].items()}
    yield _counter(catalogue.GAP, gaps, names)
    yield _counter(catalogue.UNKNOWN_CODES, totals[Family.UNKNOWN_CODES], names)
    yield _counter(catalogue.LABEL_OVERFLOW, totals[Family.LABEL_OVERFLOW], names)
    yield _counter(catalogue.DUPLICATES, totals[Family.DUPLICATES], names)


_SUM_OF: Final = {
    Family.AMOUNT_BUCKET: Family.AMOUNT_SUM,
    Family.VISIBILITY_BUCKET: Family.VISIBILITY_SUM,
    Family.FINALIZATION_BUCKET: Family.FINALIZATION_SUM,
}


def _by_family(
    snapshot: Snapshot, exposed: int, terminals: Iterable[str], accounts: Iterable[str]
) -> dict[Family, dict[Labels, int]]:
    """The totals to show, by family and labels. A bucket is as old as its histogram's sum: both are 0 or neither."""
    shown: dict[Family, dict[Labels, int]] = {family: {} for family in Family}
    terminals, accounts = frozenset(terminals), frozenset(accounts)
    for total, value in snapshot.totals.items():
        family, labels = total
        if labels[0] not in (accounts if family in OF_ACCOUNTS else terminals):
            continue
        whole = Total(_SUM_OF[family], labels[:-1]) if family in _SUM_OF else total
        shown[family][labels] = 0 if snapshot.born.get(whole, 0) > exposed else value
    return shown


def _counter(definition: Definition, values: Mapping[Labels, float], zeros: Sequence[Labels] = ()) -> Metric:
    """A counter with its values, and 0 under those of `zeros` that have none."""
    family = counter(definition)
    for labels in zeros:
        if labels not in values:
            family.add_metric(labels, 0)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(
    definition: Definition,
    bounds: Sequence[int],
    totals: Mapping[Family, Mapping[Labels, int]],
    bucket_family: Family,
    sum_family: Family,
) -> Metric:
    """A histogram, cumulative and with every bucket, from buckets that are neither."""
    counts: dict[Labels, list[int]] = {labels: [0] * (len(bounds) + 1) for labels in totals[sum_family]}
    for labels, value in totals[bucket_family].items():
        counts.setdefault(labels[:-1], [0] * (len(bounds) + 1))[int(labels[-1])] += value
    names = [_bound(bound) for bound in (*bounds, float("inf"))]
    family = histogram(definition)
    for labels, in_bucket in counts.items():
        cumulative, running = [], 0
        for name, count in zip(names, in_bucket, strict=True):
            running += count
            cumulative.append((name, running))
        exact = totals[sum_family].get(labels, 0)
        in_units = major(exact, labels[-1]) if sum_family is Family.AMOUNT_SUM else exact / SECOND
        family.add_metric(labels, cumulative, in_units)
    return family


def _bound(value: float) -> str:
    """A bucket's bound as OpenMetrics demands it."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # the library types only half of itself
