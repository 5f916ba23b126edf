"""Asking a bank again while its trouble may pass: long work should outlast a restart at the bank."""

from collections.abc import Awaitable, Callable
from typing import Final

from exporter.bank import Bank, BankError, Garbled, ServerFailed, Throttled, Unreachable
from exporter.model import Assignment, Reading

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0
_PATIENCE: Final = 900.0
_PATIENCE_AT_FIRST: Final = 10.0
"""Seconds of trouble that are put up with; few until the bank has answered once, for then a person is still looking."""


class PatientBank:
    """A bank whose passing trouble is waited for, up to a quarter of an hour. `waits` is told why, each time."""

    def __init__(
        self,
        bank: Bank,
        waits: Callable[[BankError], None],
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._bank = bank
        self._waits = waits
        self._sleep = sleep
        self._monotonic = monotonic
        self._answered = False

    async def read(self, assignment: Assignment) -> Reading:
        """All pages of an assignment. Raises BankError for what waiting does not cure, or has not cured."""
        began, pause = self._monotonic(), _FIRST_PAUSE
        while True:
            try:
                reading = await self._bank.read(assignment)
            except BankError as error:
                patience = _PATIENCE if self._answered else _PATIENCE_AT_FIRST
                if not _passing(error) or self._monotonic() + pause - began > patience:
                    raise
                self._waits(error)
            else:
                self._answered = True
                return reading
            await self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _passing(error: BankError) -> bool:
    """Whether the same question may be answered later."""
    if isinstance(error, Garbled):
        return error.kind != "too_large"
    return isinstance(error, (Unreachable, ServerFailed, Throttled))
