"""What the shortened rules and routes have in common with the shipped ones: all but the durations."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.pages import shortening
from tests.end_to_end.pages.stack import ALERTMANAGER, FACTOR, PROMETHEUS, RULES, loaded
from tests.tools import require

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def leaves(node: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    """Every scalar by its place, so that structure and order are compared too."""
    if isinstance(node, dict):
        return {place: leaf for key, child in node.items() for place, leaf in leaves(child, (*path, key)).items()}
    if isinstance(node, list):
        return {place: leaf for key, child in enumerate(node) for place, leaf in leaves(child, (*path, key)).items()}
    return {path: node}


def numbers(text: str) -> tuple[str, list[str]]:
    """A text without what begins with a digit and is no part of a name, and those parts."""
    pattern = r"(?:(?<=\d[smhdw]:)|(?<![\w:.%]))\d[\w.]*"  # the colon of a subquery, not of a recorded name
    return re.sub(pattern, "#", text), re.findall(pattern, text)


def length(text: str) -> Fraction:
    """A number, or a duration in milliseconds; written down without a look at the transformation."""
    parts = re.findall(r"([\d.]+)(ms|[smhdw])", text)
    return sum((Fraction(count) * UNITS[unit] for count, unit in parts), Fraction()) if parts else Fraction(text)


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """Which numbers have become which; nothing else may differ."""
    text, olds = numbers(before)
    shortened, news = numbers(after)
    assert shortened == text
    return [(old, new) for old, new in zip(olds, news, strict=True) if old != new]


CHANGED_NUMBERS = {"60", "120", "86400", "10800"}
"""Ages in seconds, all that there are in the rules; the last is how far back a dashboard is opened."""
KEPT_NUMBERS = {"0", "1", "2", "3", "4", "30", "1000", "200000"}
"""Counts, factors, and one tolerance of clocks, which nothing makes shorter."""


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_nothing_but_durations_is_changed_in_the_rules(path: Path) -> None:
    shipped = leaves(loaded(path))
    shortened = leaves(shortening.rules(loaded(path), FACTOR))

    assert list(shortened) == list(shipped)
    for place, text in shipped.items():
        if not isinstance(text, str):
            assert shortened[place] == text
            continue
        for old, new in changes(text, shortened[place]):
            assert length(old) == FACTOR * length(new), (place, old, new)
            assert re.search("[a-z]", old) or old in CHANGED_NUMBERS, (place, old)
        if place[-1] in {"alert", "record", "severity", "category", "runbook_url", "summary"}:
            assert shortened[place] == text


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_duration_in_an_expression_is_left_as_long_as_it_was(path: Path) -> None:
    for place, text in leaves(loaded(path)).items():
        if place[-1] in {"for", "keep_firing_for", "interval"}:
            assert changes(text, leaves(shortening.rules(loaded(path), FACTOR))[place])
        if place[-1] == "expr":
            _, olds = numbers(text)
            _, news = numbers(shortening.expression(text, FACTOR))
            kept = {old for old, new in zip(olds, news, strict=True) if old == new}
            assert kept <= KEPT_NUMBERS, place


def test_nothing_but_durations_is_changed_in_the_routes() -> None:
    shipped, shortened = leaves(loaded(ALERTMANAGER)), leaves(shortening.routes(loaded(ALERTMANAGER), FACTOR))
    changed = {place: (text, shortened[place]) for place, text in shipped.items() if shortened[place] != text}

    assert list(shortened) == list(shipped)
    keys = {"resolve_timeout", "group_wait", "group_interval", "repeat_interval"}
    assert {place[-1] for place in changed} == keys
    assert all(length(old) == FACTOR * length(new) for old, new in changed.values())
    assert {text for place, text in shipped.items() if place[-1] in keys and place not in changed} == {"0s"}


def test_nothing_but_intervals_is_changed_in_the_configuration_of_prometheus() -> None:
    shipped, shortened = leaves(loaded(PROMETHEUS)), leaves(shortening.scrapes(loaded(PROMETHEUS), FACTOR))
    changed = {place: (text, shortened[place]) for place, text in shipped.items() if shortened[place] != text}

    assert list(shortened) == list(shipped)
    assert {place[-1] for place in changed} == {"scrape_interval", "evaluation_interval"}
    assert all(length(old) == FACTOR * length(new) for old, new in changed.values())


def test_promtool_accepts_the_shortened_rules(tmp_path: Path) -> None:
    promtool = require("promtool", "prometheus")
    for path in RULES:
        (tmp_path / path.name).write_text(yaml.safe_dump(shortening.rules(loaded(path), FACTOR), sort_keys=False))
    done = subprocess.run(
        [promtool, "check", "rules", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("increase(x_total[15m] offset 30m)", "increase(x_total[30s] offset 1m)"),
        ("count_over_time((up == 0)[1h:1m])", "count_over_time((up == 0)[2m:2s])"),
        ('epay_window_operations{window="15m"} > 15', 'epay_window_operations{window="30s"} > 15'),
        ('x{window=~"15m|1h", code="15"}', 'x{window=~"30s|2m", code="15"}'),
        ("terminal:epay_burn:1h > terminal:epay_burn:5m", "terminal:epay_burn:1h > terminal:epay_burn:5m"),
        ("time() - at < 120 or time() - at < -60", "time() - at < 4 or time() - at < -2"),
        ("rate(x[7d]) * 86400 > 30", "rate(x[5h36m]) * 2880 > 30"),
        ('x{a="5m of fame"} + 1.5', 'x{a="5m of fame"} + 1.5'),
    ],
)
def test_an_expression_is_shortened_by_syntax_alone(text: str, expected: str) -> None:
    assert shortening.expression(text, 30) == expected


def test_a_duration_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(ValueError, match="10s divided by 30 is not a whole number of milliseconds"):
        shortening.duration("10s", 30)
