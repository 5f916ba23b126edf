"""Baseline settings that can be used and are hardly meant: they switch alerts off, or ask the bank for much.

None is a mistake, so nothing is refused; `check` and the log say them.
"""

from typing import Final

from exporter.config.durations import format_duration
from exporter.config.records import Baseline, Poll
from exporter.config.values import Section
from exporter.model import DAY, HOUR, MINUTE, Duration

_WEEK: Final = 7 * DAY
_GRAIN: Final = 15 * MINUTE
"""What the past is kept in."""

_FEWEST_WEEKS: Final = 3
_ASKED_FOR: Final = (
    (15 * MINUTE, "EpayTerminalSilent and EpayVolumeDropAll cannot fire, EpayVolumeDrop and EpayVolumeSpike are late"),
    (HOUR, "EpaySuccessAmountDrop cannot fire, and small drops and spikes of volume are missed"),
)
"""The windows whose expectations the shipped rules compare, and what becomes of the alerts without them."""


def doubt(section: Section, baseline: Baseline, poll: Poll, windows: tuple[Duration, ...]) -> None:
    """Note what is doubtful in `baseline`, at the line that has made it so."""
    if not baseline.windows and not baseline.history:
        return  # no baselines at all: that is meant
    if section.sound("windows"):
        _doubt_windows(section, baseline.windows, windows)
    if section.sound("weeks", "history", "windows"):
        _doubt_history(section, baseline)
    if section.sound("history_requests_per_second"):
        _doubt_rate(section, baseline.history_requests_per_second, poll.requests_per_second)


def _doubt_windows(section: Section, expected: tuple[Duration, ...], shown: tuple[Duration, ...]) -> None:
    place = section.at("windows")
    for window, loss in _ASKED_FOR:
        if window not in expected:
            name = format_duration(window)
            place.doubt(f"without {name}, {loss}", f"add {name}")
    for window in expected:
        name = format_duration(window)
        if window % _GRAIN:
            place.doubt(
                f"{name} is no multiple of 15m, in which the past is kept: its bounds are rough",
                "take 15m, 30m, 45m, 1h …",
            )
        if window not in shown:
            place.doubt(f"{name} is not among windows: nothing is counted to compare it with", "add it to windows")


def _doubt_history(section: Section, baseline: Baseline) -> None:
    place, history, weeks = section.at("history", "weeks"), baseline.history, baseline.weeks
    if weeks < _FEWEST_WEEKS:
        section.at("weeks").doubt(
            "a single holiday or gap leaves fewer than three weeks, and then nothing is expected",
            "take 3 or more; 4 is the default",
        )
    whole = f"{max(weeks, _FEWEST_WEEKS) + 1}w"
    if 0 < history < _FEWEST_WEEKS * _WEEK + max(baseline.windows, default=0):
        place.doubt(
            "less than three weeks and the longest window: until the exporter has seen the rest itself nothing is "
            "expected, and no alert on volume, silence or sums can fire",
            f"write {whole}, or 0s if that is meant",
        )
    elif 0 < history < (weeks + 1) * _WEEK:
        place.doubt(
            f"the exporter sees fewer weeks than weeks ({weeks}) and the one more that it compares, until it has seen "
            "them itself",
            f"write {whole}",
        )


def _doubt_rate(section: Section, history: float, polls: float) -> None:
    if history > polls:
        section.at("history_requests_per_second").doubt(
            f"more than poll.requests_per_second ({polls:g}): the bank gets both while history is read",
            "take no more than it, if that is what the bank allows",
        )
