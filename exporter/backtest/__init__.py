"""Which volume alarms there would have been: the live bounds over a series of the past.

`replay` takes one series and the rules for it, so that who reads a bank's history hands in one for each terminal, with
that terminal's thresholds; `read_series` makes one from a CSV.
"""

from exporter.backtest.rendering import as_json, as_json_by_terminal, as_text, shortness
from exporter.backtest.replay import Alarm, Rules, replay
from exporter.backtest.series import Series, SeriesInvalid, read_series

__all__ = [
    "Alarm",
    "Rules",
    "Series",
    "SeriesInvalid",
    "as_json",
    "as_json_by_terminal",
    "as_text",
    "read_series",
    "replay",
    "shortness",
]
