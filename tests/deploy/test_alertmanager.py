"""The example of Alertmanager: who hears of what, what is silent because of what, and how a message reads."""

import functools
import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.deploy.shipped import DEPLOY, ROOT
from tests.end_to_end.pages.servers import alertmanager, asked, posted
from tests.processes import eventually
from tests.tools import require

PATH = DEPLOY / "alertmanager" / "alertmanager.yml"
TEMPLATES = PATH.parent / "templates"
CONFIGURATION: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
RULES = sorted((ROOT / "grafana" / "alerts").glob("*.yaml"))

RECEIVERS = {
    ("critical", "availability"): "pager",
    ("critical", "volume"): "pager",
    ("critical", "amount"): "pager",
    ("critical", "integrity"): "pager",
    ("critical", "exporter"): "pager",
    ("warning", "availability"): "chat",
    ("warning", "volume"): "chat",
    ("warning", "amount"): "chat",
    ("warning", "integrity"): "tickets",
    ("warning", "exporter"): "tickets",
    ("info", "availability"): "nobody",
    ("info", "volume"): "nobody",
    ("info", "amount"): "nobody",
    ("info", "integrity"): "nobody",
    ("info", "exporter"): "nobody",
}


def alerts() -> Iterator[dict[str, str]]:
    """The labels that each shipped alert is told apart by for its way."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    yield {"alertname": rule["alert"], **rule.get("labels", {})}


def amtool(*arguments: str) -> str:
    command = [require("amtool", "prometheus-alertmanager"), "--no-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def way(labels: dict[str, str]) -> str:
    """The receiver of an alert with these labels."""
    shown = [f"{name}={value}" for name, value in labels.items()]
    return amtool("config", "routes", "test", f"--config.file={PATH}", *shown).strip()


def test_amtool_accepts_it() -> None:
    output = amtool("check-config", str(PATH))
    assert " - 5 receivers" in output
    assert " - 1 templates" in output


@pytest.mark.parametrize(("severity", "category"), RECEIVERS)
def test_severity_and_category_lead_to_a_receiver(severity: str, category: str) -> None:
    labels = {"alertname": "EpayAny", "severity": severity, "category": category, "terminal": "wallet"}
    assert way(labels) == RECEIVERS[severity, category]


def test_every_shipped_alert_reaches_the_receiver_of_its_severity_and_category() -> None:
    shipped = list(alerts())
    ways = {tuple(labels.values()): way(labels) for labels in shipped if labels["alertname"] != "EpayWatchdog"}
    assert ways == {
        tuple(labels.values()): RECEIVERS[labels["severity"], labels["category"]]
        for labels in shipped
        if labels["alertname"] != "EpayWatchdog"
    }


def test_the_watchdog_goes_to_a_dead_mans_switch_often_and_alone() -> None:
    assert way({"alertname": "EpayWatchdog", "category": "exporter"}) == "dead-mans-switch"
    route = CONFIGURATION["route"]["routes"][0]
    assert route["matchers"] == ['alertname="EpayWatchdog"']
    assert (route["group_by"], route["group_wait"], route["repeat_interval"]) == (["alertname"], "0s", "1m")


def test_an_alert_that_no_branch_knows_is_still_read_by_somebody() -> None:
    assert way({"alertname": "Somebodys"}) == "chat"


@pytest.mark.parametrize(("matcher", "wait"), [('category="volume"', "3m"), ('alertname="EpayTerminalSilent"', "5m")])
def test_pages_on_volume_and_silence_wait_for_their_cause(matcher: str, wait: str) -> None:
    (route,) = (each for each in CONFIGURATION["route"]["routes"] if matcher in each["matchers"])
    assert (route["receiver"], route["group_wait"]) == ("pager", wait)


def test_alerts_are_grouped_by_category_and_terminal() -> None:
    assert CONFIGURATION["route"]["group_by"] == ["category", "terminal"]
    assert all("group_by" not in route for route in CONFIGURATION["route"]["routes"][1:])


def test_no_secret_stands_in_it_where_this_version_takes_a_file() -> None:
    text = PATH.read_text(encoding="utf-8")
    assert CONFIGURATION["global"]["smtp_auth_password_file"]
    assert set(re.findall(r"^\W*(\w*(?:password|_key|token|secret|credentials))\b:", text, re.MULTILINE)) == {
        "bot_token"  # 0.25 knows no file for it; the file names the key that 0.26 does
    }
    assert "bot_token_file" in text
    assert "url_file" in text


# Inhibition: the labels that it needs are those that the rules give

BY_TERMINAL_INSTEAD = {"EpayDataStale", "EpayDataIncomplete"}
"""Not of an account by their labels: a failing login makes them silent by way of their terminals' failing polls."""


def fired() -> dict[str, list[dict[str, str]]]:
    """Alert → all the sets of labels with which the rules' own tests see it fire."""
    found: dict[str, list[dict[str, str]]] = {}
    for path in sorted((ROOT / "grafana" / "alerts" / "tests").glob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for expectation in (each for test in document["tests"] for each in test.get("alert_rule_test", ())):
            name = {"alertname": expectation["alertname"]}
            for each in expectation.get("exp_alerts") or ():
                found.setdefault(expectation["alertname"], []).append({**each["exp_labels"], **name})
    return found


def fits(labels: dict[str, str], matchers: list[str]) -> bool:
    """Whether an alert is taken by matchers, by Alertmanager's rules."""
    for matcher in matchers:
        name, operator, pattern = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]
        value = labels.get(name, "")
        taken = re.fullmatch(pattern, value) is not None if "~" in operator else value == pattern
        if taken == operator.startswith("!"):
            return False
    return True


def test_every_label_that_must_be_equal_is_on_both_sides() -> None:
    seen = [labels for each in fired().values() for labels in each]
    for rule in CONFIGURATION["inhibit_rules"]:
        sources = [labels for labels in seen if fits(labels, rule["source_matchers"])]
        targets = [labels for labels in seen if fits(labels, rule["target_matchers"])]
        assert sources, rule
        assert targets, rule
        equal = set(rule.get("equal", ()))
        for label in {"terminal", "account"} & equal if "alertname" not in equal else ():
            assert all(label in labels for labels in sources), rule
            lacking = {labels["alertname"] for labels in targets if label not in labels}
            allowed = BY_TERMINAL_INSTEAD | {"EpayPollFailing"} if label == "account" else set()
            assert lacking <= allowed, rule
            assert lacking < {labels["alertname"] for labels in targets}


def test_all_that_tells_an_alerts_series_apart_is_equal_between_its_severities() -> None:
    (equal,) = {tuple(rule["equal"]) for rule in CONFIGURATION["inhibit_rules"] if "alertname" in rule.get("equal", ())}
    apart = {name for each in fired().values() for labels in each for name in labels}
    # The window of a budget is no thing of its own: that it burns fast is worse than that it burns slowly.
    assert set(equal) == apart - {"severity", "category", "window"}


def test_no_warning_makes_a_page_silent() -> None:
    for rule in CONFIGURATION["inhibit_rules"]:
        pages = {"alertname": "EpayAny", "severity": "critical"}
        source = [each for each in rule["source_matchers"] if each.startswith("severity")]
        target = [each for each in rule["target_matchers"] if each.startswith("severity")]
        assert source == ['severity="critical"'] or not fits(pages, target), rule


# Inhibition, tried at a real Alertmanager


class Alert(NamedTuple):
    """What an alert is told apart by, but for its terminal and account."""

    name: str
    severity: str
    category: str
    more: tuple[tuple[str, str], ...] = ()

    def shown(self) -> str:
        return "-".join((self.name, self.severity, *(value for _, value in self.more)))

    def labels(self, place: dict[str, str]) -> dict[str, str]:
        own = {"alertname": self.name, "severity": self.severity, "category": self.category}
        return {**own, **dict(self.more), **place}


def alert(name: str, severity: str, category: str, **more: str) -> Alert:
    return Alert(f"Epay{name}", severity, category, tuple(more.items()))


ALL_FAILING = alert("AllFailing", "critical", "availability")
AMOUNT_DROP = alert("SuccessAmountDrop", "warning", "amount")
ANOMALOUS = alert("FailureRatioAnomalous", "warning", "availability")
BACKLOG = alert("PendingBacklog", "warning", "integrity")
BURN = alert("ErrorBudgetBurn", "critical", "availability", window="1h")
BURN_SLOW = alert("ErrorBudgetBurn", "critical", "availability", window="6h")
BURN_WARNING = alert("ErrorBudgetBurn", "warning", "availability", window="1d")
BURN_WARNING_SLOW = alert("ErrorBudgetBurn", "warning", "availability", window="3d")
DROP = alert("VolumeDrop", "critical", "volume")
DROP_ALL = alert("VolumeDropAll", "critical", "volume")
DROP_WARNING = alert("VolumeDrop", "warning", "volume")
INCOMPLETE = alert("DataIncomplete", "warning", "exporter")
ISSUER = alert("IssuerOutage", "critical", "availability", value="Tulpar Bank")
LOGIN = alert("LoginFailing", "critical", "exporter")
NEW_CODE = alert("NewResultCode", "warning", "availability", code="error", reason_code="711", reason_class="unknown")
NEW_CODE_INFO = NEW_CODE._replace(severity="info")
POLL = alert("PollFailing", "critical", "exporter")
POLL_WARNING = alert("PollFailing", "warning", "exporter")
RATIO = alert("FailureRatioHigh", "critical", "availability")
RATIO_WARNING = alert("FailureRatioHigh", "warning", "availability")
SILENT = alert("TerminalSilent", "critical", "volume")
SILENT_LONG = alert("TerminalSilentLong", "warning", "volume")
STALE = alert("DataStale", "critical", "exporter")
STUCK = alert("StuckPending", "critical", "integrity")
STUCK_WARNING = alert("StuckPending", "warning", "integrity")
SURGE = alert("ResultCodeSurge", "critical", "availability", code="96", reason_code="496", reason_class="technical")
SURGE_WARNING = SURGE._replace(severity="warning")
SURGE_OF_OURS = alert(
    "ResultCodeSurge", "critical", "availability", code="03", reason_code="464", reason_class="configuration"
)
OTHER_SURGE = alert("ResultCodeSurge", "warning", "availability", code="51", reason_code="484", reason_class="funds")

BUSINESS = (
    *(ALL_FAILING, RATIO, RATIO_WARNING, ANOMALOUS, BURN, ISSUER, NEW_CODE, NEW_CODE_INFO, SURGE),
    *(DROP, SILENT, SILENT_LONG, AMOUNT_DROP, STUCK, BACKLOG),
)

OF_A_TERMINAL: dict[Alert, tuple[Alert, ...]] = {
    POLL: (*BUSINESS, STALE, INCOMPLETE, POLL_WARNING),
    POLL_WARNING: (INCOMPLETE,),
    STALE: (*BUSINESS, INCOMPLETE),
    SILENT: (SILENT_LONG, DROP, DROP_WARNING, AMOUNT_DROP),
    DROP: (DROP_WARNING, AMOUNT_DROP),
    DROP_WARNING: (AMOUNT_DROP,),
    ALL_FAILING: (RATIO, RATIO_WARNING, ANOMALOUS, BURN, BURN_WARNING, SURGE, SURGE_WARNING, NEW_CODE, AMOUNT_DROP),
    ISSUER: (RATIO, RATIO_WARNING, ANOMALOUS, SURGE, SURGE_WARNING, NEW_CODE, AMOUNT_DROP),
    RATIO: (RATIO_WARNING, ANOMALOUS, BURN, BURN_WARNING, SURGE, SURGE_WARNING, NEW_CODE, AMOUNT_DROP),
    RATIO_WARNING: (ANOMALOUS, BURN_WARNING, SURGE_WARNING, AMOUNT_DROP),
    BURN: (BURN_SLOW, BURN_WARNING, BURN_WARNING_SLOW, ANOMALOUS, SURGE_WARNING),
    BURN_SLOW: (BURN_WARNING, ANOMALOUS, SURGE_WARNING),
    BURN_WARNING: (BURN_WARNING_SLOW,),
    SURGE: (SURGE_WARNING, ANOMALOUS),
    SURGE_WARNING: (ANOMALOUS,),
    STUCK: (STUCK_WARNING, BACKLOG, AMOUNT_DROP),
    STUCK_WARNING: (BACKLOG,),
    NEW_CODE: (NEW_CODE_INFO,),
}
"""What makes what silent at its own terminal, and nowhere else."""

SPEAKS_UP: tuple[tuple[Alert, Alert], ...] = (
    (POLL_WARNING, STALE),
    (POLL_WARNING, DROP),
    (RATIO_WARNING, SURGE),
    (RATIO_WARNING, BURN),
    (RATIO, DROP),
    (RATIO, ALL_FAILING),
    (RATIO, ISSUER),
    (RATIO, STUCK),
    (ALL_FAILING, DROP),
    (ALL_FAILING, SILENT),
    (BURN, SURGE),
    (BURN_SLOW, BURN),
    (BURN_WARNING, BURN_SLOW),
    (BURN, RATIO),
    (DROP, SILENT),
    (DROP, DROP_ALL),
    (DROP_WARNING, SILENT),
    (SILENT, DROP_ALL),
    (SILENT, STUCK),
    (ISSUER, SURGE_OF_OURS),
    (ISSUER, BURN),
    (SURGE, RATIO),
    (SURGE, OTHER_SURGE),
    (STUCK, DROP),
    (STUCK_WARNING, AMOUNT_DROP),
    (INCOMPLETE, DROP),
    (NEW_CODE, SURGE),
)
"""What is not made silent at the same terminal: a page never by a warning, and never by another cause."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with alertmanager(PATH, tmp_path_factory.mktemp("alertmanager") / "data") as address:
        yield address


LONG_AGO = "2020-01-01T00:00:00Z"


class Board:
    """Alerts at a real Alertmanager, resolved when the test is over."""

    def __init__(self, address: str) -> None:
        self.url = f"{address}/api/v2/alerts"
        self._sent: list[dict[str, str]] = []

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_: object) -> None:
        posted(self.url, [{"labels": labels, "endsAt": LONG_AGO} for labels in self._sent])
        eventually(lambda: asked(self.url) == [])

    def fire(self, *labels: dict[str, str]) -> None:
        posted(self.url, [{"labels": each} for each in labels])
        self._sent += labels

    def silent(self) -> set[frozenset[tuple[str, str]]]:
        """The labels of those that another one makes silent, once all have arrived."""
        shown = eventually(self._all)
        return {frozenset(each["labels"].items()) for each in shown if each["status"]["inhibitedBy"]}

    def _all(self) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = asked(self.url)
        return shown if len(shown) == len(self._sent) else []


def only(board: Board, labels: dict[str, str]) -> bool:
    """Whether the alert with these labels is silent, and no other."""
    return board.silent() == {key(labels)}


def key(labels: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


@pytest.mark.parametrize("source", OF_A_TERMINAL, ids=Alert.shown)
def test_a_cause_makes_silent_what_follows_from_it_at_its_terminal_only(server: str, source: Alert) -> None:
    targets = OF_A_TERMINAL[source]
    here, there = {"terminal": "wallet"}, {"terminal": "kiosk"}
    for target in targets:
        with Board(server) as board:
            board.fire(source.labels(here), target.labels(here), target.labels(there))

            eventually(functools.partial(only, board, target.labels(here)))


@pytest.mark.parametrize(
    ("source", "target"), SPEAKS_UP, ids=lambda each: f"{each.name}-{each.severity}" if isinstance(each, Alert) else ""
)
def test_another_cause_and_a_page_below_a_warning_are_not_made_silent(
    server: str, source: Alert, target: Alert
) -> None:
    here = {"terminal": "wallet"}
    witness = {"alertname": "EpayPollFailing", "severity": "critical", "category": "exporter", "terminal": "witness"}
    silenced = {**witness, "alertname": "EpayDataStale"}
    with Board(server) as board:
        place = {} if target is DROP_ALL else here
        board.fire(source.labels(here), target.labels(place))
        board.fire(witness, silenced)

        # What came last is silent already: so is all that was to be, of what came before.
        eventually(lambda: key(silenced) in board.silent())
        assert board.silent() - {key(source.labels(here))} == {key(silenced)}


def test_a_drop_everywhere_makes_the_single_terminals_silent(server: str) -> None:
    places = [{"terminal": name} for name in ("wallet", "kiosk")]
    children = [
        child.labels(place)
        for child, place in itertools.product((SILENT, SILENT_LONG, DROP, DROP_WARNING, AMOUNT_DROP), places)
    ]
    others = [other.labels(places[0]) for other in (ALL_FAILING, STUCK, POLL)]
    with Board(server) as board:
        board.fire(DROP_ALL.labels({}), *children)
        eventually(lambda: board.silent() == {key(child) for child in children})
    with Board(server) as board:
        board.fire(DROP_ALL.labels({}), DROP.labels(places[1]), *others[:2])
        eventually(lambda: board.silent() == {key(DROP.labels(places[1]))})


def test_a_login_that_fails_makes_its_own_accounts_polls_and_data_silent(server: str) -> None:
    children = (POLL, POLL_WARNING, STALE, INCOMPLETE, alert("TokenExpiring", "warning", "exporter"))
    mine = [child.labels({"account": "main", "terminal": "wallet"}) for child in children]
    anothers = [child.labels({"account": "second", "terminal": "kiosk"}) for child in children[:1]]
    nobodys = [STALE.labels({"terminal": "nowhere"})]
    with Board(server) as board:
        board.fire(LOGIN.labels({"account": "main"}), *mine, *anothers, *nobodys)
        eventually(lambda: board.silent() == {key(each) for each in mine})


def test_an_exporter_that_is_down_makes_all_of_its_own_silent_but_not_the_watchdog(server: str) -> None:
    down = alert("ExporterDown", "critical", "exporter")
    one, another = ({"job": "epay", "instance": f"{name}:10084"} for name in ("one", "another"))
    mine = [each.labels({**one, "terminal": "wallet"}) for each in (*BUSINESS, STALE, POLL)]
    login, watchdog = LOGIN.labels({**one, "account": "main"}), {"alertname": "EpayWatchdog", **one}
    others = [STALE.labels({**another, "terminal": "kiosk"}), DROP.labels({"terminal": "payouts"})]
    strange = {"alertname": "SomebodyElses", "severity": "critical", **one}
    with Board(server) as board:
        board.fire(down.labels(one), *others, strange, watchdog, login, STALE.labels({**one, "terminal": "wallet"}))
        eventually(lambda: board.silent() == {key(login), key(STALE.labels({**one, "terminal": "wallet"}))})
    with Board(server) as board:
        board.fire(down.labels(one), *mine)
        eventually(lambda: board.silent() == {key(each) for each in mine})


def test_without_any_exporter_in_prometheus_what_is_left_of_its_terminals_is_silent(server: str) -> None:
    down = alert("ExporterDown", "critical", "exporter").labels({})
    with Board(server) as board:
        board.fire(down, {"alertname": "EpayWatchdog"}, DROP.labels({"terminal": "wallet"}))
        eventually(lambda: board.silent() == {key(DROP.labels({"terminal": "wallet"}))})


def test_a_higher_severity_makes_the_lower_of_the_same_code_silent_and_no_other_code(server: str) -> None:
    here = {"terminal": "wallet"}
    with Board(server) as board:
        board.fire(SURGE.labels(here), SURGE_WARNING.labels(here), OTHER_SURGE.labels(here))
        eventually(lambda: board.silent() == {key(SURGE_WARNING.labels(here))})


# Messages

ANNOTATIONS = {
    "summary": "Terminal wallet: 53% of the expected operations are missing",
    "description": "In the last 15m terminal wallet had 47 operations, expected are 100.0 & at least 60.0.",
    "impact": "Turnover is lost for as long as it lasts.",
    "runbook_url": "https://example.com/runbooks.md#epayvolumedrop",
    "dashboard_url": "http://localhost:3000/d/epay-terminal?var-terminal=wallet&from=1&to=2",
}


def message(template: str, directory: Path, status: str, *names: str) -> str:
    """What a receiver is sent of these alerts of one terminal."""
    labels = {"severity": "critical", "category": "volume", "terminal": "wallet"}
    alerts = [
        {
            "status": status,
            "labels": {"alertname": name, **labels},
            "annotations": ANNOTATIONS,
            "startsAt": "2026-11-24T04:00:00Z",
            "endsAt": "2026-11-24T04:30:00Z",
        }
        for name in names
    ]
    common = {"status": status, "alerts": alerts, "groupLabels": {"category": "volume", "terminal": "wallet"}}
    data = directory / "data.json"
    data.write_text(json.dumps({**common, "commonLabels": labels, "commonAnnotations": ANNOTATIONS}))
    kind = "html" if template in {"epay.telegram", "epay.html"} else "text"
    glob, text = f"--template.glob={TEMPLATES}/*.tmpl", f'--template.text={{{{ template "{template}" . }}}}'
    return amtool("template", "render", glob, text, f"--template.type={kind}", f"--template.data={data}")


@pytest.mark.parametrize("template", ["epay.text", "epay.telegram", "epay.html"])
def test_a_message_says_what_is_wrong_how_bad_it_is_and_where_to_look(tmp_path: Path, template: str) -> None:
    text = message(template, tmp_path, "firing", "EpayVolumeDrop")
    escaped = template != "epay.text"
    for name, annotation in ANNOTATIONS.items():
        assert (annotation.replace("&", "&amp;") if escaped else annotation) in text, name
    assert "critical" in text.lower()


def test_the_title_is_the_summary_of_one_alert_and_the_number_of_several(tmp_path: Path) -> None:
    one = message("epay.title", tmp_path, "firing", "EpayVolumeDrop").strip()
    two = message("epay.title", tmp_path, "firing", "EpayVolumeDrop", "EpayTerminalSilent").strip()
    over = message("epay.title", tmp_path, "resolved", "EpayVolumeDrop").strip()
    assert one == f"CRITICAL: {ANNOTATIONS['summary']}"
    assert two == "CRITICAL: 2 alerts of volume at wallet"
    assert over == f"RESOLVED: {ANNOTATIONS['summary']}"


def test_a_resolution_says_until_when(tmp_path: Path) -> None:
    text = message("epay.text", tmp_path, "resolved", "EpayVolumeDrop")
    assert "Since 2026-11-24 04:00:00 UTC, until 2026-11-24 04:30:00 UTC" in text


def test_every_receiver_with_words_uses_the_templates() -> None:
    defined = set(re.findall(r'define "([^"]+)"', (TEMPLATES / "epay.tmpl").read_text(encoding="utf-8")))
    used = set(re.findall(r'template "([^"]+)"', PATH.read_text(encoding="utf-8")))
    assert used == defined
