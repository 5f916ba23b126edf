"""Reads `calendar` and `alerts`: when alerts stay silent, and from where on they speak."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

from exporter.config.accounts import Roster
from exporter.config.leaves import instant, number, word
from exporter.config.problems import Wrong
from exporter.config.records import Alerts
from exporter.config.values import Value, attempt, close, each
from exporter.model import CALENDAR_KINDS, CalendarEntry
from exporter.thresholds import CATALOGUE, Alert, Given, Setting, Unit, in_force

_OFF: Final = frozenset({"off", "false"})
_HINTS: Final = {
    Unit.SHARE: "a share: 0.08 is 8 %",
    Unit.ON: "it is on or off: to switch the alert off write off in place of its settings",
}


def calendar(value: Value, roster: Roster) -> tuple[CalendarEntry, ...]:
    """Holidays and maintenances."""
    return tuple(each(value, lambda item: _calendar_entry(item, roster)))


def _calendar_entry(value: Value, roster: Roster) -> CalendarEntry:
    section = value.section()
    start = section.need("from", instant, 0)
    end = section.need("to", instant, 0)
    kind = section.need("kind", word(CALENDAR_KINDS), CALENDAR_KINDS[0], f"one of {', '.join(CALENDAR_KINDS)}")
    if section.sound("from", "to") and start >= end:
        section.at("to").report("must be later than from")
    return CalendarEntry(start, end, kind, section.get("terminals", lambda value: _names(value, roster), ()))


def _names(value: Value, roster: Roster) -> tuple[str, ...]:
    if not value.items():
        raise Wrong("an empty list is no terminal at all", "leave the key out for all terminals")
    return tuple(dict.fromkeys(each(value, roster.knows)))


def alerts(value: Value, roster: Roster) -> Alerts:
    """Thresholds for all terminals, and what differs for some."""
    section = value.section()
    nothing: Given = {}
    unsound: set[str] = set()
    defaults = section.get("defaults", lambda value: _thresholds(value, {}, unsound), nothing)
    if not unsound and not section.sound("defaults"):
        unsound.update(CATALOGUE)  # nobody knows what they were meant to be
    return Alerts(defaults, section.get("terminals", lambda value: _by_terminal(value, roster, defaults, unsound), {}))


def _by_terminal(value: Value, roster: Roster, defaults: Given, unsound: AbstractSet[str]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    for name, item in value.entries():
        try:
            roster.check(name)
        except Wrong as wrong:
            item.report(wrong.text, wrong.hint)
        nothing: Given = {}
        found[name] = attempt(item, lambda value: _thresholds(value, defaults, set(unsound)), nothing)
    return found


def _thresholds(value: Value, below: Given, unsound: set[str]) -> dict[str, dict[str, float] | None]:
    """Alert → settings, None where it is switched off. `below` is what they go over.

    Alerts in `unsound` have something wrong there, which must not be said again of each terminal; those that have
    something wrong here are added.
    """
    found: dict[str, dict[str, float] | None] = {}
    for key, item in value.entries():
        before = len(value.reading.problems)
        if key in CATALOGUE:
            found[key] = attempt(item, _settings(CATALOGUE[key], None if key in unsound else below), None)
        else:
            _unknown(item, "alert", key, tuple(CATALOGUE))
        if len(value.reading.problems) > before:
            unsound.update((key, *close(key, tuple(CATALOGUE))))
    return found


def _settings(alert: Alert, below: Given | None) -> Callable[[Value], dict[str, float] | None]:
    """The settings of one alert; None where it is switched off. `below`: None where that is unsound."""
    known = {setting.name: setting for setting in alert.settings}

    def read(value: Value) -> dict[str, float] | None:
        if value.single and value.words().text.lower() in _OFF:
            return None
        if value.null or value.single:
            raise Wrong("settings (name: number) are wanted here, or off")
        given: dict[str, float] = {}
        unsound: set[str] = set()
        places = dict(value.entries())
        for name, item in places.items():
            before = len(value.reading.problems)
            if name in known:
                given[name] = attempt(item, _within(known[name]), known[name].default)
            else:
                _unknown(item, "setting", name, tuple(known))
            if len(value.reading.problems) > before:
                unsound.update((name, *close(name, tuple(known))))
        if unsound.isdisjoint(alert.order or ()):
            _ordered(alert, given, places, below)
        return given

    return read


def _within(setting: Setting) -> Callable[[Value], float]:
    """A number that makes sense for the setting."""

    def read(value: Value) -> float:
        result = number(value)
        least, most = setting.bounds
        if result < least:
            raise Wrong(f"must be at least {least:g}", _HINTS.get(setting.unit, ""))
        if result > most:
            raise Wrong(f"must be at most {most:g}", _HINTS.get(setting.unit, ""))
        return result

    return read


def _ordered(alert: Alert, given: dict[str, float], places: dict[str, Value], below: Given | None) -> None:
    """Report two levels that are the wrong way round, where a setting that stands here has made them so."""
    if alert.order is None or not given.keys() & set(alert.order):
        return
    if below is None and not given.keys() >= set(alert.order):
        return
    values = in_force(alert, below or {}, {alert.key: given}) or {}
    low, high = alert.order
    if values[low] > values[high]:
        at, other = (high, low) if high in places else (low, high)
        word = "below" if at == high else "above"
        places[at].report(f"must not be {word} {other}", f"{high} is {values[high]:g}, {low} {values[low]:g}")


def _unknown(value: Value, what: str, name: str, known: tuple[str, ...]) -> None:
    meant = close(name, known)
    value.report(f"unknown {what}", f'did you mean "{meant[0]}"?' if meant else f"known here: {', '.join(known)}")
