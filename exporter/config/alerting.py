"""Reads `calendar` and `alerts`: when alerts stay silent, and from where on they speak."""

import re
from typing import Final

from exporter.config.accounts import Roster
from exporter.config.leaves import instant, number, word
from exporter.config.problems import Wrong
from exporter.config.records import Alerts, CalendarEntry, Thresholds
from exporter.config.values import Value, attempt, each

KINDS: Final = ("holiday", "maintenance")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_OFF: Final = frozenset({"off", "false"})


def calendar(value: Value, roster: Roster) -> tuple[CalendarEntry, ...]:
    """Holidays and maintenances."""
    return tuple(each(value, lambda item: _calendar_entry(item, roster)))


def _calendar_entry(value: Value, roster: Roster) -> CalendarEntry:
    section = value.section()
    start = section.need("from", instant, 0)
    end = section.need("to", instant, 0)
    kind = section.need("kind", word(KINDS), KINDS[0], f"one of {', '.join(KINDS)}")
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
    defaults: Thresholds = {}
    return Alerts(
        section.get("defaults", _thresholds, defaults),
        section.get("terminals", lambda value: _by_terminal(value, roster), {}),
    )


def _by_terminal(value: Value, roster: Roster) -> dict[str, Thresholds]:
    found: dict[str, Thresholds] = {}
    for name, item in value.entries():
        try:
            roster.check(name)
        except Wrong as wrong:
            item.report(wrong.text, wrong.hint)
        none: Thresholds = {}
        found[name] = attempt(item, _thresholds, none)
    return found


def _thresholds(value: Value) -> Thresholds:
    """Alert → settings. Which alerts and settings there are is the rules' business, not known here."""
    return {name: attempt(item, _settings, None) for name, item in value.entries() if _well_named(name, item)}


def _settings(value: Value) -> dict[str, float] | None:
    """An alert's settings; None where it is switched off."""
    if value.single and value.words().text.lower() in _OFF:
        return None
    if value.null or value.single:
        raise Wrong("settings (name: number) are wanted here, or off")
    return {name: attempt(item, number, 0.0) for name, item in value.entries() if _well_named(name, item)}


def _well_named(name: str, value: Value) -> bool:
    if not _NAME.fullmatch(name):
        value.report("not a name", "small letters, digits and _")
        return False
    return True
