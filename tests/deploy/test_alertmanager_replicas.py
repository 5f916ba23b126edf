"""Several exporters: what a share without an owner, a shard that is missing and a replica that is down make silent."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.thresholds import CATALOGUE
from tests.deploy.test_alertmanager import CONFIGURATION, PATH, RULES, Board, alert, fired, fits, key
from tests.end_to_end.pages.servers import alertmanager
from tests.processes import eventually
from tests.tools import require

Labels = dict[str, str]

WITHOUT_OWNER = alert("ShareWithoutOwner", "critical", "exporter")
TWO_OWNERS = alert("ShareTwoOwners", "warning", "exporter")
IDLE = alert("ReplicaIdle", "warning", "exporter")
MISMATCH = alert("ShardingMismatch", "warning", "exporter")
MISSING = alert("ShardsMissing", "critical", "exporter")
DOWN = alert("ExporterDown", "critical", "exporter")
REFUSED = alert("ConfigReloadFailed", "warning", "exporter")
STALE = alert("DataStale", "critical", "exporter")
OF_SEVERAL = {each.name for each in (WITHOUT_OWNER, TWO_OWNERS, IDLE, MISMATCH, MISSING)}

HERE: Final = {"job": "epay"}
ANOTHER_JOB: Final = {"job": "epay-of-others"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with alertmanager(PATH, tmp_path_factory.mktemp("alertmanager") / "data") as address:
        yield address


def silent(server: str, *firing: Labels) -> list[Labels]:
    """Those of these alerts that others make silent. A witness comes last: when it is silent, all that was to be is."""
    poll = {"alertname": "EpayPollFailing", "severity": "critical", "category": "exporter", "terminal": "witness"}
    witness = {**poll, "alertname": "EpayDataStale"}
    with Board(server) as board:
        board.fire(*firing)
        board.fire(poll, witness)
        eventually(lambda: key(witness) in board.silent())
        found = board.silent()
        return [labels for labels in firing if key(labels) in found]


def test_replicas_that_have_nothing_to_do_are_silent_while_a_share_of_their_job_has_no_owner(server: str) -> None:
    idle = [IDLE.labels({**HERE, "instance": name}) for name in ("replica-1", "replica-2")]
    others = IDLE.labels({**ANOTHER_JOB, "instance": "replica-1"})
    without = [WITHOUT_OWNER.labels({**HERE, "share": share}) for share in ("main/1", "main/2")]
    assert silent(server, *without, *idle, others) == idle


def test_a_replica_that_is_down_hides_neither_a_share_without_an_owner_nor_what_others_claim(server: str) -> None:
    down = DOWN.labels({**HERE, "instance": "replica-1"})
    shares = [each.labels({**HERE, "share": "main"}) for each in (WITHOUT_OWNER, TWO_OWNERS)]
    assert silent(server, down, *shares) == []


def test_a_share_without_an_owner_hides_no_terminal_that_is_read(server: str) -> None:
    without = WITHOUT_OWNER.labels({**HERE, "share": "main/1"})
    assert silent(server, without, STALE.labels({"terminal": "wallet"})) == []


def test_a_replica_whose_configuration_was_refused_has_nothing_to_do_because_of_that(server: str) -> None:
    first, second = ({**HERE, "instance": f"replica-{number}"} for number in (1, 2))
    mine = IDLE.labels(first)
    assert silent(server, REFUSED.labels(first), mine, IDLE.labels(second)) == [mine]


def test_a_shard_is_missing_because_its_exporter_is_down(server: str) -> None:
    missing = MISSING.labels(HERE)
    down = DOWN.labels({**HERE, "instance": "shard-1"})
    assert silent(server, down, missing, MISSING.labels(ANOTHER_JOB)) == [missing]


def test_that_no_exporter_is_known_at_all_says_nothing_of_the_shards_of_a_job(server: str) -> None:
    assert silent(server, DOWN.labels({}), MISSING.labels(HERE)) == []


def test_different_numbers_of_shards_are_told_once(server: str) -> None:
    mismatch = MISMATCH.labels(HERE)
    assert silent(server, MISSING.labels(HERE), mismatch, MISMATCH.labels(ANOTHER_JOB)) == [mismatch]
    assert silent(server, mismatch) == []  # where every shard is read by somebody, twice or not


def test_every_label_that_must_be_equal_is_on_both_sides_as_the_rules_give_them() -> None:
    seen = [labels for each in fired().values() for labels in each]
    about = [
        rule
        for rule in CONFIGURATION["inhibit_rules"]
        if "alertname" not in rule.get("equal", ())
        and any(fits(labels, rule["target_matchers"]) for labels in seen if labels["alertname"] in OF_SEVERAL)
        and rule["equal"] != ["job", "instance"]
    ]
    assert len(about) == 3
    for rule in about:
        for matchers in (rule["source_matchers"], rule["target_matchers"]):
            found = [labels for labels in seen if fits(labels, matchers)]
            assert found, rule
            assert all(set(rule["equal"]) <= set(labels) for labels in found), rule


# The rules, in the hours around a share that nobody reads: why there is so little to make silent

LOST: Final = 40
FOUND: Final = 60
END: Final = 80
"""Minutes."""


def _going(first: float, step: float) -> str:
    """A series that is withdrawn with its share, and goes on where it would be by then."""
    last = END - FOUND
    return f"{first}+{step}x{LOST - 1} stale _x{FOUND - LOST - 1} {first + step * FOUND}+{step}x{last}"


def _series(terminal: str, values: Any) -> Iterator[dict[str, str]]:
    """All that the rules ask of a terminal that is well."""
    place = {"job": "epay", "instance": "epay", "terminal": terminal}
    success = {"outcome": "success", "status": "ok", "code": "00", "reason_code": "0", "reason_class": "none"}

    def one(name: str, first: float, step: float = 0, /, **more: str) -> dict[str, str]:
        labels = ",".join(f'{label}="{value}"' for label, value in (place | more).items())
        return {"series": f"{name}{{{labels}}}", "values": values(first, step)}

    yield one("epay_poll_success", 1)
    yield one("epay_last_poll_success_timestamp_seconds", 0, 60)
    yield one("epay_window_complete", 1)
    yield one("epay_catching_up", 0)
    yield one("epay_baseline_weeks", 4)
    yield one("epay_counting_since_timestamp_seconds", -9_000_000)
    yield one("epay_terminal_info", 1, account=terminal, terminal_id=terminal)
    yield one("epay_operations_total", 0, 10, **success)
    for window, expected in (("5m", 50.0), ("15m", 150.0), ("1h", 600.0)):
        yield one("epay_window_operations", expected, window=window, **success)
        for bound, share in (("", 1.0), ("_lower", 0.7), ("_upper", 1.3)):
            yield one(f"epay_expected_operations{bound}", expected * share, window=window)
    for each in CATALOGUE.values():
        for setting in each.settings:
            yield one("epay_alert_threshold", setting.default, alert=each.key, severity=setting.name)


def test_a_share_without_an_owner_is_told_once_and_its_terminals_say_nothing(tmp_path: Path) -> None:
    series = [
        *_series("lost", _going),
        *_series("kept", lambda first, step: f"{first}+{step}x{END}"),
        *(
            {"series": f'epay_share_held{{job="epay",instance="{replica}",share="{share}"}}', "values": values}
            for replica, share, values in (
                ("one", "lost", f"1x{LOST - 1} 0x{FOUND - LOST - 1} 1x{END - FOUND}"),
                ("one", "kept", f"0x{END}"),
                ("two", "lost", f"0x{END}"),
                ("two", "kept", f"1x{END}"),
            )
        ),
        *(
            {"series": f'epay_replicas{{job="epay",instance="{each}"}}', "values": f"2x{END}"}
            for each in ("one", "two")
        ),
        *({"series": f'up{{job="epay",instance="{each}"}}', "values": f"1x{END}"} for each in ("one", "two")),
    ]
    firing = 'count by (alertname) (ALERTS{alertstate="firing", alertname!="EpayWatchdog"})'
    without, idle = ('{alertname="EpayShareWithoutOwner"}', '{alertname="EpayReplicaIdle"}')
    expected = {
        **dict.fromkeys(range(LOST - 5, LOST + 2), ()),
        **dict.fromkeys(range(LOST + 2, LOST + 15), (without,)),
        **dict.fromkeys(range(LOST + 15, FOUND), (without, idle)),
        **dict.fromkeys(range(FOUND, FOUND + 5), (without,)),
        **dict.fromkeys(range(FOUND + 5, END), ()),
    }
    samples = [
        {"expr": firing, "eval_time": f"{minute}m", "exp_samples": [{"labels": each, "value": 1} for each in names]}
        for minute, names in expected.items()
    ]
    path = tmp_path / "share.yaml"
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": samples}]
    path.write_text(yaml.safe_dump({"rule_files": list(map(str, RULES)), "evaluation_interval": "1m", "tests": tests}))
    command = [require("promtool", "prometheus"), "test", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
