"""What the status page says, as a frozen record: pure, so that it is tested without HTML.

The page answers one question, "do we read the bank, and since when not?". Whether the operations themselves go well is
the alert rules' business; the page shows their numbers and does not judge them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from exporter.exposition.families import is_withdrawn
from exporter.exposition.windows import failures_of_ended, outcome_counts
from exporter.model import DAY, HOUR, MINUTE, SECOND, Duration, Instant, Outcome, Snapshot, TerminalSnapshot

_WINDOW: Final[Duration] = 15 * MINUTE
_LONGEST_REASON: Final = 300
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class State(StrEnum):
    """How a terminal is, worst first."""

    TROUBLE = "trouble"
    WAITING = "waiting"
    ATTENTION = "attention"
    FINE = "fine"


class Missing(StrEnum):
    """Why a number is not there."""

    NOT_YET = "not yet"
    TOO_OLD = "too old"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for people: how long ago, and when in UTC."""

    age: str
    time: str
    iso: str


@dataclass(frozen=True, slots=True)
class Counts:
    """A window's operations by outcome, and how many of those that ended have failed."""

    success: int
    failure: int
    pending: int
    unknown: int
    failure_ratio: str
    ended: int


@dataclass(frozen=True, slots=True)
class Row:
    """One terminal. `counts` and `oldest_pending` are why they are missing where they are."""

    name: str
    account: str
    state: State
    word: str
    explanation: str
    since: Moment | None
    last_poll: Moment | None
    counts: Counts | Missing
    oldest_pending: Moment | Missing
    pending: int


class Refusal(NamedTuple):
    """The last reload, where it was refused: when, the first thing that was wrong, and how many more there were."""

    at: Instant
    reason: str
    others: int


@dataclass(frozen=True, slots=True)
class Status:
    """All of the page: the verdict in one sentence, then the terminals, worst first.

    `notice`: what there is to say about the configuration, empty where nothing.
    """

    state: State
    verdict: str
    detail: str
    rows: tuple[Row, ...]
    taken: Moment
    notice: str = ""


def status(snapshot: Snapshot, now: Instant, refusal: Refusal | None = None) -> Status:
    """The page's content at this moment."""
    rows = [_row(each, snapshot, now) for each in snapshot.terminals]
    order = list(State)
    rows.sort(key=lambda row: order.index(row.state))  # stable: the configuration's order within a state
    state, verdict, detail = _verdict([row.state for row in rows])
    return Status(state, verdict, detail, tuple(rows), _moment(snapshot.taken, now), _notice(refusal, now))


def _notice(refusal: Refusal | None, now: Instant) -> str:
    if refusal is None:
        return ""
    reason = refusal.reason if len(refusal.reason) <= _LONGEST_REASON else f"{refusal.reason[:_LONGEST_REASON]}…"
    more = f" (and {refusal.others} more, in the log)" if refusal.others else ""
    return f"The configuration was refused {age(now - refusal.at)} ago, and the one before stays in use: {reason}{more}"


def _verdict(states: list[State]) -> tuple[State, str, str]:
    """The headline, and what else there is to say."""
    total, trouble, waiting, attention = len(states), *(states.count(state) for state in list(State)[:3])
    if total == 0:
        return State.WAITING, "No terminal is configured", ""
    notes = [
        f"{waiting} not read yet" if waiting and waiting < total else "",
        f"{attention} not complete yet" if attention else "",
    ]
    detail = ", ".join(note for note in notes if note)
    one = total == 1
    if trouble:
        verb = "is" if trouble == 1 else "are"
        verdict = "The terminal is in trouble" if one else f"{trouble} of {total} terminals {verb} in trouble"
        return State.TROUBLE, verdict, detail
    if waiting == total:
        return State.WAITING, "Waiting for the first poll", ""
    if waiting:
        return State.WAITING, f"{total - waiting} of {total} terminals are read", detail
    verdict = "The terminal is read" if one else f"All {total} terminals are read"
    return (State.ATTENTION if attention else State.FINE), verdict, detail


def _row(each: TerminalSnapshot, snapshot: Snapshot, now: Instant) -> Row:
    withdrawn = is_withdrawn(each, snapshot, now)
    state, word, explanation = _state(each, snapshot, now)
    missing = Missing.TOO_OLD if withdrawn and each.last_success is not None else Missing.NOT_YET
    shown = each.read and not withdrawn
    oldest = Missing.NONE if each.oldest_pending is None else _moment(each.oldest_pending, now)
    return Row(
        name=each.terminal.name,
        account=each.terminal.account,
        state=state,
        word=word,
        explanation=explanation,
        since=_moment(each.trouble.since, now) if each.trouble else None,
        last_poll=None if each.last_success is None else _moment(each.last_success, now),
        counts=_counts(each) if shown else missing,
        oldest_pending=oldest if shown else missing,
        pending=each.pending if shown else 0,
    )


def _state(each: TerminalSnapshot, snapshot: Snapshot, now: Instant) -> tuple[State, str, str]:
    """State, its word, and what is wrong in a sentence."""
    trouble = each.trouble.text if each.trouble else ""
    if each.failing:
        return State.TROUBLE, "In trouble", trouble or "The last poll failed."
    if not each.tried:
        return State.WAITING, "Waiting", "Not polled yet."
    if not each.read:
        return State.WAITING, "Waiting", trouble or "Not read yet."
    if each.catching_up:
        return State.ATTENTION, "Catching up", trouble or "A gap is being read; counters are behind."
    if not each.window_complete:
        return State.ATTENTION, "Incomplete", trouble or "The bank counts more operations than it gave."
    if each.last_success is not None and now - each.last_success > snapshot.stale_after:
        return State.ATTENTION, "Late", trouble or "The last poll is older than three intervals."
    if trouble:
        return State.ATTENTION, "Attention", trouble
    return State.FINE, "Fine", ""


def _counts(each: TerminalSnapshot) -> Counts | Missing:
    tally = next((tally for tally in each.windows if tally.window == _WINDOW), None)
    if tally is None:
        return Missing.NOT_YET
    by_outcome = outcome_counts(tally)
    failures, ended = failures_of_ended(tally)
    return Counts(
        success=by_outcome[Outcome.SUCCESS],
        failure=by_outcome[Outcome.FAILURE],
        pending=by_outcome[Outcome.PENDING],
        unknown=by_outcome[Outcome.UNKNOWN],
        failure_ratio=percentage(failures, ended),
        ended=ended,
    )


def percentage(part: int, whole: int) -> str:
    """A ratio for people, empty without a whole. Never a plain 0 % or 100 % that is not one."""
    if whole == 0:
        return ""
    if part in {0, whole}:
        return "0 %" if part == 0 else "100 %"
    return f"{min(max(round(part * 1000 / whole), 1), 999) / 10:.1f} %"


def age(duration: Duration) -> str:
    """A duration in its two largest units, or one where the second would say nothing: `23 s`, `5 min`, `2 d 3 h`."""
    if duration < MINUTE:
        return f"{max(duration, 0) // SECOND} s"
    if duration < HOUR:
        return f"{duration // MINUTE} min"
    if duration < DAY:
        hours, rest = divmod(duration, HOUR)
        return f"{hours} h {rest // MINUTE} min" if rest >= MINUTE else f"{hours} h"
    days, rest = divmod(duration, DAY)
    return f"{days} d {rest // HOUR} h" if rest >= HOUR else f"{days} d"


def _moment(instant: Instant, now: Instant) -> Moment:
    when = _EPOCH + timedelta(microseconds=instant)
    today = when.date() == (_EPOCH + timedelta(microseconds=now)).date()
    return Moment(
        age=age(now - instant),
        time=f"{when:%H:%M:%S} UTC" if today else f"{when:%Y-%m-%d %H:%M} UTC",
        iso=when.isoformat(timespec="seconds"),
    )
