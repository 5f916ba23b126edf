"""README.ru.md and README.kk.md are README.md's first page: what can be typed in is the same, letter by letter."""

import re
from pathlib import Path

import pytest
import yaml

from tests.docs.test_readme import README, ROOT, all_flags, blocks, commands_shown, sections, ticked

PATHS = [ROOT / "README.ru.md", ROOT / "README.kk.md"]
TRANSLATED = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", text)


@TRANSLATED
def test_commands_are_those_of_readme(path: Path) -> None:
    shown = commands_shown(path.read_text(encoding="utf-8"))

    assert [words for words in commands_shown(README) if words in shown] == shown
    assert {words[0] for words in shown} == {"make", ".venv/bin/epay-exporter", "epay-exporter"}


@TRANSLATED
def test_configurations_are_those_of_readme(path: Path) -> None:
    """Which are loaded by a test of their own."""
    shown = [yaml.safe_load(text) for text in blocks(path.read_text(encoding="utf-8"), "yaml")]

    assert [list(each) for each in shown] == [["accounts", "state"], ["scrape_configs"]]
    assert all(each in [yaml.safe_load(text) for text in blocks(README, "yaml")] for each in shown)


@TRANSLATED
def test_what_stands_in_backticks_stands_in_readme(path: Path) -> None:
    named = set(ticked(path.read_text(encoding="utf-8")))

    assert {"--online", "terminal_id", "config.yaml"} <= named
    assert {text for text in named if text not in README and text.split("=")[0] not in all_flags()} == set()


def test_both_translations_have_the_same_sections_blocks_and_links() -> None:
    shapes = [
        (len(sections(text)), len(blocks(text, "sh")), len(blocks(text, "yaml")), sorted(links(text)[2:]))
        for text in (path.read_text(encoding="utf-8") for path in PATHS)
    ]

    assert shapes[0] == shapes[1]


def test_each_readme_leads_to_the_others_at_its_top() -> None:
    for path in (ROOT / "README.md", *PATHS):
        top = "\n".join(path.read_text(encoding="utf-8").splitlines()[:4])
        others = {"README.md", *(each.name for each in PATHS)} - {path.name}
        assert set(links(top)) == others
