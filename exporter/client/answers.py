"""What an answer of the list means: a page, or one of the port's errors."""

from collections.abc import Callable

from exporter.bank import BankError, Garbled, Refused, ServerFailed, Unauthorized
from exporter.client.transport import Answer
from exporter.model import Page
from exporter.payload import ErrorBody, Unreadable, decode


class TokenRefused(Unauthorized):
    """The list was refused with a token that had looked good. `status`: 401 or 403."""

    def __init__(self, account: str, status: int) -> None:
        super().__init__(
            "unauthorized",
            f"the bank does not accept the token of account {account} for the list ({status}): "
            "check scope, the terminals' owner, and whether this address is on the bank's allow-list",
        )
        self.status = status


def page(answer: Answer, account: str, decode: Callable[[bytes], Page] = decode) -> Page:
    """The page of a good answer; raises what the port names for any other."""
    if answer.status in (401, 403):
        raise TokenRefused(account, answer.status)
    error: BankError
    try:
        found = decode(answer.body)
    except ErrorBody as body:
        error = _refusal(answer, account, body.code)
    except Unreadable as unreadable:
        error = _unusable(answer, account, unreadable.reason)
    else:
        if answer.status < 300:
            return found
        error = _unusable(answer, account, "malformed")
    raise error


def _refusal(answer: Answer, account: str, code: int | str) -> BankError:
    """An error body, whatever the status. A gateway's own 5xx has no code of the bank's, or repeats the status."""
    number = code if isinstance(code, int) else None
    if answer.status >= 500 and number in (None, answer.status):
        return _failed(answer)
    said = "an error" if number is None else f"code {number}"
    hint = ": check period_field and the terminals" if number == 232 else ""
    return Refused(f"{answer.host} refused the list of account {account} with {said} ({answer.status}){hint}", number)


def _unusable(answer: Answer, account: str, reason: str) -> BankError:
    if answer.status >= 500:
        return _failed(answer)
    if answer.status >= 400:
        return Refused(f"{answer.host} refused the list of account {account} ({answer.status}): check operations_url")
    if reason == "malformed":
        return Garbled("malformed", f"{answer.host} answered with JSON that is no list of operations")
    if answer.body.lstrip()[:1] == b"<":
        return Garbled("not_json", f"{answer.host} answered with HTML, as it does during maintenance")
    return Garbled("not_json", f"{answer.host} answered with something cut short, or with no JSON at all")


def _failed(answer: Answer) -> BankError:
    return ServerFailed("server_error", f"{answer.host} has trouble of its own ({answer.status})")
