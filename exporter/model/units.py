"""Time, money and limits: what numbers mean wherever they are.

Units: an instant is a whole number of microseconds since the Unix epoch (UTC), a duration a whole number of
microseconds, money a whole number of minor units (tiyn, cents) of its currency. Integers, because sums of floats
drift and the totals must match the bank's to the last tenge.
"""

from collections.abc import Mapping

Instant = int
Duration = int

SECOND: Duration = 1_000_000
MINUTE: Duration = 60 * SECOND
HOUR: Duration = 60 * MINUTE
DAY: Duration = 24 * HOUR
SLOTS_A_DAY = 96
"""The grain of the history that baselines are made from: quarters of an hour."""

OTHER = "other"
"""Label value for what lies beyond a limit on distinct values, or is not fit to be a label."""


_EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_units(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217): 2 for tenge and dollars."""
    return _EXPONENTS.get(currency, 2)


AMOUNT_BUCKETS: tuple[int, ...] = (
    100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000,
)  # fmt: skip
"""Upper bounds of `epay_operation_amount`, in major units: made for tenge, from a bus fare to a daily limit."""

DELAY_BUCKETS: tuple[int, ...] = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 21_600, 86_400)
"""Upper bounds in seconds of how late operations become visible and final."""
