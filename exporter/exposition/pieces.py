"""What is exposed of one terminal or account, kept until something of it changes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import is_
from typing import Final

from exporter.exposition.counters import (
    ACCOUNT_COUNTERS,
    TERMINAL_COUNTERS,
    Shapes,
    account_form,
    terminal_form,
    unmet,
)
from exporter.exposition.forecasts import FORECASTS, forecast_lines
from exporter.exposition.forms import Form
from exporter.exposition.lines import Shape, terminal_label
from exporter.exposition.states import DESCRIPTIONS, description_lines
from exporter.exposition.windows import WINDOWS, window_lines
from exporter.model import Owner, Part, TerminalSnapshot, Total

Texts = tuple[bytes, ...]
"""Lines of one owner, one text a family; empty where it has none."""

OF_TERMINALS: Final = (*TERMINAL_COUNTERS, *WINDOWS, *FORECASTS, *DESCRIPTIONS)
OF_ACCOUNTS: Final = ACCOUNT_COUNTERS


def encoded(texts: Iterable[str]) -> Texts:
    """As it is sent. An empty text is one object, however often there is none."""
    return tuple([text.encode() for text in texts])


class _Kept:
    """Texts that are made anew only when what they are made of differs from the last time; empty without it."""

    __slots__ = ("_none", "_of", "texts")

    def __init__(self, families: int) -> None:
        self._of: object = None
        self._none: Texts = (b"",) * families
        self.texts = self._none

    def bring_to(self, of: object, make: Callable[[], Texts]) -> None:
        """What is the same object is equal at once; a poll that finds nothing new may have made an equal one."""
        if of != self._of:
            self.texts = self._none if of is None else make()
        self._of = of


class Counted:
    """An owner's totals and their births, and the form that they are written in. Never changes."""

    __slots__ = ("_form", "born", "totals", "youngest")

    def __init__(self, form: Form, totals: Part, born: Part, youngest: int) -> None:
        self._form = form
        self.totals = totals
        self.born = born
        self.youngest = youngest

    def moved_to(self, totals: Part, born: Part, make: Callable[[Iterable[Total]], Form]) -> "Counted":
        """What there is in a later snapshot; `make` gives another form where this one does not fit."""
        fits = self is not NOTHING_COUNTED and self._form.keys == [*totals]
        form = self._form if fits else make(totals)
        return Counted(form, totals, born, self.youngest if born is self.born else max(born.values(), default=0))

    def lines(self) -> Texts:
        """All that is counted, as it is."""
        return self._form.filled([*self.totals.values()])

    def as_met_by(self, exposed: int) -> Texts:
        """The same for a scraper that has met the totals up to a snapshot: it is shown a 0 for the younger ones."""
        return self._form.filled([*unmet(self.totals, self.born, exposed).values()])


NOTHING_COUNTED: Final = Counted(Form([], ()), {}, {}, 0)
"""Of who has not been read."""


class TerminalPieces:
    """A terminal's lines: `texts` has one text for each of OF_TERMINALS."""

    __slots__ = (
        "_counters",
        "_descriptions",
        "_forecasts",
        "_seen",
        "_shapes",
        "_windows",
        "counted",
        "label",
        "name",
        "owner",
        "texts",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.label = terminal_label(name)
        self.owner = Owner(False, name)
        self.counted = NOTHING_COUNTED
        self._seen: tuple[object, ...] = ()
        self._counters = _Kept(len(TERMINAL_COUNTERS))
        self._windows = _Kept(len(WINDOWS))
        self._forecasts = _Kept(len(FORECASTS))
        self._descriptions = _Kept(len(DESCRIPTIONS))
        self._shapes: Shapes = defaultdict(Shape)
        self.texts: Texts = ()

    def bring_to(
        self, each: TerminalSnapshot, totals: Part, born: Part, configured: Sequence[str], *, shown: bool
    ) -> None:
        """Write what a snapshot has changed. `shown`: the windows are not withdrawn.

        Most terminals have nothing new in most polls, and are known by that: all that is looked at is the same objects.
        """
        name, read, forecast = self.name, each.read, each.forecast
        seen = (totals, born, each.windows, forecast, each.terminal, each.difference, configured, read, shown)
        if self._seen and all(map(is_, seen, self._seen)):
            return
        if not read:
            self.counted = NOTHING_COUNTED
        elif totals is not self.counted.totals or born is not self.counted.born:
            self.counted = self.counted.moved_to(totals, born, partial(terminal_form, name))
        self._counters.bring_to(totals if read else None, self.counted.lines)
        self._windows.bring_to(
            each.windows if read and shown else None, lambda: window_lines(name, each.windows, self._shapes)
        )
        self._forecasts.bring_to(
            (forecast, shown) if read else None, lambda: encoded(forecast_lines(name, forecast, shown=shown))
        )
        self._descriptions.bring_to(
            (each.terminal, each.difference, configured) if read else None,
            lambda: encoded(description_lines(each, configured)),
        )
        self.texts = (
            *self._counters.texts,
            *self._windows.texts,
            *self._forecasts.texts,
            *self._descriptions.texts,
        )
        self._seen = seen  # only now: what could not be written is tried again, and fails again where it is seen


class AccountPieces:
    """An account's lines: `texts` has one text for each of OF_ACCOUNTS."""

    __slots__ = ("_counters", "counted", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.counted = NOTHING_COUNTED
        self._counters = _Kept(len(ACCOUNT_COUNTERS))

    @property
    def texts(self) -> Texts:
        return self._counters.texts

    def bring_to(self, totals: Part, born: Part) -> None:
        """Write what a snapshot has changed."""
        self.counted = self.counted.moved_to(totals, born, partial(account_form, self.name))
        self._counters.bring_to(totals, self.counted.lines)
