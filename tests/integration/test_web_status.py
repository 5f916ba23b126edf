"""What the status page says, without its HTML."""

import pytest

from exporter.model import HOUR, MINUTE, SECOND, Outcome, TerminalSnapshot, Trouble
from exporter.web.status import Counts, Missing, Refusal, Row, State, Status, status
from exporter.web.voice import Moment
from tests.tools import NOW, series, snapshot, tally, terminal_snapshot


def of(*terminals: TerminalSnapshot) -> Status:
    return status(snapshot(*terminals), NOW)


FAILING = Trouble("timeout", "The bank did not answer within 10 s.", NOW - 7 * MINUTE)


def fine(name: str = "fine") -> TerminalSnapshot:
    return terminal_snapshot(name)


def failing(name: str = "failing") -> TerminalSnapshot:
    return terminal_snapshot(name, failing=True, last_success=NOW - 8 * MINUTE, trouble=FAILING)


def waiting(name: str = "waiting") -> TerminalSnapshot:
    return terminal_snapshot(name, read=False, tried=False, last_success=None)


def behind(name: str = "behind") -> TerminalSnapshot:
    return terminal_snapshot(name, catching_up=True)


@pytest.mark.parametrize(
    ("terminals", "state", "verdict", "detail"),
    [
        ([], State.WAITING, "No terminal is configured", ""),
        ([fine()], State.FINE, "The terminal is read", ""),
        ([fine(), fine()], State.FINE, "All 2 terminals are read", ""),
        ([fine(), behind()], State.ATTENTION, "All 2 terminals are read", "1 not complete yet"),
        ([failing()], State.TROUBLE, "The terminal is in trouble", ""),
        ([fine(), failing()], State.TROUBLE, "1 of 2 terminals is in trouble", ""),
        ([failing(), fine(), failing()], State.TROUBLE, "2 of 3 terminals are in trouble", ""),
        (
            [failing(), waiting(), behind()],
            State.TROUBLE,
            "1 of 3 terminals is in trouble",
            "1 not read yet, 1 not complete yet",
        ),
        ([waiting(), waiting()], State.WAITING, "Waiting for the first poll", ""),
        ([waiting(), fine()], State.WAITING, "1 of 2 terminals is read", "1 not read yet"),
    ],
)
def test_verdict(terminals: list[TerminalSnapshot], state: State, verdict: str, detail: str) -> None:
    said = of(*terminals)

    assert (said.state, said.verdict, said.detail) == (state, verdict, detail)


def test_the_worst_come_first_and_the_rest_keep_their_order() -> None:
    said = of(fine("a"), behind("b"), waiting("c"), failing("d"), fine("e"), failing("f"))

    assert [row.name for row in said.rows] == ["d", "f", "c", "b", "a", "e"]


def test_a_terminal_that_is_well() -> None:
    success, failure = series("wallet", Outcome.SUCCESS), series("wallet", Outcome.FAILURE, code="51")
    unknown, pending = series("wallet", Outcome.UNKNOWN), series("wallet", Outcome.PENDING)
    each = terminal_snapshot(
        windows=[
            tally(5 * MINUTE, {failure: 99}),
            tally(15 * MINUTE, {success: 36, failure: 4, pending: 2, unknown: 1}),
        ],
        pending=3,
        oldest_pending=NOW - 26 * HOUR,
    )

    assert of(each).rows == (
        Row(
            name="wallet",
            account="main",
            state=State.FINE,
            word="Fine",
            explanation="",
            reason="",
            since=None,
            last_poll=Moment("5 s", "03:59:55 UTC", "2026-11-24T03:59:55+00:00"),
            counts=Counts(success=36, failure=4, pending=2, unknown=1, failure_ratio="10.0 %", ended=40),
            oldest_pending=Moment("1 d 2 h", "2026-11-23 02:00 UTC", "2026-11-23T02:00:00+00:00"),
            pending=3,
        ),
    )


def test_a_terminal_in_trouble_says_what_and_since_when_and_shows_no_old_numbers() -> None:
    (row,) = of(terminal_snapshot(failing=True, last_success=NOW - 8 * MINUTE, trouble=FAILING, pending=7)).rows

    assert (row.state, row.explanation) == (State.TROUBLE, "The bank did not answer within 10 s.")
    assert row.since == Moment("7 min", "03:53:00 UTC", "2026-11-24T03:53:00+00:00")
    assert (row.counts, row.oldest_pending, row.pending) == (Missing.TOO_OLD, Missing.TOO_OLD, 0)


def test_a_terminal_that_has_just_begun_to_fail_still_has_its_numbers() -> None:
    (row,) = of(terminal_snapshot(failing=True, last_success=NOW - 20 * SECOND)).rows

    assert row.state is State.TROUBLE
    assert row.explanation == "The last poll failed."
    assert isinstance(row.counts, Counts)
    assert row.oldest_pending is Missing.NONE


def test_a_terminal_that_was_never_read_has_no_numbers_yet() -> None:
    row, tried = of(
        waiting(),
        terminal_snapshot(read=False, last_success=None, failing=True, trouble=FAILING),
    ).rows[::-1]

    assert (row.word, row.explanation, row.last_poll) == ("Waiting", "Not polled yet.", None)
    assert (row.counts, row.oldest_pending) == (Missing.NOT_YET, Missing.NOT_YET)
    assert (tried.state, tried.counts) == (State.TROUBLE, Missing.NOT_YET)


@pytest.mark.parametrize(
    ("each", "word"),
    [
        (terminal_snapshot(catching_up=True), "Catching up"),
        (terminal_snapshot(window_complete=False), "Incomplete"),
        (terminal_snapshot(last_success=NOW - 46 * SECOND), "Late"),
        (terminal_snapshot(trouble=FAILING), "Attention"),
        (terminal_snapshot(read=False, last_success=None), "Waiting"),
    ],
)
def test_what_is_neither_well_nor_failing_has_a_word_and_a_sentence(each: TerminalSnapshot, word: str) -> None:
    (row,) = of(each).rows

    assert row.word == word
    assert row.state is (State.WAITING if word == "Waiting" else State.ATTENTION)
    assert row.explanation.endswith(".")


def test_without_a_window_of_fifteen_minutes_there_are_no_counts() -> None:
    assert of(terminal_snapshot(windows=[])).rows[0].counts is Missing.NOT_YET


def test_a_refused_reload_is_one_sentence_and_changes_no_verdict() -> None:
    said = status(snapshot(fine()), NOW, Refusal(NOW - 5 * MINUTE, "config.yaml:7: poll.interval: missing", 2))

    assert (said.state, said.verdict) == (State.FINE, "The terminal is read")
    assert said.notice == (
        "The configuration was refused 5 min ago, and the one before stays in use: "
        "config.yaml:7: poll.interval: missing (and 2 more, in the log)"
    )


def test_the_reason_of_a_refusal_is_cut_where_it_is_long() -> None:
    said = status(snapshot(fine()), NOW, Refusal(NOW, "x" * 1000, 0))

    assert said.notice.endswith("in use: " + "x" * 300 + "…")


def test_there_is_no_notice_without_a_refusal() -> None:
    assert of(fine()).notice == ""
