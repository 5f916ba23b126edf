"""The exact totals as counters and histograms, with the zeros that Prometheus needs to see an increase.

`increase()` only sees what comes after the first sample of a series. So each terminal's success and failure series
exist from its first poll, and a total that the scraper has not met yet is shown to it once as 0.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeVar

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.lines import Heads, escaped, line, lines, pairs, tail
from exporter.exposition.numbers import amounts, major, number, whole
from exporter.model import AMOUNT_BUCKETS, DELAY_BUCKETS, SECOND, Family, Outcome, Part, SeriesKey, Total

Labels = tuple[str, ...]
Number = TypeVar("Number", int, float)
_Found = Mapping[Family, Mapping[Labels, int]]

PLACEHOLDER_CURRENCY: Final = "KZT"
PLACEHOLDERS: Final[tuple[Labels, ...]] = (
    (Outcome.SUCCESS, "ok", "00", "0", "none"),
    (Outcome.FAILURE, "", "", "", "technical"),
)
"""The labels, but for the terminal, of the series that exist before the bank has shown any: sums over them are 0."""
PLACEHOLDER_AMOUNTS: Final[tuple[Labels, ...]] = tuple((*labels, PLACEHOLDER_CURRENCY) for labels in PLACEHOLDERS)
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
    success, failure = (SeriesKey(terminal, Outcome(outcome), *further) for outcome, *further in PLACEHOLDERS)
    return success, failure


def terminal_counters(terminal: str, totals: Part) -> tuple[bytes, ...]:
    """The lines of a terminal that has been read, one text for each of TERMINAL_COUNTERS."""
    found = _by_family(totals)
    own = tail(terminal)
    label = pairs(("terminal",), (terminal,))
    counts = zeros(PLACEHOLDERS, {labels[1:]: value for labels, value in found[Family.OPERATIONS].items()})
    sums = {labels[1:]: major(value, labels[-1]) for labels, value in found[Family.AMOUNT].items()}
    sums = zeros(PLACEHOLDER_AMOUNTS, sums)
    return (
        lines(catalogue.OPERATIONS.name, [SERIES[key] for key in counts], own, *whole(counts.values())),
        lines(catalogue.OPERATIONS_AMOUNT.name, [AMOUNTS[key] for key in sums], own, *amounts(sums.values())),
        _amount_histograms(found, label),
        _delay_histogram(catalogue.FINALIZATION, b"", b"," + label, found, Family.FINALIZATION_BUCKET, terminal),
        _each(catalogue.STATUS_CHANGES, found[Family.STATUS_CHANGES]),
        line(catalogue.GAP, label, found[Family.GAP].get((terminal,), 0) / SECOND),
        line(catalogue.UNKNOWN_CODES, label, found[Family.UNKNOWN_CODES].get((terminal,), 0)),
        line(catalogue.LABEL_OVERFLOW, label, found[Family.LABEL_OVERFLOW].get((terminal,), 0)),
        line(catalogue.DUPLICATES, label, found[Family.DUPLICATES].get((terminal,), 0)),
    )


def account_counters(account: str, totals: Part) -> tuple[bytes, ...]:
    """The lines of an account of which a terminal has been read, one text for each of ACCOUNT_COUNTERS."""
    found = _by_family(totals)
    label = pairs(("account",), (account,)) + b","
    records = zeros([(account, kind) for kind in _KINDS], found[Family.RECORDS])
    return (
        _delay_histogram(catalogue.VISIBILITY_DELAY, label, b"", found, Family.VISIBILITY_BUCKET, account),
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


def zeros(expected: Sequence[Labels], values: Mapping[Labels, Number]) -> dict[Labels, Number]:
    """The values, with 0 under those labels that are expected and have none."""
    lacking = [labels for labels in expected if labels not in values]
    return {**dict.fromkeys(lacking, 0), **values}


def _by_family(totals: Part) -> _Found:
    found: defaultdict[Family, dict[Labels, int]] = defaultdict(dict)
    for (family, labels), value in totals.items():
        found[family][labels] = value
    return found


def _each(definition: Definition, values: Mapping[Labels, float]) -> bytes:
    """A counter with few series, each with labels of its own."""
    return b"".join([line(definition, pairs(definition.labels, labels), value) for labels, value in values.items()])


def _amount_histograms(found: _Found, label: bytes) -> bytes:
    in_bucket: dict[Labels, list[int]] = {labels: _no_counts(AMOUNT_BUCKETS) for labels in found[Family.AMOUNT_SUM]}
    for labels, value in found[Family.AMOUNT_BUCKET].items():
        in_bucket.setdefault(labels[:-1], _no_counts(AMOUNT_BUCKETS))[int(labels[-1])] += value
    texts = []
    for labels, counts in in_bucket.items():
        _, outcome, currency = labels
        exact = found[Family.AMOUNT_SUM].get(labels, 0)
        before = f'currency="{escaped(currency)}",'.encode()
        after = f',outcome="{escaped(outcome)}",'.encode() + label
        texts.append(_histogram(catalogue.OPERATION_AMOUNT, before, after, counts, major(exact, currency)))
    return b"".join(texts)


def _delay_histogram(
    definition: Definition, before: bytes, after: bytes, found: _Found, buckets: Family, owner: str
) -> bytes:
    """The one histogram of an owner, absent before anything was measured."""
    if not found[buckets] and not found[_SUM_OF[buckets]]:
        return b""
    counts = _no_counts(DELAY_BUCKETS)
    for labels, value in found[buckets].items():
        counts[int(labels[-1])] += value
    return _histogram(definition, before, after, counts, found[_SUM_OF[buckets]].get((owner,), 0) / SECOND)


def _no_counts(bounds: Sequence[int]) -> list[int]:
    return [0] * (len(bounds) + 1)


def _template(definition: Definition, bounds: Sequence[int]) -> bytes:
    """All lines of a histogram; `le` stands between the labels that come before it and those after."""
    bucket = b"%b_bucket{%%b" % definition.name.encode()
    names = [*map(number, bounds), b"+Inf"]
    ends = b"%b_count{%%b%%b} %%b\n%b_sum{%%b%%b} %%b\n" % ((definition.name.encode(),) * 2)
    return b"".join([b'%ble="%b"%%b} %%b\n' % (bucket, name) for name in names]) + ends


_TEMPLATES: Final = {
    catalogue.OPERATION_AMOUNT: _template(catalogue.OPERATION_AMOUNT, AMOUNT_BUCKETS),
    catalogue.VISIBILITY_DELAY: _template(catalogue.VISIBILITY_DELAY, DELAY_BUCKETS),
    catalogue.FINALIZATION: _template(catalogue.FINALIZATION, DELAY_BUCKETS),
}


def _histogram(definition: Definition, before: bytes, after: bytes, counts: Sequence[int], total: float) -> bytes:
    """A histogram, cumulative and with every bucket, from buckets that are neither."""
    cumulative = [number(count) for count in accumulate(counts)]
    arguments: list[bytes] = [before, after, b""] * (len(counts) + 2)
    arguments[2::3] = [*cumulative, cumulative[-1], number(total)]
    for end in (-6, -3):  # without `le` there is a comma less
        arguments[end : end + 2] = (before + after[1:]).rstrip(b","), b""
    return _TEMPLATES[definition] % tuple(arguments)
