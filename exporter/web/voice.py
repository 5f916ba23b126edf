"""How a language says numbers, times and the page's texts. Pure.

Times are in UTC and say so. English writes dates as 2026-11-24; Russian and Kazakh as 24.11.2026, which in these
languages always begins with the day.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from exporter.model import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from exporter.web.texts import TROUBLES, Language, Text, Three, Two

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for people: how long ago, and when in UTC."""

    age: str
    time: str
    iso: str


@dataclass(frozen=True, slots=True)
class _Signs:
    """Units are symbols, which no number inflects: those of GOST 8.417 in Russian, of CLDR in Kazakh."""

    day: str
    hour: str
    minute: str
    second: str
    decimal: str
    percent: str
    date: str


_SIGNS: Final = {
    Language.ENGLISH: _Signs("d", "h", "min", "s", ".", " %", "%Y-%m-%d"),
    Language.RUSSIAN: _Signs("сут", "ч", "мин", "с", ",", " %", "%d.%m.%Y"),
    Language.KAZAKH: _Signs("күн", "сағ", "мин", "с", ",", "%", "%d.%m.%Y"),
}


@dataclass(frozen=True, slots=True)
class Voice:
    """One language, speaking."""

    language: Language = Language.ENGLISH

    def say(self, text: Text, **values: int | str) -> str:
        """A text with its values, in the form that its number asks for. Numbers are written as the language does."""
        said = {Language.ENGLISH: text.en, Language.RUSSIAN: text.ru, Language.KAZAKH: text.kk}[self.language]
        form = said if isinstance(said, str) else _form(said, values[said.by])
        shown = {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}
        return form.format(**shown)

    def trouble(self, kind: str) -> str:
        """What a kind of trouble is; empty in English, where its own sentence says it, and for an unheard-of kind."""
        translation = TROUBLES.get(kind)
        if translation is None or self.language is Language.ENGLISH:
            return ""
        return translation.ru if self.language is Language.RUSSIAN else translation.kk

    def number(self, number: int) -> str:
        """Thousands apart by a narrow space that does not break: the one sign that none of them takes for a point."""
        return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")

    def percentage(self, part: int, whole: int) -> str:
        """A ratio for people, empty without a whole. Never a plain 0 % or 100 % that is not one."""
        if whole == 0:
            return ""
        signs = _SIGNS[self.language]
        if part in {0, whole}:
            return f"{0 if part == 0 else 100}{signs.percent}"
        rounded = f"{min(max(round(part * 1000 / whole), 1), 999) / 10:.1f}"
        return rounded.replace(".", signs.decimal) + signs.percent

    def age(self, duration: Duration) -> str:
        """A duration in its two largest units, or one where the second would say nothing: `23 s`, `2 d 3 h`."""
        signs = _SIGNS[self.language]
        if duration < MINUTE:
            return f"{max(duration, 0) // SECOND} {signs.second}"
        if duration < HOUR:
            return f"{duration // MINUTE} {signs.minute}"
        if duration < DAY:
            hours, rest = divmod(duration, HOUR)
            whole = f"{hours} {signs.hour}"
            return f"{whole} {rest // MINUTE} {signs.minute}" if rest >= MINUTE else whole
        days, rest = divmod(duration, DAY)
        whole = f"{self.number(days)} {signs.day}"
        return f"{whole} {rest // HOUR} {signs.hour}" if rest >= HOUR else whole

    def moment(self, instant: Instant, now: Instant) -> Moment:
        """An instant as seen from now: without its date if it is of today."""
        when = _EPOCH + timedelta(microseconds=instant)
        today = when.date() == (_EPOCH + timedelta(microseconds=now)).date()
        time = f"{when:%H:%M:%S} UTC" if today else f"{when.strftime(_SIGNS[self.language].date)} {when:%H:%M} UTC"
        return Moment(self.age(now - instant), time, when.isoformat(timespec="seconds"))


ENGLISH: Final = Voice()


def _form(forms: Two | Three, number: int | str) -> str:
    """The form after a number, by CLDR's rules for whole numbers."""
    count = int(number)
    if isinstance(forms, Two):
        return forms.one if count == 1 else forms.other
    if count % 10 == 1 and count % 100 != 11:
        return forms.one
    if count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14}:
        return forms.few
    return forms.many
