"""Whether a volume is out of the ordinary: the comparison that the shipped rules make, for who asks without Prometheus.

EpayVolumeDrop:  now < lower, at least `drop` of the expected missing, and at least `min_expected` expected.
EpayVolumeSpike: now > upper, at least `spike` of the expected too much, and at least `min_operations` there.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from exporter.baseline.bounds import Expectation
from exporter.thresholds import CATALOGUE, Given, in_force


class Direction(StrEnum):
    """Which way a volume is out of the ordinary."""

    DROP = "drop"
    SPIKE = "spike"


_DROP: Final = CATALOGUE["volume_drop"]
_SPIKE: Final = CATALOGUE["volume_spike"]
_SILENT: Final = CATALOGUE["terminal_silent"]


class Thresholds(NamedTuple):
    """The settings of `volume_drop` and `volume_spike` at severity warning, and what must be expected for nothing at
    all to be told as a silence (`terminal_silent`); as shipped by default. None: off."""

    drop: float | None = _DROP.defaults["warning"]
    min_expected: float = _DROP.defaults["min_expected"]
    spike: float | None = _SPIKE.defaults["warning"]
    min_operations: float = _SPIKE.defaults["min_operations"]
    silent: float | None = _SILENT.defaults["critical"]

    @classmethod
    def in_force(cls, *layers: Given) -> "Thresholds":
        """The shipped settings under those of each layer: the configuration's defaults, then a terminal's own."""
        drop, spike, silent = (in_force(alert, *layers) for alert in (_DROP, _SPIKE, _SILENT))
        return cls(
            drop=drop["warning"] if drop else None,
            min_expected=(drop or _DROP.defaults)["min_expected"],
            spike=spike["warning"] if spike else None,
            min_operations=(spike or _SPIKE.defaults)["min_operations"],
            silent=silent["critical"] if silent else None,
        )


def judge(now: float, expectation: Expectation, thresholds: Thresholds) -> Direction | None:
    """Which alert's condition this volume meets; whether it lasts is not known here."""
    expected, lower, upper, _ = expectation
    if thresholds.drop is not None and expected >= thresholds.min_expected and now < lower:
        return Direction.DROP if expected - now > thresholds.drop * expected else None
    if thresholds.spike is not None and now >= thresholds.min_operations and now > upper:
        return Direction.SPIKE if now - expected > thresholds.spike * expected else None
    return None
