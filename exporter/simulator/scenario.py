"""Named scenarios: what goes wrong in the world or at the bank's door, and when."""

from dataclasses import dataclass
from typing import Literal

from exporter.simulator.verdicts import (
    ACQUIRER_FAULT,
    ISSUER_UNAVAILABLE,
    NEVER_SEEN,
    NO_CONNECTION,
    SYSTEM_MALFUNCTION,
    Verdict,
)

Door = Literal["open", "down", "login-refused", "slow"]

# The issuer that goes down in `issuer-outage`; about every sixth sender holds its card.
TROUBLED_ISSUER = "Tulpar Bank"


@dataclass(frozen=True, slots=True)
class Disturbance:
    """How the world differs from its usual self while a scenario lasts."""

    volume: float = 1.0
    failing_share: float = 0.0
    failures: tuple[Verdict, ...] = ()
    issuer: str = ""  # only senders with this issuer's card fail; empty: all
    stuck_share: float = 0.0  # operations that stay pending until the scenario ends
    door: Door = "open"


CALM = Disturbance()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A disturbance with a name and one line that explains it."""

    description: str
    disturbance: Disturbance


_SCENARIOS: dict[str, Scenario] = {
    "normal-day": Scenario("the usual traffic; nothing to page about", CALM),
    "total-outage": Scenario("not a single operation arrives", Disturbance(volume=0.0)),
    "drop-by-half": Scenario("half of the usual operations", Disturbance(volume=0.5)),
    "spike": Scenario("three times the usual operations", Disturbance(volume=3.0)),
    "technical-failures": Scenario(
        "four of ten operations fail for technical reasons (496, 461, 502)",
        Disturbance(failing_share=0.4, failures=(SYSTEM_MALFUNCTION, ACQUIRER_FAULT, NO_CONNECTION)),
    ),
    "new-code": Scenario(
        "every sixth operation fails with a result code never seen before (711)",
        Disturbance(failing_share=0.16, failures=(NEVER_SEEN,)),
    ),
    "issuer-outage": Scenario(
        f"cards of one issuer ({TROUBLED_ISSUER}) fail with 494, the others work",
        Disturbance(failing_share=0.95, failures=(ISSUER_UNAVAILABLE,), issuer=TROUBLED_ISSUER),
    ),
    "stuck-pending": Scenario("three of ten operations stay pending to the end", Disturbance(stuck_share=0.3)),
    "bank-down": Scenario("the bank answers everything with 503 and a maintenance page", Disturbance(door="down")),
    "login-refused": Scenario("tokens are revoked and every login is refused", Disturbance(door="login-refused")),
    "slow-bank": Scenario("every answer takes longer than a client should wait", Disturbance(door="slow")),
}

SCENARIOS: dict[str, str] = {name: scenario.description for name, scenario in _SCENARIOS.items()}


@dataclass(frozen=True, slots=True)
class Timeline:
    """A scenario placed in time: normal before `begin` and from `end` on (microseconds since the epoch)."""

    disturbance: Disturbance
    begin: int
    end: int

    def at(self, moment: int) -> Disturbance:
        """What holds at this moment."""
        return self.disturbance if self.begin <= moment < self.end else CALM

    def touches(self, begin: int, end: int) -> bool:
        """Whether any of the span is disturbed."""
        return self.begin < end and begin < self.end


def timeline(name: str, start: int, delay: float, duration: float, speed: float) -> Timeline:
    """The scenario's place in time: its phases, in seconds of the world, pass `speed` times as fast."""
    begin = start + round(delay * 1_000_000 / speed)
    return Timeline(_SCENARIOS[name].disturbance, begin, begin + round(duration * 1_000_000 / speed))
