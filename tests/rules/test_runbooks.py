"""What the runbooks tell somebody to paste is PromQL, and what they tell to tune exists."""

import re
from pathlib import Path

import yaml

from exporter.thresholds import CATALOGUE
from tests.rules.shipped import RUNBOOKS
from tests.rules.test_promtool import promtool

TEXT = RUNBOOKS.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (Epay\w+)\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))


def queries() -> list[str]:
    """Every query of the runbooks: one a line, unless a line goes on with an operator."""
    blocks = re.findall(r"^```promql\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    return [query for block in blocks for query in re.sub(r"\n(?=[/*+-] )", " ", block).splitlines()]


def test_queries_are_understood(tmp_path: Path) -> None:
    rules = [{"record": "query", "expr": query, "labels": {"number": str(n)}} for n, query in enumerate(queries())]
    assert len(rules) > len(SECTIONS)
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    assert promtool("check", "rules", "queries.yaml", directory=tmp_path) == ""


def test_every_alert_with_a_key_says_how_it_is_tuned() -> None:
    for alert in CATALOGUE.values():
        tuning = SECTIONS[alert.name].partition("**False alarm.**")[2]
        assert f"`{alert.key}`" in tuning, alert.name
        named = set(re.findall(r"`([a-z_]+)`", tuning))
        settings = {setting.name for setting in alert.settings}
        assert settings <= named or "`off`" in tuning, alert.name


def test_every_alert_that_the_overview_names_exists() -> None:
    overview = TEXT.partition("\n## Epay")[0]
    named = set(re.findall(r"\bEpay[A-Z]\w+", overview))

    assert named <= set(SECTIONS)
