"""Does the login work, with which body, for how long, and does a second one take the first one's token away."""

from collections.abc import Sequence
from typing import Final

from exporter.bank import LoginRefused, Unreachable
from exporter.client.answers import TokenRefused
from exporter.config.durations import format_duration
from exporter.config.records import TokenBody
from exporter.doctor.case import Case
from exporter.doctor.finding import Finding, Line, Place, Verdict
from exporter.doctor.replies import LoginReply, Reply
from exporter.model import HOUR, SECOND

_SHORT_LIFE: Final = 60.0
# OAuth's words that speak of the credentials: the body itself was understood.
_TELLING: Final = ("invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "access_denied")


async def login(case: Case) -> list[Finding]:
    """The login with the configured body; with the other one where that is refused."""
    configured = case.account.token_body
    other = TokenBody.URLENCODED if configured is TokenBody.FORM_DATA else TokenBody.FORM_DATA
    replies = [await case.inquiry.login(configured)]
    # No answer at all says nothing about the body.
    if replies[0].error is not None and not isinstance(replies[0].error, Unreachable):
        replies.append(await case.inquiry.login(other))
        if replies[-1].error is None and not isinstance(replies[0].error, LoginRefused):
            # It was not refused, it only went wrong: with a bank that has bad moments the body is not to blame.
            again = await case.inquiry.login(configured)
            replies += [again] if again.error is None else []
    case.token_life = replies[-1].life
    return login_findings(configured, replies)


def login_findings(configured: TokenBody, replies: Sequence[LoginReply]) -> list[Finding]:
    """What the tries say; the last one is the one that worked, if any did."""
    evidence = "; ".join(f"{reply.body}: {_said(reply)}" for reply in replies)
    last = replies[-1]
    if last.error is not None:
        return [Finding("login", Verdict.PROBLEM, str(_telling(replies)), evidence)]
    line = Line(Place.ACCOUNT, "token_body", last.body)
    if last.body is configured:
        found = Finding("login", Verdict.OK, f"works, with a body of {last.body}", evidence, (line,))
    else:
        answer = f"refused with a body of {configured}, works with {last.body}"
        found = Finding("login", Verdict.CHANGE, answer, evidence, (line,))
    return [found, _token_finding(last)]


def _token_finding(reply: LoginReply) -> Finding:
    life = format_duration(int(reply.life) * SECOND)
    evidence = f"expires_in comes as {'a ' if reply.expires_in == 'number' else ''}{reply.expires_in}"
    if reply.expires_in == "missing":
        answer = f"its life is not told: it is renewed as if it lived {life}"
        return Finding("token", Verdict.UNKNOWN, answer, "expires_in is missing, or says nothing of use")
    if reply.life < _SHORT_LIFE:
        return Finding("token", Verdict.PROBLEM, f"lives {life} only: much of the traffic will be logins", evidence)
    return Finding("token", Verdict.OK, f"lives {life}", evidence)


def _telling(replies: Sequence[LoginReply]) -> Exception:
    """The refusal that says most: one that has understood the body, else the configured body's."""
    errors = [reply.error for reply in replies if reply.error is not None]
    refusals = [error for error in errors if isinstance(error, LoginRefused)]
    for error in refusals:
        if any(word in str(error) for word in _TELLING):
            return error
    for reply in replies:
        if reply.status in (401, 403) and isinstance(reply.error, LoginRefused):
            return reply.error
    return refusals[0] if refusals else errors[0]


def _said(reply: LoginReply) -> str:
    status = "no answer" if reply.status is None else f"HTTP {reply.status}"
    if reply.error is None:
        return f"{status}, a token"
    # 401 speaks of the credentials, 403 of who may come: the bank keeps a list of addresses.
    return f"{status} (is this address on the bank's allow-list?)" if reply.status == 403 else status


async def second_login(case: Case) -> list[Finding]:
    """One more login; then the first token is tried once, and the second one where the first is refused."""
    first = case.inquiry.token
    again = await case.inquiry.login(case.account.token_body)
    if again.error is not None:
        answer = f"a second login did not work: {again.error}"
        return [Finding("second login", Verdict.UNKNOWN, answer, _said(again))]
    if case.inquiry.token == first:
        answer = "gives the same token again while it is good"
        return [Finding("second login", Verdict.OK, answer, "two logins, one token")]
    question = case.question(case.recent(HOUR))
    old = await case.inquiry.ask(question, size=1, token=first)
    new = await case.inquiry.ask(question, size=1) if old.page is None else old
    return [second_login_finding(old, new)]


def second_login_finding(old: Reply, new: Reply) -> Finding:
    """What the list said to the first token, and then to the second."""
    evidence = f"first token after a second login: {old.said}"
    if old.page is not None:
        return Finding("second login", Verdict.OK, "leaves the first token good", evidence)
    if isinstance(old.error, TokenRefused) and new.page is not None:
        answer = (
            "takes the first token away: use these credentials in one place only "
            "(this examination has cost a running exporter one more login)"
        )
        return Finding("second login", Verdict.OK, answer, f"{evidence}; second token: {new.said}")
    return Finding("second login", Verdict.UNKNOWN, "the list did not answer clearly", evidence)
