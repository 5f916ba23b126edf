"""Every expression of every dashboard, put to a real Prometheus that scrapes the exporter at the simulated bank.

The shipped rules are loaded without their patience (`for`), so that alerts fire within the test. What a young
Prometheus at a bank in this trouble has no data for is listed with the reason; everything else must have some.
"""

import contextlib
import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.thresholds import CATALOGUE
from grafana.source.levels import LEVELS
from tests.dashboards.past import write_week
from tests.dashboards.shipped import BUILT_IN, ROOT, Asked, expressions, substituted
from tests.end_to_end.pages.servers import prometheus
from tests.processes import configuration, eventually, free_port, get, started

NUMBERS: Final = ("98151552", "98230417")
TERMINALS: Final = ("t1552", "t0417")
MORE: Final = """\
breakdowns: [sender_issuer]
baseline: {history_requests_per_second: 50}
"""
FIRES: Final = "duplicate_transfers"
"""An alert that such a bank leads to within a minute."""
BANK: Final = (
    "--scenario=technical-failures",
    "--variant=scenario-delay=0",
    "--variant=local-hour=15",
    "--variant=duplicate-share=0.05",
    "--variant=reversal-share=0.05",
    "--variant=traffic=3",
)

NEITHER: Final = "the simulated bank has no failures of this class"
MONTHS: Final = "Prometheus has not run for weeks"
SLOW: Final = "what the bank has confirmed it takes back after minutes only"
HISTORY: Final = "needs three whole weeks of history, which may take minutes to read"
BASELINE: Final = "every terminal has a baseline already, so nothing is left without one"
MAY_BE_EMPTY: Final[Mapping[tuple[str, str], str]] = {
    ("Failures by whose they are, 15m", "C"): NEITHER,
    ("Failures by whose they are, 15m", "E"): NEITHER,
    **{("Operations, 15m: now against past weeks", f"W{week}"): MONTHS for week in (1, 2, 3, 4)},
    **{
        (title, "E"): BASELINE
        for title in (
            "Operations, 1h",
            "Tenge, 1h",
            "Operations, 15m: now against past weeks",
            "Operations, 1h: against expected",
            "Tenge, 1h: against expected",
            "Tenge per hour, against expected",
            "Operations, 15m: now, expected, bounds",
            "Operations, 1h: now, expected, bounds",
            "Tenge, 1h: now, expected, bounds",
        )
    },
    ("Rejected records, 24h", "A"): "the simulated bank sends nothing that cannot be read",
    ("Reconciliation, amounts that differ", "A"): "nothing differs",
    ("Reversals of successes, 1h", "A"): SLOW,
    ("Statuses that changed after they were final, 24h", "A"): SLOW,
    ("Level and thresholds", "reversal_surge"): SLOW,
    ("Level and thresholds", "terminal_silent_long_warning"): HISTORY,
    ("Level and thresholds", "terminal_silent_long_usual"): HISTORY,
    ("annotation", "Alerts, info"): "only codes that no table names lead to it",
    ("annotation", "Starts of the exporter"): "it is one sample, of the first minute",
    ("Level and thresholds", "average_amount_shift"): "compares with four weeks, of which the last hour is left out",
}


@pytest.fixture(scope="module")
def asked_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus with the shipped rules, at an exporter with a baseline, at a bank in trouble."""
    directory = tmp_path_factory.mktemp("live")
    bank, web = free_port(), free_port()
    with contextlib.ExitStack() as held:
        held.enter_context(started(directory / "bank.log", "simulate", f"--listen=127.0.0.1:{bank}", *BANK))
        write_week(directory / "prometheus", TERMINALS, f"127.0.0.1:{web}")
        eventually(lambda: "bank simulator" in (directory / "bank.log").read_text())
        file = configuration(directory, bank, NUMBERS, poll="interval: 2s, requests_per_second: 100", more=MORE)
        run = ("run", f"--config.file={file}", f"--web.listen-address=127.0.0.1:{web}")
        held.enter_context(started(directory / "exporter.log", *run))
        eventually(lambda: get(f"http://127.0.0.1:{web}/-/ready")[0] == 200, 60)
        yield held.enter_context(prometheus(_scrapes(directory, web), directory / "prometheus"))


def test_every_expression_has_data_or_a_reason_to_have_none(asked_of: str) -> None:
    left = expressions()

    def unexplained() -> list[Asked]:
        """Those that have never had data; asks again for all but those that have."""
        left[:] = [asked for asked in left if not _answered(asked_of, substituted(asked.expression, _values(asked)))]
        return [asked for asked in left if (asked.panel, asked.ref) not in MAY_BE_EMPTY]

    with contextlib.suppress(AssertionError):  # says less than what follows
        eventually(lambda: not unexplained(), 75)
    if missing := unexplained():
        pytest.fail("no data:\n" + "\n".join(f"{asked}: {asked.expression}" for asked in missing), pytrace=False)


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_alert_is_explained_by_its_own_numbers_only(asked_of: str, key: str) -> None:
    panels = {"Level and thresholds", "Conditions", "Conditions in numbers"}
    shown = {
        (asked.panel, asked.ref)
        for asked in expressions()
        if asked.board == "epay-why" and asked.panel in panels
        if _answered(asked_of, substituted(asked.expression, BUILT_IN | {"alert": key, "terminal": TERMINALS[0]}))
    }
    assert ("Conditions in numbers", "B") in shown
    own = {"A", "B", "levels", key, *(f"{key}_{setting}" for setting in (*CATALOGUE[key].defaults, "usual", "also"))}
    assert {ref for _, ref in shown} <= own


def test_no_reason_is_given_for_an_expression_that_there_is_not() -> None:
    assert {(asked.panel, asked.ref) for asked in expressions()} >= set(MAY_BE_EMPTY)


def _values(asked: Asked) -> Mapping[str, str]:
    """The variables: all terminals, or the one and the alert that an expression explains."""
    if asked.board != "epay-why":
        return BUILT_IN
    mine = [level.key for level in LEVELS if asked.ref == level.key or asked.ref.startswith(f"{level.key}_")]
    alert = max(mine, key=len) if mine else FIRES
    return {**BUILT_IN, "terminal": TERMINALS[0], "alert": alert}


def _answered(url: str, expression: str) -> bool:
    """Whether there is a number. Fails where Prometheus refuses."""
    body = urllib.parse.urlencode({"query": expression}).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query", body, timeout=20) as answer:
            result: Any = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{expression}: {error.read().decode()}") from error
    return any(isinstance(each, dict) and not math.isnan(float(each["value"][1])) for each in result) or (
        len(result) == 2 and isinstance(result[1], str)
    )


def _scrapes(directory: Path, web: int) -> Path:
    """A configuration with a scrape and an evaluation every two seconds, and alerts without patience."""
    for path in (ROOT / "grafana" / "alerts").glob("*.yaml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in document["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                rule.pop("for", None)
                rule.pop("keep_firing_for", None)
        (directory / f"rules-{path.name}").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    written = directory / "prometheus.yml"
    job = {"job_name": "epay", "static_configs": [{"targets": [f"127.0.0.1:{web}"]}]}
    every = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"}
    content = {"global": every, "rule_files": [f"{directory}/rules-*.yaml"], "scrape_configs": [job]}
    written.write_text(yaml.safe_dump(content), encoding="utf-8")
    return written
