"""The exact totals as counters and histograms, with the zeros that Prometheus needs to see an increase.

`increase()` only sees what comes after the first sample of a series. So each terminal's success and failure series
exist from its first poll, and a total that the scraper has not met yet is shown to it once as 0.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.forms import NOWHERE, Few, Form, Histogram, Labels, Lines
from exporter.exposition.lines import Heads, Shape, escaped, terminal_label
from exporter.exposition.numbers import power
from exporter.model import AMOUNT_BUCKETS, DELAY_BUCKETS, SECOND, Family, Outcome, Part, SeriesKey, Total

Shapes = defaultdict[object, Shape]
"""What an owner's families are known by, to what is kept of each."""
_Found = Mapping[Family, dict[Labels, int]]
"""The places of an owner's totals, by family and labels."""

PLACEHOLDER_CURRENCY: Final = "KZT"
PLACEHOLDER_POWERS: Final = (power(PLACEHOLDER_CURRENCY),) * 2
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

_COUNTS: Final = Heads(catalogue.OPERATIONS, *catalogue.OPERATIONS.labels[1:])
_AMOUNTS: Final = Heads(catalogue.OPERATIONS_AMOUNT, *catalogue.OPERATIONS_AMOUNT.labels[1:])


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


def terminal_form(terminal: str, totals: Iterable[Total]) -> Form:
    """The lines of a terminal that has been read and has these totals; a family for each of TERMINAL_COUNTERS."""
    keys = [*totals]
    found = _by_family(keys)
    own, (expected, sums) = terminal_label(terminal), placeholders(terminal)
    counts = found[Family.OPERATIONS] | {key: NOWHERE for key in expected if key not in found[Family.OPERATIONS]}
    amounts = found[Family.AMOUNT] | {
        (*key, currency): NOWHERE for key, currency in sums if (*key, currency) not in found[Family.AMOUNT]
    }
    label = own.encode()
    single = {
        definition: Few(definition, {(terminal,): found[family].get((terminal,), NOWHERE)}, unit)
        for definition, family, unit in _SINGLE
    }
    return Form(
        keys,
        (
            [Lines([_COUNTS[labels[1:]] for labels in counts], label, [*counts.values()])],
            [
                Lines(
                    [_AMOUNTS[labels[1:]] for labels in amounts],
                    label,
                    [*amounts.values()],
                    tuple([power(labels[-1]) for labels in amounts]),
                )
            ],
            _amount_histograms(found, label),
            _delay_histogram(catalogue.FINALIZATION, ("", ",", label), found, Family.FINALIZATION_BUCKET, terminal),
            [Few(catalogue.STATUS_CHANGES, found[Family.STATUS_CHANGES])],
            *[[each] for each in single.values()],
        ),
    )


_SINGLE: Final = (
    (catalogue.GAP, Family.GAP, SECOND),
    (catalogue.UNKNOWN_CODES, Family.UNKNOWN_CODES, 1),
    (catalogue.LABEL_OVERFLOW, Family.LABEL_OVERFLOW, 1),
    (catalogue.DUPLICATES, Family.DUPLICATES, 1),
)


def account_form(account: str, totals: Iterable[Total]) -> Form:
    """The lines of an account of which a terminal has been read; a family for each of ACCOUNT_COUNTERS."""
    keys = [*totals]
    found = _by_family(keys)
    label = f'account="{escaped(account)}"'
    records: dict[Labels, int] = {(account, kind): NOWHERE for kind in _KINDS}
    return Form(
        keys,
        (
            _delay_histogram(
                catalogue.VISIBILITY_DELAY, (label + ",", "", b""), found, Family.VISIBILITY_BUCKET, account
            ),
            [Few(catalogue.RECORDS, records | found[Family.RECORDS])],
            [Few(catalogue.REJECTED_RECORDS, found[Family.REJECTED])],
        ),
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


def _by_family(keys: Iterable[Total]) -> _Found:
    found: defaultdict[Family, dict[Labels, int]] = defaultdict(dict)
    for place, (family, labels) in enumerate(keys):
        found[family][labels] = place
    return found


def _amount_histograms(found: _Found, label: bytes) -> list[Histogram]:
    in_bucket: dict[Labels, list[int]] = {labels: _no_places(AMOUNT_BUCKETS) for labels in found[Family.AMOUNT_SUM]}
    for labels, place in found[Family.AMOUNT_BUCKET].items():
        in_bucket.setdefault(labels[:-1], _no_places(AMOUNT_BUCKETS))[int(labels[-1])] = place
    return [
        Histogram(
            catalogue.OPERATION_AMOUNT,
            AMOUNT_BUCKETS,
            (f'currency="{escaped(labels[2])}",', f',outcome="{escaped(labels[1])}",', label),
            places,
            found[Family.AMOUNT_SUM].get(labels, NOWHERE),
            power(labels[2]),
        )
        for labels, places in in_bucket.items()
    ]


def _delay_histogram(
    definition: Definition, labels: tuple[str, str, bytes], found: _Found, buckets: Family, owner: str
) -> list[Histogram]:
    """The one histogram of an owner, absent before anything was measured."""
    sums = found[_SUM_OF[buckets]]
    if not found[buckets] and not sums:
        return []
    places = _no_places(DELAY_BUCKETS)
    for (_, bucket), place in found[buckets].items():
        places[int(bucket)] = place
    return [Histogram(definition, DELAY_BUCKETS, labels, places, sums.get((owner,), NOWHERE), SECOND)]


def _no_places(bounds: tuple[int, ...]) -> list[int]:
    return [NOWHERE] * (len(bounds) + 1)
