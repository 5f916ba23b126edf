"""Which statuses and codes occur, and which of them no rule names: pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from exporter.doctor.finding import Finding, Line, Place, Verdict
from exporter.doctor.numbering import listed
from exporter.ledger.labels import LabelBook
from exporter.model import OTHER, Operation, Outcome
from exporter.outcomes import UNKNOWN_REASON, Outcomes

_MANY: Final = 10_000
_SILENT: Final = frozenset({"", "0", "00"})
_EMPTY: Final = "(empty)"


def vocabulary_findings(operations: Iterable[Operation], outcomes: Outcomes) -> list[Finding]:
    """Statuses and codes of the sample. What is not fit to be a label is only counted."""
    counts = Counter((each.status, each.code, each.reason_code) for each in operations)
    if not counts:
        return [
            Finding(question, Verdict.UNKNOWN, "no record was seen", "0 records") for question in ("statuses", "codes")
        ]
    book = LabelBook("", outcomes, max_codes=_MANY)
    statuses: Counter[str] = Counter()
    codes: Counter[tuple[str, str]] = Counter()
    unnamed_statuses: Counter[str] = Counter()
    unnamed_codes: Counter[str] = Counter()
    for (status, code, reason_code), count in counts.most_common():
        label = book.label(status, code, reason_code)
        shown = label.key
        statuses[shown.status] += count
        codes[shown.code, shown.reason_code] += count
        if label.unnamed_status:
            unnamed_statuses[shown.status] += count
        if label.unnamed_code:
            unnamed_codes[shown.code if shown.reason_code in _SILENT else shown.reason_code] += count
    by_code = Counter({f"{code or _EMPTY}/{reason or _EMPTY}": count for (code, reason), count in codes.items()})
    return [
        _finding("statuses", Place.OUTCOMES, Outcome.UNKNOWN, statuses, unnamed_statuses),
        _finding("codes", Place.REASON_CODES, UNKNOWN_REASON, by_code, unnamed_codes),
    ]


def _finding(
    question: str, place: Place, placeholder: str, seen: Mapping[str, int], unnamed: Mapping[str, int]
) -> Finding:
    what = "code/reasonCode" if place is Place.REASON_CODES else "status"
    evidence = f"{sum(seen.values())} records by {what}: {_counted(seen)}"
    if not unnamed:
        return Finding(question, Verdict.OK, f"all {len(seen)} kinds are named by a rule", evidence)
    nameable = [value for value in unnamed if value and value != OTHER]
    unfit = sum(unnamed.values()) - sum(unnamed[value] for value in nameable)
    answer = f"no rule names {_counted({value: unnamed[value] for value in nameable})}" if nameable else ""
    if unfit:
        rest = f"{unfit} records carry something empty, or not fit to be shown, that no rule names"
        answer = f"{answer}; {rest}" if answer else rest
    if not nameable:
        return Finding(question, Verdict.PROBLEM, answer, evidence)
    # The placeholder keeps what the exporter does anyway: a person who knows the bank puts in the right word.
    lines = tuple(Line(place, value, placeholder) for value in nameable)
    return Finding(question, Verdict.CHANGE, f"{answer}: replace the placeholders by what they mean", evidence, lines)


def _counted(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return listed(f"{value or _EMPTY} {count}" for value, count in ordered)
