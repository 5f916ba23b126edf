"""Who gets which language of the status page."""

import pytest

from exporter.web.languages import chosen
from exporter.web.texts import Language

EN, RU, KK = Language.ENGLISH, Language.RUSSIAN, Language.KAZAKH


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", EN),
        ("ru", RU),
        ("RU", RU),
        ("ru-KZ", RU),
        ("kk-KZ", KK),
        ("kk-Cyrl-KZ,ru;q=0.8", KK),
        ("kk-KZ,kk;q=0.9,ru;q=0.8,en;q=0.7", KK),
        ("ru;q=0.7, kk;q=0.9, en;q=0.8", KK),
        ("ru , kk", RU),
        ("en-US,en;q=0.9,ru;q=0.8", EN),
        ("de-DE,de;q=0.9,ru;q=0.2", RU),
        ("de, fr", EN),
        ("ru;q=0.5, ru-KZ", RU),
        ("en;q=0.6, ru;q=0.5, ru-KZ;q=0.7", RU),
        ("*", EN),
        ("*, ru;q=0.5", EN),
        ("ru, *;q=0.5", RU),
        ("ru, *", RU),
        ("kk;q=0.3, *;q=0.3", KK),
        ("en;q=0, *", RU),
        ("ru;q=0", EN),
        ("ru;q=0.000, kk;q=0.001", KK),
        ("en;q=0", EN),
        ("*;q=0", EN),
        ("run", EN),
    ],
)
def test_the_browser_gets_what_it_likes_best(accepted: str, language: Language) -> None:
    assert chosen(None, accepted) is language


@pytest.mark.parametrize(
    "broken",
    ["ru;q=2", "ru;q=nan", "ru;q=-1", "ru;q=", "ru;level=1", "ru;q=1e3", "ru_KZ", "р-у", ";q=1", ";;;", "ru kk"],
)
def test_what_is_not_a_language_range_says_nothing(broken: str) -> None:
    assert chosen(None, broken) is EN
    assert chosen(None, f"{broken}, kk;q=0.1") is KK


@pytest.mark.parametrize(
    ("asked", "language"),
    [("en", EN), ("ru", RU), ("kk", KK), ("KK", KK), ("ru-KZ", RU), ("de", KK), ("", KK), ("<script>", KK), (None, KK)],
)
def test_the_address_goes_before_the_browser_where_it_names_one_of_them(asked: str | None, language: Language) -> None:
    assert chosen(asked, "kk") is language
