"""Numbers, times and plural forms of the status page, in each language."""

import pytest

from exporter.model import DAY, HOUR, MINUTE, SECOND, Duration
from exporter.web import texts
from exporter.web.texts import Language
from exporter.web.voice import ENGLISH, Moment, Voice
from tests.tools import NOW

RUSSIAN, KAZAKH = Voice(Language.RUSSIAN), Voice(Language.KAZAKH)


@pytest.mark.parametrize(
    ("duration", "english", "russian", "kazakh"),
    [
        (-SECOND, "0 s", "0 с", "0 с"),
        (59 * SECOND, "59 s", "59 с", "59 с"),
        (MINUTE, "1 min", "1 мин", "1 мин"),
        (HOUR - 1, "59 min", "59 мин", "59 мин"),
        (HOUR, "1 h", "1 ч", "1 сағ"),
        (HOUR + 5 * MINUTE, "1 h 5 min", "1 ч 5 мин", "1 сағ 5 мин"),
        (DAY, "1 d", "1 сут", "1 күн"),
        (3 * DAY + 4 * HOUR, "3 d 4 h", "3 сут 4 ч", "3 күн 4 сағ"),
    ],
)
def test_age(duration: Duration, english: str, russian: str, kazakh: str) -> None:
    assert [voice.age(duration) for voice in (ENGLISH, RUSSIAN, KAZAKH)] == [english, russian, kazakh]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, ""), (0, 9, "0 %"), (9, 9, "100 %"), (1, 8, "12.5 %"), (1, 10**6, "0.1 %"), (10**6 - 1, 10**6, "99.9 %")],
)
def test_percentage_never_rounds_to_none_or_all(part: int, whole: int, text: str) -> None:
    assert ENGLISH.percentage(part, whole) == text
    assert RUSSIAN.percentage(part, whole) == text.replace(".", ",")
    assert KAZAKH.percentage(part, whole) == text.replace(".", ",").replace(" ", "")


@pytest.mark.parametrize("voice", [ENGLISH, RUSSIAN, KAZAKH])
def test_thousands_are_apart_and_in_one_line(voice: Voice) -> None:
    assert voice.number(999) == "999"
    assert voice.number(1_234_567) == "1\u202f234\u202f567"


def test_moments_of_today_have_seconds_and_others_a_date_that_cannot_be_misread() -> None:
    assert ENGLISH.moment(NOW - 5 * SECOND, NOW) == Moment("5 s", "03:59:55 UTC", "2026-11-24T03:59:55+00:00")
    assert RUSSIAN.moment(NOW - 5 * SECOND, NOW).time == "03:59:55 UTC"
    yesterday = NOW - 26 * HOUR
    assert [voice.moment(yesterday, NOW).time for voice in (ENGLISH, RUSSIAN, KAZAKH)] == [
        "2026-11-23 02:00 UTC",
        "23.11.2026 02:00 UTC",
        "23.11.2026 02:00 UTC",
    ]
    assert len({voice.moment(yesterday, NOW).iso for voice in (ENGLISH, RUSSIAN, KAZAKH)}) == 1


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("успешная", [1, 21, 31, 101, 121, 1001, 1_000_021]),
        ("успешные", [2, 3, 4, 22, 34, 102, 124, 1_000_003]),
        ("успешных", [0, 5, 9, 10, 11, 12, 13, 14, 15, 19, 20, 25, 100, 111, 112, 114, 211, 1011, 1_000_000]),
    ],
)
def test_russian_has_three_forms(form: str, numbers: list[int]) -> None:
    assert {RUSSIAN.say(texts.SUCCEEDED, n=number) for number in numbers} == {form}


def test_english_has_two_forms_and_kazakh_one() -> None:
    said = [ENGLISH.say(texts.IN_TROUBLE, trouble=number, total=31) for number in (1, 2, 21)]
    assert [text.split()[4] for text in said] == ["is", "are", "are"]
    assert {KAZAKH.say(texts.SUCCEEDED, n=number) for number in range(200)} == {"сәтті"}


def test_the_form_follows_the_number_that_the_language_says_it_follows() -> None:
    assert RUSSIAN.say(texts.IN_TROUBLE, trouble=5, total=21) == "Сбой чтения данных 5 из 21 терминала"
    assert RUSSIAN.say(texts.ALL_READ, total=1005) == "Данные всех 1\u202f005 терминалов читаются"


def test_a_value_with_braces_is_only_a_value() -> None:
    assert ENGLISH.say(texts.AGO, age="{n} {0} {") == "{n} {0} { ago"


def test_a_trouble_is_explained_where_its_own_sentence_is_foreign() -> None:
    assert (ENGLISH.trouble("timeout"), RUSSIAN.trouble("unheard-of")) == ("", "")
    assert RUSSIAN.trouble("timeout") == "Банк не ответил вовремя."
    assert KAZAKH.trouble("timeout") == "Банк уақытында жауап бермеді."
