"""Mutants that no test can tell from the rule, each with the reason. Few, and none that a test could be written for."""

from typing import Final, NamedTuple


class Equivalent(NamedTuple):
    """Excuses the mutants of `file` whose key begins with `key`."""

    file: str
    key: str
    reason: str


_SAME_LABELS: Final = "unless compares all labels, result among them: series of another result meet none on the left"

EQUIVALENT: Final[tuple[Equivalent, ...]] = tuple(
    Equivalent("exporter.yaml", f"{record} | matcher result | unless ", _SAME_LABELS)
    for record in (
        "account:epay_logins_refused:increase10m",
        "account:epay_logins_success:increase10m",
        "account:epay_requests_rate_limited:increase15m",
    )
)
