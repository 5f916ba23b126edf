"""From files to a Config: defaults, presets, variables, and files that cannot be read at all."""

import os
from contextlib import suppress
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import (
    Alerts,
    Baseline,
    Config,
    ConfigInvalid,
    Limits,
    Paging,
    Poll,
    Problem,
    TerminalFilter,
    TokenBody,
    load,
)
from exporter.config.document import DocumentBroken, parse
from exporter.config.keys import KEYS
from exporter.model import DAY, HOUR, MINUTE, SECOND, CalendarEntry, Outcome, Terminal

FILES = Path(__file__).parent.parent / "data" / "config"
ENVIRON = {
    "EPAY_SET": "from the environment",
    "EPAY_YAML": "a: [b",
    "EPAY_DIGITS": "00123",
    "EPAY_NUMBER": "50",
    "EPAY_DURATION": "20s",
}
LOGIN = "username: u, password: p, client_id: c, client_secret: s"
ONE = f'accounts: [{{{LOGIN}, terminals: [{{id: "98151552", name: wallet}}]}}]\n'


def good(name: str) -> Config:
    return load(FILES / f"{name}.ok.yaml", ENVIRON)


def written(directory: Path, text: str) -> Path:
    path = directory / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigInvalid) as caught:
        load(path, {})
    return caught.value.problems


def test_a_minimal_file_gets_every_default() -> None:
    config = good("minimal")
    (account,) = config.accounts
    assert account.terminals == (Terminal("98151552", "98151552", "98151552", "main"),)
    assert (account.name, account.scope, account.period_field) == ("main", "transfer", "created_at")
    assert account.token_url == "https://testoauth.homebank.kz/epay2/oauth2/token"
    assert account.operations_url == "https://testepay.homebank.kz/api/p2p/operations"
    assert (account.token_body, account.terminal_filter, account.paging) == (
        TokenBody.FORM_DATA,
        TerminalFilter.SERVER,
        Paging.OFFSET,
    )
    assert (account.username.read(), account.client_secret.read()) == ("hush-user", "hush-secret")
    assert (config.poll, config.limits, config.baseline, config.alerts) == (Poll(), Limits(), Baseline(), Alerts())
    assert config.windows == (5 * MINUTE, 15 * MINUTE, HOUR)
    assert (config.breakdowns, config.calendar) == ((), ())
    assert config.state_url == "sqlite:///./epay-exporter.db"


def test_blank_sections_are_as_good_as_absent() -> None:
    blank, minimal = good("blank-sections"), good("minimal")
    assert (blank.poll, blank.windows, blank.limits) == (minimal.poll, minimal.windows, minimal.limits)
    assert (blank.calendar, blank.alerts, blank.outcomes) == (minimal.calendar, minimal.alerts, minimal.outcomes)


def test_an_address_replaces_its_preset() -> None:
    (account,) = good("production").accounts
    assert account.token_url == "http://[::1]:8080/oauth2/token"
    assert account.operations_url == "https://epay.homebank.kz/api/p2p/operations"
    assert account.terminals[0].name == "Кошелёк"


def test_two_addresses_need_no_environment(tmp_path: Path) -> None:
    urls = "token_url: http://127.0.0.1:8900/oauth2/token, operations_url: http://127.0.0.1:8900/api/p2p/operations"
    path = written(tmp_path, f'accounts: [{{{LOGIN}, {urls}, terminals: [{{id: "1"}}]}}]')
    assert load(path, {}).accounts[0].token_url == "http://127.0.0.1:8900/oauth2/token"


def test_variables_are_filled_in_where_values_stand() -> None:
    config = good("variables")
    (account,) = config.accounts
    # Neither is taken for YAML, nor for a number where text is wanted.
    assert account.password.read() == "a: [b"
    assert account.client_id.read() == "00123"
    assert account.terminals[0].id == "00123"
    # Text is a number or a duration where one is wanted.
    assert (config.poll.page_size, config.poll.requests_per_second) == (50, 50.0)
    assert config.poll.interval == 20 * SECOND
    assert config.state_url == "sqlite:///from the environment/state.db"
    assert account.client_secret.read() == "a${b}$c"


def test_secrets_files_are_looked_for_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (account,) = good("secret-files").accounts
    assert account.password.read() == "hush from a file"


def test_windows_are_ascending_and_unique_with_the_required_ones() -> None:
    config = good("windows")
    expected = (30 * SECOND, 5 * MINUTE, 15 * MINUTE, HOUR, 90 * MINUTE, 7 * DAY)
    assert config.windows == expected
    assert config.breakdowns == ("sender_issuer", "receiver_card_type")
    assert (config.baseline.windows, config.baseline.history) == ((), 0)
    assert config.limits.max_response_bytes == 4096
    assert config.state_url == "memory:"


def test_history_is_read_no_faster_than_polls_may_be_where_nobody_says_how_fast(tmp_path: Path) -> None:
    slow = written(tmp_path, ONE + "poll: {requests_per_second: 0.5}\n")
    assert load(slow, {}).baseline.history_requests_per_second == 0.5
    also = written(tmp_path, ONE + "poll: {requests_per_second: 0.5}\nbaseline: {weeks: 3}\n")
    assert load(also, {}).baseline.history_requests_per_second == 0.5
    said = written(tmp_path, ONE + "poll: {requests_per_second: 0.5}\nbaseline: {history_requests_per_second: 2}\n")
    assert load(said, {}).baseline.history_requests_per_second == 2


def test_the_shipped_tables_are_overridden_and_added_to() -> None:
    outcomes = good("tables").outcomes
    assert outcomes.statuses["settledlater"] is Outcome.PENDING
    assert outcomes.statuses["00"] is Outcome.SUCCESS
    assert outcomes.statuses["declined"] is Outcome.FAILURE
    changed = {code: outcomes.reason_classes[code] for code in ("04", "484", "9001", "-19", "51")}
    assert changed == {"04": "fraud", "484": "limits", "9001": "technical", "-19": "unknown", "51": "funds"}


def test_calendar_and_alerts_are_data() -> None:
    config = good("supervision")
    start = 1_774_033_200 * SECOND  # 2026-03-21T00:00:00+05:00
    assert config.calendar[0] == CalendarEntry(start, start + 3 * DAY + SECOND // 2, "holiday")
    assert config.calendar[1].terminals == ("wallet",)
    assert config.calendar[1].end - config.calendar[1].start == 3 * HOUR
    assert config.alerts.defaults["failure_ratio"] == {"warning": 0.08, "critical": 0.2, "min_operations": 20.0}
    expected = {"failure_ratio": {"critical": 0.4}, "volume_drop": None, "volume_spike": None}
    assert config.alerts.terminals == {"wallet": expected}


def test_the_order_of_terminals_is_that_of_the_file() -> None:
    config = good("two-accounts")
    assert [terminal.name for terminal in config.terminals] == ["a", "b", "2"]
    assert config.accounts[1].password.read() == "hush-password"


def test_a_configuration_is_frozen_and_equal_to_itself() -> None:
    config = good("supervision")
    assert config == good("supervision")
    with pytest.raises(FrozenInstanceError):
        config.windows = ()  # type: ignore[misc]


def test_an_error_is_one_line_with_file_line_key_and_hint() -> None:
    problem = Problem("config.yaml", 12, "accounts[0].usernam", "unknown key", 'did you mean "username"?')
    assert str(problem) == 'config.yaml:12: accounts[0].usernam: unknown key; did you mean "username"?'
    assert str(Problem("config.yaml", 0, "", "not YAML")) == "config.yaml: not YAML"


def test_errors_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "windos: []\npoll: {page_size: 0}\n" + ONE + "colour: blue\n")
    assert [problem.line for problem in problems(path)] == [1, 2, 4]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    assert [str(problem) for problem in problems(path)] == [f"{path}: cannot be read: No such file or directory"]


def test_a_directory_is_one_line(tmp_path: Path) -> None:
    assert [problem.text for problem in problems(tmp_path)] == ["cannot be read: Is a directory"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, ONE)
    path.chmod(0)
    assert [problem.text for problem in problems(path)] == ["cannot be read: Permission denied"]


def test_a_path_that_cannot_be_one_is_one_line() -> None:
    assert [problem.text for problem in problems(Path("con\0fig.yaml"))] == ["cannot be read: not a path"]


def test_a_file_without_an_end_is_one_line() -> None:
    (problem,) = problems(Path("/dev/zero"))
    assert "1 MiB" in problem.text or "control character" in problem.text


def test_an_unknown_terminal_is_reported_beside_other_mistakes_of_terminals(tmp_path: Path) -> None:
    terminals = 'terminals: [{id: "1", name: a, labels: {__x: y}}]'
    path = written(
        tmp_path, f"accounts: [{{{LOGIN}, {terminals}}}]\nalerts: {{terminals: {{b: {{failure_ratio: off}}}}}}\n"
    )
    assert [problem.key for problem in problems(path)] == [
        "accounts[0].terminals[0].labels.__x",
        "alerts.terminals.b",
    ]


def paths() -> list[str]:
    return [f"{section}.{key}" if section else key for section, keys in KEYS.items() for key in keys]


@pytest.mark.parametrize("path", paths())
def test_every_key_of_the_schema_is_read(tmp_path: Path, path: str) -> None:
    # `{[` … is wrong everywhere: a list that holds a list where a mapping is due, or the other way round.
    section, _, key = path.rpartition(".")
    wrong = "[[x]]" if key not in ("accounts", "windows", "breakdowns", "calendar", "terminals") else "{x: y}"
    wrong = "[[x]]" if path == "alerts.terminals" else wrong
    entry = f"{{{key}: {wrong}}}"
    for part in reversed(section.split(".")) if section else ():
        entry = f"{{{part[:-2]}: [{entry}]}}" if part.endswith("[]") else f"{{{part}: {entry}}}"
    expected = path.replace("[]", "[0]")
    found = problems(written(tmp_path, entry))
    assert any(problem.key == expected and "wanted here, not" in problem.text for problem in found)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@#?,\n\t $~0\\", max_size=80))
def test_no_text_makes_a_traceback(text: str) -> None:
    with suppress(DocumentBroken):
        parse(text)


SECTION_KEYS = [path for path in paths() if "[]" not in path and path != "accounts"]
WORDS = [
    "",
    "~",
    "15",
    "15s",
    "off",
    '"x"',
    "[]",
    "{}",
    "[[]]",
    "{a: b}",
    "${X}",
    "!t x",
    "2026-01-01",
    "-",
    "*a",
    "&a",
]


@given(st.sampled_from(SECTION_KEYS), st.sampled_from(WORDS))
def test_no_value_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, path: str, word: str) -> None:
    section, _, key = path.rpartition(".")
    body = f"{section}:\n  {key}: {word}\n" if section else f"{key}: {word}\n"
    with suppress(ConfigInvalid):
        load(written(tmp_path_factory.mktemp("any"), ONE + body), {})


SPECIAL = st.text(alphabet="x:-[]{}&*!|>'\"%@#?,\t ~0\\`=<", max_size=6)


@given(SPECIAL, SPECIAL, st.sampled_from(["block", "braces"]))
def test_no_password_that_yaml_misreads_is_shown(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, style: str
) -> None:
    password = f"{before}hush{after}"
    rest = 'username: u, client_id: c, client_secret: s, terminals: [{id: "1"}]'
    block = "  - username: u\n    password: {}\n    client_id: c\n    terminals: []\n"
    entry = block.format(password) if style == "block" else f"  - {{password: {password}, {rest}}}\n"
    path = written(tmp_path_factory.mktemp("any"), f"accounts:\n{entry}")
    try:
        load(path, {})
        said = ""
    except ConfigInvalid as invalid:
        said = str(invalid)
    assert "hush" not in said
