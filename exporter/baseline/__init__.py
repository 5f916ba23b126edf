"""What a terminal's volume should be: expected, lower and upper bound for a window, from its own last weeks.

On-call, in short: the expected is the median of the same time of the past four or five weeks, so one bad week, one
holiday, does not bend it. The bounds are four spreads away, and the spread is the largest of three: what chance does
to small counts, a tenth of the expected, and what this terminal did at this time of day over the last 14 days. They
are wider where its worst windows of most weeks lay beyond that: what it does every week is no news. The drop side is
capped: a total stop is below the lower bound, unless its windows are empty every week. `bounds.py` has the formula.

Pure: no clock, no I/O. A `History` is filled by who reads the bank's history; `prepare` measures it about once an
hour; `Baseline.expect` answers for a window that ends at any instant.
"""

from exporter.baseline.activity import active_days, grain_of, usual, usual_gap
from exporter.baseline.bounds import Expectation, Settings
from exporter.baseline.history import MISSING, SLOT, WEEK, History
from exporter.baseline.judgement import Direction, Thresholds, judge
from exporter.baseline.measuring import FEWEST_WEEKS
from exporter.baseline.prediction import Baseline, prepare

__all__ = [
    "FEWEST_WEEKS",
    "MISSING",
    "SLOT",
    "WEEK",
    "Baseline",
    "Direction",
    "Expectation",
    "History",
    "Settings",
    "Thresholds",
    "active_days",
    "grain_of",
    "judge",
    "prepare",
    "usual",
    "usual_gap",
]
