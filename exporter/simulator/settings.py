"""Everything that can be asked of the simulator, with the documented bank as the default."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

from exporter.simulator.faults import FAULTS
from exporter.simulator.scenario import SCENARIOS


@dataclass(frozen=True, slots=True)
class Settings:
    """The world, the scenario, the faults, and the points in which a real bank may differ from its documentation."""

    # the world
    seed: int = 1
    terminals: int = 6  # the known ones; more of them are made
    scenario: str = "normal-day"
    scenario_delay: float = 120.0  # seconds of the world from the start to the disturbance
    scenario_duration: float = 1800.0
    scenario_terminals: tuple[str, ...] = ()  # numbers of the terminals that are disturbed; empty: all
    speed: float = 1.0
    traffic: float = 1.0
    local_hour: int | None = None  # the world's hour in Kazakhstan at the start; None: the real one
    history_days: int = 36
    late_share: float = 0.02
    pending_share: float = 0.08
    reversal_share: float = 0.0  # of successes that turn into refunds some minutes later
    duplicate_share: float = 0.0  # of operations that are sent once more within a minute
    date_times: Literal["plain", "mixed"] = "plain"
    reason_codes: Literal["number", "text"] = "number"

    # the account
    username: str = "demo"
    password: str = "demo"  # noqa: S105 — the demo account has no secrets
    client_id: str = "demo"
    client_secret: str = "demo"  # noqa: S105 — the same
    token_lifetime: int = 7200  # seconds
    token_body: Literal["any", "urlencoded", "form-data"] = "any"  # noqa: S105 — a kind of body
    tokens: Literal["many", "single"] = "many"  # single: a new token revokes the one before
    expires_in: Literal["number", "text"] = "number"

    # the list
    period_field: Literal["created_at", "created_date"] = "created_at"
    paging: Literal["offset", "page-index"] = "offset"
    size_cap: int = 500
    bounds: Literal["inclusive", "exclusive", "half-open"] = "inclusive"
    terminal_id: Literal["number", "uuid"] = "number"
    empty_records: Literal["null", "list", "missing"] = "null"
    error_status: Literal[200, 400] = 400
    clock_skew: float = 0.0  # seconds that the bank's clock is ahead

    # what goes wrong
    faults: Mapping[str, float] = field(default_factory=dict)  # name → probability per request
    slow_seconds: float = 12.0
    retry_after: int = 2

    def __post_init__(self) -> None:
        """Refuse what no simulator could be built from."""
        _check_known("scenario", self.scenario, SCENARIOS)
        if self.speed <= 0 or self.traffic < 0:
            raise ValueError("speed must be above zero and traffic not below it")
        if self.scenario_delay < 0 or self.scenario_duration <= 0:
            raise ValueError("a scenario's delay must not be negative and its duration must be above zero")
        for name, rate in self.faults.items():
            _check_known("fault", name, FAULTS)
            if not 0 <= rate <= 1:
                raise ValueError(f"the rate of fault {name!r} must be between 0 and 1, not {rate}")

    @property
    def skew(self) -> int:
        """The clock's skew in microseconds."""
        return round(self.clock_skew * 1_000_000)

    def with_fault(self, text: str) -> Self:
        """These settings with one more fault, written as `html=0.05`."""
        name, separator, rate = text.partition("=")
        _check_known("fault", name, FAULTS)
        try:
            parsed = float(rate)
        except ValueError:
            raise ValueError(f"a fault is written NAME=RATE with a rate from 0 to 1, not {text!r}") from None
        if not separator:
            raise ValueError(f"fault {name!r} needs a rate: {name}=0.05")
        return dataclasses.replace(self, faults={**self.faults, name: parsed})

    def with_variant(self, name: str, value: str) -> Self:
        """These settings with one point changed, by the names in VARIANTS."""
        _check_known("variant", name, VARIANTS)
        variant = _VARIANTS[name]
        if variant.choices and value not in variant.choices:
            raise ValueError(f"variant {name!r} is one of {', '.join(variant.choices)}, not {value!r}")
        try:
            parsed = variant.parse(value)
        except ValueError:
            raise ValueError(f"variant {name!r} cannot be {value!r}: {variant.description}") from None
        changes: dict[str, Any] = {variant.field: parsed}
        return dataclasses.replace(self, **changes)


class _Variant(NamedTuple):
    field: str
    description: str
    choices: tuple[str, ...] = ()
    parse: Callable[[str], object] = str


def _at_least(minimum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if number < minimum:
            raise ValueError(text)
        return number

    return parse


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def _hour(text: str) -> int:
    hour = int(text)
    if not 0 <= hour < 24:
        raise ValueError(text)
    return hour


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_VARIANTS: dict[str, _Variant] = {
    "period-field": _Variant("period_field", "name of the mandatory period", ("created_at", "created_date")),
    "paging": _Variant("paging", "what paging.page means", ("offset", "page-index")),
    "size-cap": _Variant("size_cap", "most records on a page, whatever is asked", (), _at_least(1)),
    "bounds": _Variant("bounds", "ends of between", ("inclusive", "exclusive", "half-open")),
    "terminal-id": _Variant("terminal_id", "what the filter terminal_id takes", ("number", "uuid")),
    "empty-records": _Variant("empty_records", "records where there are none", ("null", "list", "missing")),
    "error-status": _Variant("error_status", "HTTP status of an error body", ("200", "400"), int),
    "token-body": _Variant("token_body", "body that the login takes", ("any", "urlencoded", "form-data")),
    "tokens": _Variant("tokens", "single: a new token revokes the one before", ("many", "single")),
    "token-lifetime": _Variant("token_lifetime", "seconds, at least 1", (), _at_least(1)),
    "expires-in": _Variant("expires_in", "type of expires_in", ("number", "text")),
    "date-times": _Variant("date_times", "mixed: +05:00 and +06:00, 0 to 7 digits", ("plain", "mixed")),
    "reason-codes": _Variant("reason_codes", "type of reasonCode", ("number", "text")),
    "clock-skew": _Variant("clock_skew", "seconds that the bank's clock is ahead", (), float),
    "terminals": _Variant(
        "terminals", "how many there are, at least 6: 98500006 is the first made one", (), _at_least(6)
    ),
    "traffic": _Variant("traffic", "factor on all traffic", (), float),
    "local-hour": _Variant("local_hour", "hour of the world's day at the start, 0 to 23", (), _hour),
    "history-days": _Variant("history_days", "days before the start that can be asked for", (), _at_least(0)),
    "late-share": _Variant("late_share", "share of operations listed late, 0 to 1", (), _share),
    "pending-share": _Variant("pending_share", "share that starts pending, 0 to 1", (), _share),
    "reversal-share": _Variant("reversal_share", "share of successes refunded later, 0 to 1", (), _share),
    "duplicate-share": _Variant("duplicate_share", "share sent twice within a minute, 0 to 1", (), _share),
    "scenario-delay": _Variant("scenario_delay", "seconds of the world before the disturbance", (), float),
    "scenario-duration": _Variant("scenario_duration", "seconds of the world that it lasts", (), float),
    "scenario-terminals": _Variant("scenario_terminals", "numbers of the disturbed terminals, comma", (), _numbers),
    "slow-seconds": _Variant("slow_seconds", "how long a slow answer takes", (), float),
    "retry-after": _Variant("retry_after", "seconds in Retry-After of a 429", (), _at_least(0)),
}

VARIANTS: dict[str, str] = {
    name: f"{variant.description} ({' | '.join(variant.choices)})" if variant.choices else variant.description
    for name, variant in _VARIANTS.items()
}


def _check_known(kind: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise ValueError(f"unknown {kind} {name!r}; there are: {', '.join(known)}")
