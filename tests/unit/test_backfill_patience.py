"""Trouble that passes is waited for; what waiting does not cure is told at once."""

from dataclasses import dataclass, field

import pytest

from exporter.backfill.patience import PatientBank
from exporter.bank import BankError, Garbled, LoginRefused, Refused, ServerFailed, Throttled, Unreachable
from exporter.model import SECOND, Assignment
from tests.adapters.fakes import FakeBank, FakeClock
from tests.builders import EVERYTHING

ASSIGNMENT = Assignment(EVERYTHING, ("wallet",))


@dataclass
class Scene:
    """A patient bank before one whose answers are scripted."""

    script: list[BankError | None]
    clock: FakeClock = field(default_factory=FakeClock)
    pauses: list[float] = field(default_factory=list)
    told: list[BankError] = field(default_factory=list)

    def __post_init__(self) -> None:
        bank = FakeBank(fail=lambda _: self.script.pop(0) if len(self.script) > 1 else self.script[0])
        self.bank = PatientBank(bank, self.told.append, self.sleep, self.clock.monotonic)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(int(seconds * SECOND))


PASSING = [
    Unreachable("timeout", "x"),
    ServerFailed("server_error", "x"),
    Throttled("rate_limited", "x"),
    Garbled("not_json", "x"),
]


@pytest.mark.parametrize("error", PASSING)
async def test_passing_trouble_is_waited_for(error: BankError) -> None:
    scene = Scene([None, error, error, error, error, error, None])
    await scene.bank.read(ASSIGNMENT)
    await scene.bank.read(ASSIGNMENT)

    assert scene.pauses == [5, 10, 20, 40, 60]
    assert scene.told == [error] * 5


async def test_after_a_quarter_of_an_hour_it_is_given_up() -> None:
    scene = Scene([None, PASSING[0]])
    await scene.bank.read(ASSIGNMENT)
    with pytest.raises(Unreachable):
        await scene.bank.read(ASSIGNMENT)

    assert 840 <= sum(scene.pauses) <= 900


async def test_before_the_first_answer_it_is_given_up_soon() -> None:
    scene = Scene([PASSING[0]])
    with pytest.raises(Unreachable):
        await scene.bank.read(ASSIGNMENT)

    assert scene.pauses == [5]


@pytest.mark.parametrize(
    "error", [Refused("x"), LoginRefused("login_refused", "x"), Garbled("too_large", "lower poll.page_size")]
)
async def test_what_waiting_does_not_cure_is_told_at_once(error: BankError) -> None:
    scene = Scene([None, error])
    await scene.bank.read(ASSIGNMENT)
    with pytest.raises(type(error)):
        await scene.bank.read(ASSIGNMENT)

    assert scene.pauses == []
