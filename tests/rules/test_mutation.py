"""A sample of the mutation of the rules; `make mutation` is the whole of it."""

import pytest

from tests.rules.equivalent import EQUIVALENT
from tests.rules.mutants import mutants
from tests.rules.mutation import LEAST, all_mutants, sample, scores, survivors, table, trial
from tests.rules.promql import cuts, metrics, tokens
from tests.tools import require

OF_EACH_FILE = 12


def test_a_sample_of_mutants_is_noticed() -> None:
    require("promtool", "prometheus")

    tried, broken = trial(sample(all_mutants(), OF_EACH_FILE, seed=4))

    assert broken == ()
    assert scores(tried)["all"] >= LEAST, table(tried) + survivors(tried)


def test_what_is_excused_is_a_mutant() -> None:
    keys = [(file, mutant.key) for file, mutant in all_mutants()]
    for each in EQUIVALENT:
        assert [key for file, key in keys if file == each.file and key.startswith(each.key)], each
    assert len(EQUIVALENT) < len(keys) / 50


def rule(expression: str, **more: str) -> dict[str, object]:
    return {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expression, **more}]}]}


@pytest.mark.parametrize(
    ("expression", "changed"),
    [
        ("a > 5", {"a >= 5", "a < 5", "a > 10", "a > 2.5", "a > 6", "a > 4"}),
        ("a == 0", {"a != 0", "a == 1", "a == -1"}),
        ("a[15m]", {"a[300s]", "a[1800s]"}),
        (
            "a[1h:5m] offset 2m",
            {"a[1200s:5m] offset 2m", "a[7200s:5m] offset 2m", "a[1h:5m] offset 60s", "a[1h:5m] offset 240s"},
        ),
        ("a and on (t) b", {"a ", "b"}),
        ("a unless on (t) b", {"a "}),
        ("a or on (t) b", {"a ", "b"}),
        ("f(a and b, c)", {"f(a , c)", "f(b, c)"}),
        ('a{window="5m", x="y"}', {'a{window="15m", x="y"}', 'a{x="y"}', 'a{window="5m"}'}),
        ('a{c=~"x|y"}', {"a{}", 'a{c=~"x"}', 'a{c=~"y"}'}),
        ("a # b > 3", set()),
    ],
)
def test_mutants_of_an_expression(expression: str, changed: set[str]) -> None:
    assert {mutant.changed["expr"] for mutant in mutants(rule(expression))} == changed


def test_mutants_of_times() -> None:
    found = [mutant.changed for mutant in mutants(rule("a", **{"for": "10m", "keep_firing_for": "1m"}))]

    assert [each.get("for") for each in found] == ["300s", "1200s", None, "10m", "10m"]
    assert [each.get("keep_firing_for") for each in found] == ["1m", "1m", "1m", "120s", None]


def test_clauses_are_cut_at_their_own_depth() -> None:
    expression = "(a > 1 and b) or c unless d"

    assert {expression[cut.start : cut.end] for cut in cuts(tokens(expression))} == {
        "and b",
        "a > 1 and ",
        "or c unless d",
        "(a > 1 and b) or ",
        "unless d",
    }


def test_metrics_are_told_from_functions_labels_and_words() -> None:
    expression = (
        'sum by (t) (rate(a{l="v"}[5m])) / on (t) group_left (x) max by (t) (b offset 5m) > bool 0 and terminal:c:d'
    )

    assert metrics(tokens(expression)) == {"a", "b", "terminal:c:d"}


def test_what_is_no_promql_is_said() -> None:
    with pytest.raises(ValueError, match="not PromQL at 4"):
        tokens("a > ;")
