"""What a record's status and codes mean: tables shipped as data, overridden by the configuration.

Sources: the bank's list of result codes ("kody-oshibok" on epayment.kz) and the status names of its sibling endpoints;
which of it is documented and which inferred stands in the shipped `data/outcomes.yaml` and `data/reason_codes.yaml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exporter.model import Outcome

NO_REASON: Final = "none"
UNKNOWN_REASON: Final = "unknown"
_SUCCESS_CODES: Final = frozenset({"", "0", "00", "ok", "charge"})
_NO_REASON_CODES: Final = frozenset({"", "0", "00"})
_NOT_FINAL: Final = "454"


class Verdict(NamedTuple):
    """What became of an operation and why; `named`: a table knew its status, respectively its code."""

    outcome: Outcome
    reason_class: str
    status_named: bool
    code_named: bool


def normal(text: str) -> str:
    """A status or code as the tables write it: the bank's case and blanks do not matter."""
    return "".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The two tables. Keys are `normal`; `reason_classes` maps codes to a class."""

    statuses: Mapping[str, Outcome]
    reason_classes: Mapping[str, str] = field(default_factory=dict)

    def verdict(self, status: str, code: str, reason_code: str) -> Verdict:
        """Outcome and reason class of an operation.

        A success status with a code that says otherwise is a failure: the rule for success is not met, and the status
        is a final one. Code 454 ("answer not received") leaves the money's state open, so a record without a final
        status is pending.
        """
        named = self.statuses.get(normal(status))
        code_, reason_ = normal(code), normal(reason_code)
        if named is Outcome.SUCCESS and not (code_ in _SUCCESS_CODES and reason_ in _NO_REASON_CODES):
            outcome = Outcome.FAILURE
        elif named is None and reason_ == _NOT_FINAL:
            outcome = Outcome.PENDING
        else:
            outcome = named or Outcome.UNKNOWN
        if outcome is Outcome.SUCCESS:
            return Verdict(outcome, NO_REASON, status_named=True, code_named=True)
        reason_class = self._reason_class(code_, reason_)
        if reason_class is None and outcome is Outcome.PENDING and reason_ in _NO_REASON_CODES:
            return Verdict(outcome, NO_REASON, status_named=named is not None, code_named=True)
        silent = code_ in _SUCCESS_CODES and reason_ in _NO_REASON_CODES
        return Verdict(
            outcome,
            reason_class or UNKNOWN_REASON,
            status_named=named is not None,
            code_named=reason_class is not None or silent,
        )

    def _reason_class(self, code: str, reason_code: str) -> str | None:
        """The class by `reasonCode`, else by an ISO 8583 answer in `code`; None where no table names either."""
        for value in (reason_code, code):
            if value in _NO_REASON_CODES:
                continue
            found = self.reason_classes.get(value) or self.reason_classes.get(value.zfill(2))
            if found is not None:
                return found
        return None
