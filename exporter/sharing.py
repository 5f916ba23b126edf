"""Terminals divided among replicas on one state: what the parts are, and which replica takes or hands over which.

A share is what one request to the bank asks for: an account, or a hundred terminals of one that has more. So however
many replicas there are, a poll makes as many requests as one exporter would.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
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


def cut_of(share: Account) -> str:
    """What a share is made of, in short: by two configurations it may be other terminals under the same name."""
    names = sorted(terminal.name for terminal in share.terminals)
    return blake2b(repr(names).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Situation:
    """What the database says of all replicas at one moment.

    knows: the shares that each living replica is configured with. owners: who holds the lease of a share that is held.
    overdue: shares that have been free for so long that whoever sees them may take them. cuts: what the shares are made
    of, by replica, as `cut_of` says it.
    """

    knows: Mapping[str, frozenset[str]]
    owners: Mapping[str, str]
    overdue: frozenset[str] = frozenset()
    cuts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def knowing(self, share: str) -> list[str]:
        """The living replicas that are configured with a share."""
        return [replica for replica, its in self.knows.items() if share in its]

    def sides(self) -> tuple[frozenset[str], dict[str, frozenset[tuple[str, str]]]]:
        """The shares of which replicas have different cuts, as while an update rolls, and each replica's cuts of them.

        Who takes one from the other side cannot read it: some of its terminals are held there in another share.
        """
        of_shares: dict[str, set[str]] = {}
        for its in self.cuts.values():
            for share, cut in its.items():
                of_shares.setdefault(share, set()).add(cut)
        disputed = frozenset(share for share, cuts in of_shares.items() if len(cuts) > 1)
        return disputed, {
            replica: frozenset((share, cut) for share, cut in self.cuts.get(replica, {}).items() if share in disputed)
            for replica in self.knows
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What one replica is to do now."""

    take: tuple[str, ...] = ()
    release: tuple[str, ...] = ()


def plan(me: str, situation: Situation) -> Plan:
    """Free shares go to the replica with the fewest that knows them; one with two more than another hands over.

    All replicas that see the same decide the same, and nothing moves that does not even things out. Shares that two
    configurations cut differently stay with those that read by the one by which they are held, until none of them is
    left: the others could not take them, and nobody would read them meanwhile.
    """
    loads = dict.fromkeys(situation.knows, 0)
    owners = {share: owner for share, owner in situation.owners.items() if owner in loads}
    for owner in owners.values():
        loads[owner] += 1
    disputed, sides = situation.sides()
    reading = {sides[owner] for share, owner in owners.items() if share in disputed} or {
        sides[owner] for share, owner in owners.items() if any(share not in its for its in situation.knows.values())
    }
    known = sorted({share for shares in situation.knows.values() for share in shares})
    take = []
    for share in known:
        able = situation.knowing(share)
        if share in disputed:
            able = [replica for replica in able if sides[replica] in reading] or able
        if share not in situation.owners and (taker := _least(able, loads)):
            loads[taker] += 1
            if share in disputed:
                reading.add(sides[taker])
            if taker == me or (share in situation.overdue and share in situation.knows.get(me, ())):
                take.append(share)
    return Plan(tuple(take), _surplus(me, situation, owners, loads))


def _least(able: Iterable[str], loads: Mapping[str, int]) -> str | None:
    return min(able, key=lambda replica: (loads[replica], replica), default=None)


def _surplus(me: str, situation: Situation, owners: Mapping[str, str], loads: dict[str, int]) -> tuple[str, ...]:
    """The shares of mine that move when all move that should."""
    disputed, sides = situation.sides()
    released = []
    for share in sorted(owners):
        giver = owners[share]
        able = situation.knowing(share)
        if share in disputed:
            able = [replica for replica in able if sides[replica] == sides[giver]]
        taker = _least(able, loads)
        if taker is not None and loads[giver] - loads[taker] >= 2:
            loads[giver] -= 1
            loads[taker] += 1
            if giver == me:
                released.append(share)
    return tuple(released)
