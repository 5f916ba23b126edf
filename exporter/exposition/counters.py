"""The exact totals as counters and histograms, with the zeros that Prometheus needs to see an increase.

`increase()` only sees what comes after the first sample of a series. So each terminal's success and failure series
exist from its first poll, and a total that the scraper has not met yet is shown to it once as 0.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.lines import AMOUNT, COUNT, Heads, Shape, escaped, line, lines, pairs, terminal_label
from exporter.exposition.numbers import bound, major, majors, number
from exporter.model import AMOUNT_BUCKETS, DELAY_BUCKETS, SECOND, Family, Outcome, Part, SeriesKey, Total

Labels = tuple[str, ...]
Shapes = defaultdict[object, Shape]
"""What an owner's families are known by, to what is kept of each."""
_Found = Mapping[Family, Mapping[Labels, int]]

PLACEHOLDER_CURRENCY: Final = "KZT"
PLACEHOLDER_CURRENCIES: Final = (PLACEHOLDER_CURRENCY,) * 2
_KINDS: Final = ("new", "repeated", "late", "changed", "rejected", "foreign")

TERMINAL_COUNTERS: Final = (
    catalogue.OPERATIONS,
    catalogue.OPERATIONS_AMOUNT,
    catalogue.OPERATION_AMOUNT,
    catalogue.FINALIZATION,
    catalogue.STATUS_CHANGES,
    catalogue.GAP,
    catalogue.UNKNOWN_CODES,
    catalogue.LABEL_OVERFLOW,
    catalogue.DUPLICATES,
)
ACCOUNT_COUNTERS: Final = (catalogue.VISIBILITY_DELAY, catalogue.RECORDS, catalogue.REJECTED_RECORDS)

SERIES: Final = Heads(*catalogue.OPERATIONS.labels[1:])
AMOUNTS: Final = Heads(*catalogue.OPERATIONS_AMOUNT.labels[1:])


def placeholder_keys(terminal: str) -> tuple[SeriesKey, SeriesKey]:
    """The series that exist before the bank has shown any: sums over them are 0, not absent."""
    return (
        SeriesKey(terminal, Outcome.SUCCESS, "ok", "00", "0", "none"),
        SeriesKey(terminal, Outcome.FAILURE, "", "", "", "technical"),
    )


@lru_cache(maxsize=4096)
def placeholders(terminal: str) -> tuple[tuple[SeriesKey, ...], tuple[tuple[SeriesKey, str], ...]]:
    """The same, and with a currency for the amounts."""
    keys = placeholder_keys(terminal)
    return keys, tuple((key, PLACEHOLDER_CURRENCY) for key in keys)


def terminal_counters(terminal: str, totals: Part, shapes: Shapes) -> tuple[str, ...]:
    """The lines of a terminal that has been read, one text for each of TERMINAL_COUNTERS."""
    found = _by_family(totals)
    label, (keys, sums) = terminal_label(terminal), placeholders(terminal)
    operations, amounts = shapes["operations"], shapes["amounts"]
    counts = operations.values(found[Family.OPERATIONS], keys, lambda key: SERIES[key[1:]])
    expected = [(*key, currency) for key, currency in sums]
    minor = amounts.values(found[Family.AMOUNT], expected, lambda labels: AMOUNTS[labels[1:]])
    currencies = [*(labels[-1] for labels in found[Family.AMOUNT]), *PLACEHOLDER_CURRENCIES]
    return (
        lines(catalogue.OPERATIONS, operations.heads, label, counts, COUNT),
        lines(catalogue.OPERATIONS_AMOUNT, amounts.heads, label, majors(minor, currencies), AMOUNT),
        _amount_histograms(found, label),
        _delay_histogram(catalogue.FINALIZATION, "", "," + label, found, Family.FINALIZATION_BUCKET, terminal),
        _each(catalogue.STATUS_CHANGES, found[Family.STATUS_CHANGES]),
        line(catalogue.GAP, label, found[Family.GAP].get((terminal,), 0) / SECOND),
        line(catalogue.UNKNOWN_CODES, label, found[Family.UNKNOWN_CODES].get((terminal,), 0)),
        line(catalogue.LABEL_OVERFLOW, label, found[Family.LABEL_OVERFLOW].get((terminal,), 0)),
        line(catalogue.DUPLICATES, label, found[Family.DUPLICATES].get((terminal,), 0)),
    )


def account_counters(account: str, totals: Part) -> tuple[str, ...]:
    """The lines of an account of which a terminal has been read, one text for each of ACCOUNT_COUNTERS."""
    found = _by_family(totals)
    label = f'account="{escaped(account)}",'
    records: dict[Labels, int] = {(account, kind): 0 for kind in _KINDS}
    records.update(found[Family.RECORDS])
    return (
        _delay_histogram(catalogue.VISIBILITY_DELAY, label, "", found, Family.VISIBILITY_BUCKET, account),
        _each(catalogue.RECORDS, records),
        _each(catalogue.REJECTED_RECORDS, found[Family.REJECTED]),
    )


def unmet(totals: Part, born: Part, exposed: int) -> Part:
    """The totals as a scraper sees them whose last snapshot was `exposed`: those that are younger are 0.

    A bucket is as old as its histogram's sum: both are 0 or neither.
    """
    shown: Part = {}
    for total, value in totals.items():
        family, labels = total
        age = Total(_SUM_OF[family], labels[:-1]) if family in _SUM_OF else total
        shown[total] = 0 if born.get(age, 0) > exposed else value
    return shown


_SUM_OF: Final = {
    Family.AMOUNT_BUCKET: Family.AMOUNT_SUM,
    Family.VISIBILITY_BUCKET: Family.VISIBILITY_SUM,
    Family.FINALIZATION_BUCKET: Family.FINALIZATION_SUM,
}


def _by_family(totals: Part) -> _Found:
    found: defaultdict[Family, dict[Labels, int]] = defaultdict(dict)
    for (family, labels), value in totals.items():
        found[family][labels] = value
    return found


def _each(definition: Definition, values: Mapping[Labels, float]) -> str:
    """A counter with few series, each with labels of its own."""
    return "".join([line(definition, pairs(definition.labels, labels), value) for labels, value in values.items()])


def _amount_histograms(found: _Found, label: str) -> str:
    in_bucket: dict[Labels, list[int]] = {labels: _no_counts(AMOUNT_BUCKETS) for labels in found[Family.AMOUNT_SUM]}
    for labels, value in found[Family.AMOUNT_BUCKET].items():
        counts = in_bucket.get(labels[:-1])
        if counts is None:
            counts = in_bucket[labels[:-1]] = _no_counts(AMOUNT_BUCKETS)
        counts[int(labels[-1])] += value
    texts = []
    for labels, counts in in_bucket.items():
        _, outcome, currency = labels
        total = number(major(found[Family.AMOUNT_SUM].get(labels, 0), currency))
        before, after = f'currency="{escaped(currency)}",', f',outcome="{escaped(outcome)}",{label}'
        texts.append(_histogram(catalogue.OPERATION_AMOUNT, before, after, counts, total))
    return "".join(texts)


def _delay_histogram(
    definition: Definition, before: str, after: str, found: _Found, buckets: Family, owner: str
) -> str:
    """The one histogram of an owner, absent before anything was measured."""
    if not found[buckets] and not found[_SUM_OF[buckets]]:
        return ""
    counts = _no_counts(DELAY_BUCKETS)
    for labels, value in found[buckets].items():
        counts[int(labels[-1])] += value
    total = number(found[_SUM_OF[buckets]].get((owner,), 0) / SECOND)
    return _histogram(definition, before, after, counts, total)


def _no_counts(bounds: Sequence[int]) -> list[int]:
    return [0] * (len(bounds) + 1)


@cache
def _template(definition: Definition) -> str:
    """All lines of a histogram; `le` stands between the labels that come before it and those after."""
    bounds = AMOUNT_BUCKETS if definition is catalogue.OPERATION_AMOUNT else DELAY_BUCKETS
    bucket = f"{definition.name}_bucket{{%s"
    ends = f"{definition.name}_count{{%s}} {COUNT}\n{definition.name}_sum{{%s}} %s\n"
    return "".join([f'{bucket}le="{name}"%s}} {COUNT}\n' for name in (*map(bound, bounds), "+Inf")]) + ends


def _histogram(definition: Definition, before: str, after: str, counts: Sequence[int], total: str) -> str:
    """A histogram, cumulative and with every bucket, from buckets that are neither."""
    cumulative = [*accumulate(counts)]
    arguments: list[object] = [before, after, None] * len(counts)
    arguments[2::3] = cumulative
    labels = (before + after[1:]).rstrip(",")  # without `le` there is a comma less
    return _template(definition) % (*arguments, labels, cumulative[-1], labels, total)
