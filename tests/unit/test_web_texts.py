"""The status page's texts: complete in every language, with nothing left of another one."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.web import texts
from exporter.web.texts import TROUBLES, Text, Three, Two

NAMES = {"JSON", "UTC"}
"""What is written in Latin letters in Russian and Kazakh too."""

CATALOGUE = {name: value for name, value in vars(texts).items() if isinstance(value, Text)}
WEB = Path(texts.__file__).parent
README = (WEB.parent.parent / "README.md").read_text(encoding="utf-8")


def forms(said: str | Two | Three) -> list[str]:
    if isinstance(said, str):
        return [said]
    return [said.one, said.other] if isinstance(said, Two) else [said.one, said.few, said.many]


def placeholders(text: str) -> set[str]:
    fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    assert all(field.isidentifier() for field in fields)
    return set(fields)


def translated() -> Iterator[tuple[str, str, str]]:
    """Name, language and form of all that is not English."""
    for name, text in CATALOGUE.items():
        yield from ((name, "ru", form) for form in forms(text.ru))
        yield name, "kk", text.kk
    for kind, translation in TROUBLES.items():
        yield kind, "ru", translation.ru
        yield kind, "kk", translation.kk


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_text_has_the_same_placeholders_in_all_forms_of_all_languages(name: str) -> None:
    text = CATALOGUE[name]
    said = [*forms(text.en), *forms(text.ru), text.kk]

    assert all(form == form.strip() != "" for form in said)
    assert len({frozenset(placeholders(form)) for form in said}) == 1
    for each in (text.en, text.ru):
        if not isinstance(each, str):
            assert each.by in (placeholders(text.kk) or {"n"})


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_text_ends_the_same_way_in_all_languages(name: str) -> None:
    text = CATALOGUE[name]
    ends = {form[-1] if form[-1] in ".:" else "" for form in (*forms(text.en), *forms(text.ru), text.kk)}

    assert len(ends) == 1


def test_no_latin_letter_is_left_in_russian_and_kazakh_but_in_names() -> None:
    for name, language, form in translated():
        assert set(re.findall(r"[A-Za-z]+", re.sub(r"\{\w+\}", "", form))) <= NAMES, (name, language)


def test_each_language_keeps_to_its_alphabet() -> None:
    """Letters of Kazakh alone in Russian, or such that look alike, would be a slip of the keyboard."""
    russian = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
    alphabets = {"ru": set(russian), "kk": set(russian + "әғқңөұүһі")}
    for name, language, form in translated():
        letters = set(re.sub(r"\{\w+\}|[A-Za-z]+", "", form).lower()) - set(" -,.;:()«»15\N{NO-BREAK SPACE}")
        assert letters <= alphabets[language], (name, language)


def test_every_text_is_said_somewhere() -> None:
    page = (WEB / "templates" / "status.html").read_text(encoding="utf-8")
    code = "\n".join((WEB / name).read_text(encoding="utf-8") for name in ("status.py", "page.py"))
    said = set(re.findall(r"\btext\.([A-Z_]+)", page)) | set(re.findall(r"\btexts\.([A-Z_]+)", code))

    assert said == set(CATALOGUE)


def test_every_kind_of_trouble_that_readme_lists_is_translated() -> None:
    _, found, listed = README.partition("`result` is `success` or what went wrong:")
    kinds = set(re.findall(r"`(\w+)`", listed.partition("\n\n")[0])) - {"partial"}

    assert found
    assert kinds == set(TROUBLES)
