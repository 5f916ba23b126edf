"""What reaches stderr: one line an event, in three formats, and never a secret."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import logs

log = structlog.get_logger()

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Other tests' logging stays what it is."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.reset_defaults()


def lines(capsys: Capture) -> list[str]:
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def without_ts(line: str) -> str:
    ts, rest = line.split(" ", 1)
    assert re.fullmatch(r"ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ts)
    return rest


def fail(text: str) -> None:
    raise ValueError(f"cannot {text}") from KeyError(text)


def test_logfmt_is_as_prometheus_writes_it(capsys: Capture) -> None:
    logs.configure("info", "logfmt")

    log.info("poll failed", account="main", kind="timeout", tries=3, seconds=1.5, final=False, next=None)

    assert [without_ts(line) for line in lines(capsys)] == [
        'level=info msg="poll failed" account=main kind=timeout tries=3 seconds=1.5 final=false next='
    ]


def test_json_has_the_same_fields_in_the_same_order(capsys: Capture) -> None:
    logs.configure("info", "json")

    log.warning("poll failed", account="main", nested={"a": [1, "x"]}, ratio=float("nan"))

    (line,) = lines(capsys)
    event = json.loads(line)
    assert list(event) == ["ts", "level", "msg", "account", "nested", "ratio"]
    assert event | {"ts": ""} == {
        "ts": "",
        "level": "warning",
        "msg": "poll failed",
        "account": "main",
        "nested": {"a": [1, "x"]},
        "ratio": "nan",
    }


def test_console_is_readable_and_uncoloured_where_there_is_no_terminal(capsys: Capture) -> None:
    logs.configure("info", "console")

    log.info("poll failed", account="main")

    (line,) = lines(capsys)
    assert "poll failed" in line
    assert "account=main" in line
    assert "\x1b" not in line


def test_a_level_silences_what_is_below(capsys: Capture) -> None:
    logs.configure("warning", "logfmt")

    log.info("quiet")
    log.warning("loud")

    assert [without_ts(line) for line in lines(capsys)] == ["level=warning msg=loud"]


def test_libraries_speak_through_the_same_lines_from_warning_on(capsys: Capture) -> None:
    logs.configure("debug", "logfmt", ["hunter22"])

    logging.getLogger("httpx").info("HTTP Request: POST")
    logging.getLogger("httpcore").warning("odd %s with %s", "request", "hunter22")

    assert [without_ts(line) for line in lines(capsys)] == ['level=warning msg="odd request with ***" logger=httpcore']


def test_configuring_again_replaces_all(capsys: Capture) -> None:
    logs.configure("info", "json", ["first-secret"])
    logs.configure("info", "logfmt", ["second-secret"])

    log.info("first-secret second-secret")
    logging.getLogger("asyncio").error("once")

    assert [without_ts(line) for line in lines(capsys)] == [
        'level=info msg="first-secret ***"',
        "level=error msg=once logger=asyncio",
    ]


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="no such log format: xml"):
        logs.configure("info", "xml")


@pytest.mark.parametrize("written", logs.FORMATS)
def test_a_secret_shows_nowhere(capsys: Capture, written: str) -> None:
    secret = 'pä$$ w"rd/\n+1'
    forms = [secret, "p%C3%A4%24%24%20w%22rd%2F%0A%2B1", "p%C3%A4%24%24+w%22rd%2F%0A%2B1", json.dumps(secret)]
    logs.configure("info", written, [secret, "", "abc", "user-name"])

    for form in forms:
        try:
            fail(form)
        except ValueError as error:
            log.exception(f"failed {form}", error=error, **{form: 1})
        log.info(
            "nested",
            body=form.encode(),
            deep={"list": [form, (form, {form: {form}})]},
            path=Path("/x") / form,
            whole=ValueError(form),
        )
        logging.getLogger("uvicorn.error").error("%r", form, exc_info=ValueError(form))

    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("***") >= len(forms) * 8
    for trace in ("pä", "p\\xe4", "p\\u00e4", "p%C3", 'w\\"rd', "rd/", "%2B1"):
        assert trace not in err


def test_a_secret_within_another_leaves_no_rest(capsys: Capture) -> None:
    logs.configure("info", "logfmt", ["abcd", "abcdefgh"])

    log.info("x", value="abcdefgh")

    assert without_ts(lines(capsys)[0]) == "level=info msg=x value=***"


def test_a_number_can_be_a_secret_and_the_time_is_none(capsys: Capture) -> None:
    logs.configure("info", "logfmt", ["1234", "2026", "info"])

    log.info("x", pin=1234, list=[12345])

    assert without_ts(lines(capsys)[0]) == 'level=info msg=x pin=*** list="[\\"***5\\"]"'


def test_too_short_a_secret_blackens_nothing(capsys: Capture) -> None:
    logs.configure("info", "logfmt", ["a", "", "abc"])

    log.info("abcabc")

    assert without_ts(lines(capsys)[0]) == "level=info msg=abcabc"


def test_a_traceback_is_one_line_in_logfmt(capsys: Capture) -> None:
    logs.configure("info", "logfmt")

    try:
        fail("boom")
    except ValueError:
        log.exception("bug")

    (line,) = lines(capsys)
    assert 'msg=bug exception="' in line
    assert line.endswith('ValueError: cannot boom"')


hostile = st.text(max_size=20) | st.sampled_from(
    ["\n", "\r\nlevel=error msg=forged", "\x1b[2J", '"', "\\", "a=b", "", "\u2028", "\x85", "\u202e", "\x00", "="]
)


@pytest.mark.parametrize("written", logs.FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(msg=hostile, key=hostile.filter(lambda key: key not in {"event", "level", "ts"}), value=hostile)
def test_no_value_breaks_out_of_its_line(capsys: Capture, written: str, msg: str, key: str, value: str) -> None:
    logs.configure("info", written)

    log.info(msg, **{key: value, "nested": {key: [value]}})

    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", err)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(value=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_logfmt_value_can_be_read_back(capsys: Capture, value: str) -> None:
    logs.configure("info", "logfmt")

    log.info("x", value=value)

    text = without_ts(capsys.readouterr().err).removeprefix("level=info msg=x value=").removesuffix("\n")
    assert (json.loads(text) if text.startswith('"') else text) == value


def test_secrets_that_are_learnt_later_are_masked_in_what_older_loggers_say(capsys: Capture) -> None:
    logs.configure("info", "logfmt", ["first-secret"])
    bound = structlog.get_logger("old").bind(account="main")

    logs.mask(["second-secret"])
    bound.info("says", one="first-secret", two="second-secret")
    logging.getLogger("library").warning("second-secret")

    said = "\n".join(lines(capsys))
    assert "secret" not in said.replace("***", "")
    assert said.count("***") == 3


def test_configuring_again_forgets_the_secrets_before(capsys: Capture) -> None:
    logs.configure("info", "logfmt", ["first-secret"])
    logs.configure("info", "logfmt")

    log.info("says", one="first-secret")

    assert "first-secret" in lines(capsys)[0]
