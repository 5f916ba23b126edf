"""Terminals divided among replicas on one state: what the parts are, and which replica takes or hands over which.

A share is what one request to the bank asks for: an account, or a hundred terminals of one that has more. So however
many replicas there are, a poll makes as many requests as one exporter would.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from exporter.config import Account, TerminalFilter

MOST: Final = 100
"""Terminals of a share: as many as one request can name."""


def shares(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """The shares, each as an account of its own. The parts of an account are called `main/1`, `main/2`, everywhere.

    They are cut in the order of the file, so that a terminal added at its end moves no other. Where the bank lists all
    of an account's terminals in each answer, it is not cut: every part would ask for all of it.
    """
    return tuple(part for account in accounts for part in _cut(account))


def _cut(account: Account) -> list[Account]:
    terminals = account.terminals
    if len(terminals) <= MOST or account.terminal_filter is TerminalFilter.CLIENT:
        return [account]
    parts = -(-len(terminals) // MOST)
    return [
        replace(
            account,
            name=f"{account.name}/{number + 1}",
            terminals=tuple(
                replace(terminal, account=f"{account.name}/{number + 1}")
                for terminal in terminals[number * MOST : (number + 1) * MOST]
            ),
            parts=parts,
        )
        for number in range(parts)
    ]


@dataclass(frozen=True, slots=True)
class Situation:
    """What the database says of all replicas at one moment.

    knows: the shares that each living replica is configured with. owners: who holds the lease of a share that is held.
    overdue: shares that have been free for so long that whoever sees them may take them.
    """

    knows: Mapping[str, frozenset[str]]
    owners: Mapping[str, str]
    overdue: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one replica is to do now."""

    take: tuple[str, ...] = ()
    release: tuple[str, ...] = ()


def plan(me: str, situation: Situation) -> Plan:
    """Free shares go to the replica with the fewest that knows them; one with two more than another hands over.

    All replicas that see the same decide the same, and nothing moves that does not even things out.
    """
    loads = dict.fromkeys(situation.knows, 0)
    owners = {share: owner for share, owner in situation.owners.items() if owner in loads}
    for owner in owners.values():
        loads[owner] += 1
    known = sorted({share for shares in situation.knows.values() for share in shares})
    take = []
    for share in known:
        if share not in situation.owners and (taker := _least(share, situation.knows, loads)):
            loads[taker] += 1
            if taker == me or (share in situation.overdue and share in situation.knows.get(me, ())):
                take.append(share)
    return Plan(tuple(take), _surplus(me, situation.knows, owners, loads))


def _least(share: str, knows: Mapping[str, frozenset[str]], loads: Mapping[str, int]) -> str | None:
    able = [replica for replica in knows if share in knows[replica]]
    return min(able, key=lambda replica: (loads[replica], replica), default=None)


def _surplus(
    me: str, knows: Mapping[str, frozenset[str]], owners: Mapping[str, str], loads: dict[str, int]
) -> tuple[str, ...]:
    """The shares of mine that move when all move that should."""
    released = []
    for share in sorted(owners):
        giver, taker = owners[share], _least(share, knows, loads)
        if taker is not None and loads[giver] - loads[taker] >= 2:
            loads[giver] -= 1
            loads[taker] += 1
            if giver == me:
                released.append(share)
    return tuple(released)
