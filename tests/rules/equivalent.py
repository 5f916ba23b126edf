"""Mutants that no test can tell from the rule, each with the reason. Few, and none that a test could be written for."""

from typing import Final, NamedTuple


class Equivalent(NamedTuple):
    """Excuses the mutants of `file` whose key begins with `key`."""

    file: str
    key: str
    reason: str


_SAME_LABELS: Final = "unless compares all labels, result among them: series of another result meet none on the left"
_ENOUGH_STANDS_LEFT: Final = "windows are 15m and 1h: a 15m with enough stands left of `or`, another fails the minimum"

EQUIVALENT: Final[tuple[Equivalent, ...]] = (
    *(
        Equivalent("exporter.yaml", f"{record} | matcher result | unless ", _SAME_LABELS)
        for record in (
            "account:epay_logins_refused:increase10m",
            "account:epay_logins_success:increase10m",
            "account:epay_requests_rate_limited:increase15m",
        )
    ),
    Equivalent(
        "volume.yaml",
        "terminal_window:epay_volume_drop:expected | matcher window"
        ' | terminal_window:epay_operations:expected{window="1h"} -> terminal_window:epay_operations:expected{}',
        _ENOUGH_STANDS_LEFT,
    ),
)
