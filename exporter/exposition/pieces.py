"""What is exposed of one terminal or account, kept until something of it changes."""

from collections.abc import Sequence
from typing import Final

from exporter.exposition.counters import ACCOUNT_COUNTERS, TERMINAL_COUNTERS, account_counters, terminal_counters, unmet
from exporter.exposition.forecasts import FORECASTS, forecast_lines
from exporter.exposition.states import STATES, state_lines
from exporter.exposition.windows import WINDOWS, window_lines
from exporter.model import Forecast, Part, TerminalSnapshot, WindowTally

Texts = tuple[bytes, ...]
"""Lines of one owner, one text a family; empty where it has none."""

OF_TERMINALS: Final = (*TERMINAL_COUNTERS, *WINDOWS, *FORECASTS, *STATES)
OF_ACCOUNTS: Final = ACCOUNT_COUNTERS

_NO_COUNTERS: Final[Texts] = (b"",) * len(TERMINAL_COUNTERS)
_NO_FORECASTS: Final[Texts] = (b"",) * len(FORECASTS)


class Counted:
    """An owner's totals with their births, as a part of the pieces below."""

    __slots__ = ("born", "totals", "youngest")

    def __init__(self) -> None:
        self.totals: Part | None = None
        self.born: Part | None = None
        self.youngest = 0

    def changed(self, totals: Part, born: Part) -> bool:
        """Take what there is now, and say whether the totals differ from what there was."""
        if born is not self.born:
            self.born, self.youngest = born, max(born.values(), default=0)
        if totals is self.totals:
            return False
        before, self.totals = self.totals, totals
        return before != totals

    def as_met_by(self, exposed: int) -> Part:
        """The totals as a scraper sees them that has met none younger than a snapshot."""
        return unmet(self.totals or {}, self.born or {}, exposed)


class TerminalPieces:
    """A terminal's lines. Only those are written anew whose part of the snapshot is another one than the last time."""

    __slots__ = (
        "_configured",
        "_counters",
        "_forecast",
        "_forecasts",
        "_read",
        "_shown",
        "_snapshot",
        "_states",
        "_windows",
        "_windows_shown",
        "counted",
        "name",
        "texts",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.counted = Counted()
        self.texts: Texts = ()
        self._snapshot: TerminalSnapshot | None = None
        self._read = self._shown = False
        self._configured: Sequence[str] = ()
        self._counters: Texts = _NO_COUNTERS
        self._windows: Sequence[WindowTally] | None = None
        self._windows_shown: Texts = ()
        self._forecast: Forecast | None = None
        self._forecasts: Texts = _NO_FORECASTS
        self._states: Texts = ()

    def update(
        self, each: TerminalSnapshot, totals: Part, born: Part, configured: Sequence[str], *, shown: bool
    ) -> None:
        """Bring the lines to a snapshot. `shown`: the windows are not withdrawn."""
        counted = self.counted.changed(totals, born)
        same_way = each.read == self._read and shown == self._shown and configured == self._configured
        if each is self._snapshot and same_way and not counted:
            return
        if each.read and (counted or not self._read):
            self._counters = terminal_counters(self.name, totals)
        elif not each.read:
            self._counters = _NO_COUNTERS
        windows = each.windows if each.read and shown else ()
        if windows is not self._windows and windows != self._windows:
            self._windows_shown = window_lines(self.name, windows)
        self._windows = windows
        if not each.read:
            self._forecasts = _NO_FORECASTS
        elif not same_way or self._snapshot is None or each.forecast != self._forecast:
            self._forecasts = forecast_lines(self.name, each.forecast, shown=shown)
        self._forecast = each.forecast
        if each is not self._snapshot or not same_way:
            self._states = state_lines(each, configured, shown=shown)
        self._snapshot, self._read, self._shown, self._configured = each, each.read, shown, configured
        self.texts = (*self._counters, *self._windows_shown, *self._forecasts, *self._states)

    def as_met_by(self, exposed: int) -> Texts:
        """The lines for a scraper that is to be shown a 0 where it has not met a total yet."""
        if not self._read:
            return self.texts
        return terminal_counters(self.name, self.counted.as_met_by(exposed)) + self.texts[len(TERMINAL_COUNTERS) :]


class AccountPieces:
    """An account's lines, written anew when its totals are others."""

    __slots__ = ("counted", "name", "texts")

    def __init__(self, name: str) -> None:
        self.name = name
        self.counted = Counted()
        self.texts: Texts = ()

    def update(self, totals: Part, born: Part) -> None:
        """Bring the lines to a snapshot."""
        if self.counted.changed(totals, born) or not self.texts:
            self.texts = account_counters(self.name, totals)

    def as_met_by(self, exposed: int) -> Texts:
        """The lines for a scraper that is to be shown a 0 where it has not met a total yet."""
        return account_counters(self.name, self.counted.as_met_by(exposed))
