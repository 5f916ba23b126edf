"""How many requests an hour the settings will cost: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from exporter.config.durations import format_duration
from exporter.config.records import Account, Poll, TerminalFilter
from exporter.doctor.finding import Finding, Verdict
from exporter.model import HOUR, SECOND, Duration, Policy
from exporter.windows import CLOSED_HOURS


@dataclass(frozen=True, slots=True)
class CostFacts:
    """What the figure is made from. `volumes`: how many records stretches of different lengths hold."""

    account: Account
    poll: Poll
    policy: Policy
    page_size: int
    token_life: float
    volumes: Mapping[Duration, int]


def cost_finding(facts: CostFacts) -> Finding:
    """Requests an hour at rest, by what asks for them, against the rate budget."""
    poll, policy = facts.poll, facts.policy
    one_list = facts.account.terminal_filter is TerminalFilter.CLIENT
    batches = 1 if one_list else ceil(len(facts.account.terminals) / policy.batch)
    rate = max((count / width for width, count in facts.volumes.items()), default=0.0)
    head = _pages(rate * (policy.overlap + poll.interval), facts.page_size, batches)
    sweep = _pages(rate * poll.lookback, facts.page_size, batches)
    heads, sweeps = HOUR / poll.interval * head, HOUR / poll.sweep_interval * sweep
    life = facts.token_life
    logins = HOUR / SECOND / max(life - min(60.0, life / 10), 1.0) if life else 0.0
    reconciliation = CLOSED_HOURS * _pages(rate * HOUR, facts.page_size, batches)
    total = heads + sweeps + reconciliation + logins
    budget = poll.requests_per_second * HOUR / SECOND
    evidence = (
        f"heads {heads:.0f} (every {format_duration(poll.interval)}, {head} pages), "
        f"sweeps {sweeps:.0f} (every {format_duration(poll.sweep_interval)}, {sweep} pages), "
        f"reconciliation {reconciliation:.0f} ({CLOSED_HOURS} closed hours), logins {logins:.1f}; "
        f"{rate * HOUR:.0f} operations an hour at the busiest, pages of {facts.page_size}, batches: {batches}"
    )
    answer = (
        f"about {total:.0f} requests an hour, {100 * total / budget:.0f} % of the budget; "
        f"up to {policy.follow_spans} more each sweep while old operations are pending"
    )
    if total > budget:
        answer = f"about {total:.0f} requests an hour, more than requests_per_second allows ({budget:.0f})"
        return Finding("cost", Verdict.PROBLEM, f"{answer}: raise poll.interval or poll.sweep_interval", evidence)
    return Finding("cost", Verdict.OK, answer, evidence)


def _pages(operations: float, size: int, batches: int) -> int:
    """Requests for one reading: at least one a batch."""
    return max(batches, ceil(operations / size) + batches - 1)
