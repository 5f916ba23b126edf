"""Whether a volume is out of the ordinary: the comparison that the shipped rules make, for who asks without Prometheus.

EpayVolumeDrop:  now < lower, at least `drop` of the expected missing, and at least `min_expected` expected.
EpayVolumeSpike: now > upper, at least `spike` of the expected too much, and at least `min_operations` there.
"""

from enum import StrEnum
from typing import NamedTuple

from exporter.baseline.bounds import Expectation


class Direction(StrEnum):
    """Which way a volume is out of the ordinary."""

    DROP = "drop"
    SPIKE = "spike"


class Thresholds(NamedTuple):
    """The alerts' settings: defaults of `volume_drop` and `volume_spike` at severity warning. None: off."""

    drop: float | None = 0.3
    min_expected: float = 20
    spike: float | None = 0.3
    min_operations: float = 20


def judge(now: float, expectation: Expectation, thresholds: Thresholds) -> Direction | None:
    """Which alert's condition this volume meets; whether it lasts is not known here."""
    expected, lower, upper, _ = expectation
    if thresholds.drop is not None and expected >= thresholds.min_expected and now < lower:
        return Direction.DROP if expected - now > thresholds.drop * expected else None
    if thresholds.spike is not None and now >= thresholds.min_operations and now > upper:
        return Direction.SPIKE if now - expected > thresholds.spike * expected else None
    return None
