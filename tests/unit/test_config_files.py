"""Each file in tests/data/config is one good configuration or one mistake, with the line, key and text expected."""

import re
from pathlib import Path

import pytest

from exporter.config import ConfigInvalid, Problem, load

FILES = Path(__file__).parent.parent / "data" / "config"
GOOD = sorted(FILES.glob("*.ok.yaml"))
DOUBTFUL = sorted(FILES.glob("*.doubtful.yaml"))
BAD = sorted(FILES.glob("*.bad.yaml"))
ENVIRON = {
    "EPAY_SET": "hush-from-the-environment",
    "EPAY_YAML": "a: [b",
    "EPAY_DIGITS": "00123",
    "EPAY_NUMBER": "50",
    "EPAY_DURATION": "20s",
    "EPAY_EMPTY": "",
}
# What the files and the environment above use for secrets, and for nothing else.
SECRET = re.compile("hush|7373")


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigInvalid) as caught:
        load(path, ENVIRON)
    return caught.value.problems


def expectations(path: Path) -> list[tuple[int, str, str]]:
    found = re.findall(rb"^# expect: (\d+) (.*?): (.*)$", path.read_bytes(), re.MULTILINE)
    return [(int(line), key.decode().strip(), text.decode().strip()) for line, key, text in found]


def test_there_are_files() -> None:
    assert len(GOOD) >= 9
    assert len(BAD) >= 100
    assert len(DOUBTFUL) >= 6


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_is_read(path: Path) -> None:
    config = load(path, ENVIRON)
    assert config.terminals
    assert config.doubts == ()


@pytest.mark.parametrize("path", DOUBTFUL, ids=lambda path: path.name)
def test_what_can_be_used_and_is_hardly_meant_is_said_and_refuses_nothing(path: Path) -> None:
    expected = expectations(path)
    found = load(path, ENVIRON).doubts
    assert [(doubt.line, doubt.key) for doubt in found] == [(line, key) for line, key, _ in expected]
    for doubt, (_, _, text) in zip(found, expected, strict=True):
        assert all(part in str(doubt) for part in text.split("; "))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_mistake_is_reported_at_its_line_and_key_and_nothing_else_is(path: Path) -> None:
    expected = expectations(path)
    found = problems(path)
    # A note of the mistake's own line and key, so that a new file fails with what to write into it.
    assert [(problem.line, problem.key) for problem in found] == [(line, key) for line, key, _ in expected]
    for problem, (_, _, text) in zip(found, expected, strict=True):
        assert text in f"{problem.text}; {problem.hint}"
        assert problem.file == str(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_no_secret_occurs_in_any_error(path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load(path, ENVIRON)
    said = f"{caught.value}\n{caught.value!r}\n{caught.value.problems!r}".replace(str(path), "")
    assert not SECRET.search(said)
    # What Python would print of an error's cause must not say it either.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_all_mistakes_of_a_file_come_at_once() -> None:
    assert len(problems(FILES / "many-at-once.bad.yaml")) == 9
