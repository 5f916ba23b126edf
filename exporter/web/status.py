"""What the status page says, as a frozen record: pure, so that it is tested without HTML.

The page answers one question, "do we read the bank, and since when not?". Whether the operations themselves go well is
the alert rules' business; the page shows their numbers and does not judge them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from exporter.exposition.windows import failures_of_ended, outcome_counts
from exporter.exposition.withdrawal import is_withdrawn
from exporter.model import MINUTE, Duration, Instant, Outcome, Snapshot, TerminalSnapshot
from exporter.web import texts
from exporter.web.texts import Language, Text
from exporter.web.voice import ENGLISH, Moment, Voice

_WINDOW: Final[Duration] = 15 * MINUTE
_LONGEST_REASON: Final = 300


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
    """One terminal. `counts` and `oldest_pending` are why they are missing where they are.

    `reason` is a sentence of the exporter's in English, to be quoted; empty in English, where it is the explanation.
    """

    name: str
    account: str
    state: State
    word: str
    explanation: str
    reason: str
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


def status(snapshot: Snapshot, now: Instant, refusal: Refusal | None = None, *, voice: Voice = ENGLISH) -> Status:
    """The page's content at this moment, in a language."""
    rows = [_row(each, snapshot, now, voice) for each in snapshot.terminals]
    order = list(State)
    rows.sort(key=lambda row: order.index(row.state))  # stable: the configuration's order within a state
    state, verdict, detail = _verdict([row.state for row in rows], voice)
    return Status(state, verdict, detail, tuple(rows), voice.moment(snapshot.taken, now), _notice(refusal, now, voice))


def _notice(refusal: Refusal | None, now: Instant, voice: Voice) -> str:
    if refusal is None:
        return ""
    reason = refusal.reason if len(refusal.reason) <= _LONGEST_REASON else f"{refusal.reason[:_LONGEST_REASON]}…"
    sentence = voice.say(texts.CONFIGURATION_REFUSED, age=voice.age(now - refusal.at), reason=reason)
    return f"{sentence} {voice.say(texts.MORE_IN_THE_LOG, n=refusal.others)}" if refusal.others else sentence


def _verdict(states: list[State], voice: Voice) -> tuple[State, str, str]:
    """The headline, and what else there is to say."""
    say = voice.say
    total, trouble, waiting, attention = len(states), *(states.count(state) for state in list(State)[:3])
    if total == 0:
        return State.WAITING, say(texts.NO_TERMINAL), ""
    notes = [
        say(texts.NOT_READ_YET, n=waiting) if waiting and waiting < total else "",
        say(texts.NOT_COMPLETE_YET, n=attention) if attention else "",
    ]
    detail = ", ".join(note for note in notes if note)
    one = total == 1
    if trouble:
        verdict = say(texts.ONE_IN_TROUBLE) if one else say(texts.IN_TROUBLE, trouble=trouble, total=total)
        return State.TROUBLE, verdict, detail
    if waiting == total:
        return State.WAITING, say(texts.FIRST_POLL), ""
    if waiting:
        return State.WAITING, say(texts.SOME_READ, read=total - waiting, total=total), detail
    verdict = say(texts.ONE_READ) if one else say(texts.ALL_READ, total=total)
    return (State.ATTENTION if attention else State.FINE), verdict, detail


def _row(each: TerminalSnapshot, snapshot: Snapshot, now: Instant, voice: Voice) -> Row:
    withdrawn = is_withdrawn(each, snapshot, now)
    state, word, sentence = _state(each, snapshot, now)
    explanation, reason = _explained(sentence, each, voice)
    missing = Missing.TOO_OLD if withdrawn and each.last_success is not None else Missing.NOT_YET
    shown = each.read and not withdrawn
    oldest = Missing.NONE if each.oldest_pending is None else voice.moment(each.oldest_pending, now)
    return Row(
        name=each.terminal.name,
        account=each.terminal.account,
        state=state,
        word=voice.say(word),
        explanation=explanation,
        reason=reason,
        since=voice.moment(each.trouble.since, now) if each.trouble else None,
        last_poll=None if each.last_success is None else voice.moment(each.last_success, now),
        counts=_counts(each, voice) if shown else missing,
        oldest_pending=oldest if shown else missing,
        pending=each.pending if shown else 0,
    )


def _state(each: TerminalSnapshot, snapshot: Snapshot, now: Instant) -> tuple[State, Text, Text | None]:
    """State, its word, and what it means in a sentence where the trouble itself does not say it."""
    if each.failing:
        return State.TROUBLE, texts.TROUBLE, texts.POLL_FAILED
    if not each.tried:
        return State.WAITING, texts.WAITING, texts.NOT_POLLED
    if not each.read:
        return State.WAITING, texts.WAITING, texts.NOT_READ
    if each.catching_up:
        return State.ATTENTION, texts.CATCHING_UP, texts.GAP
    if not each.window_complete:
        return State.ATTENTION, texts.INCOMPLETE, texts.MORE_AT_THE_BANK
    if each.last_success is not None and now - each.last_success > snapshot.stale_after:
        return State.ATTENTION, texts.LATE, texts.OLDER_THAN_INTERVALS
    if each.trouble:
        return State.ATTENTION, texts.ATTENTION, None
    return State.FINE, texts.FINE, None


def _explained(sentence: Text | None, each: TerminalSnapshot, voice: Voice) -> tuple[str, str]:
    """Explanation and reason. A trouble's own sentence says most; where it is foreign, its kind stands for it."""
    said = voice.say(sentence) if sentence else ""
    if each.trouble is None:
        return said, ""
    if voice.language is Language.ENGLISH:
        return each.trouble.text or said, ""
    return voice.trouble(each.trouble.kind) or said, each.trouble.text


def _counts(each: TerminalSnapshot, voice: Voice) -> Counts | Missing:
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
        failure_ratio=voice.percentage(failures, ended),
        ended=ended,
    )
