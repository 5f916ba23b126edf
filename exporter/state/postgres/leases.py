"""Which replica holds which share: leases with an epoch, by the database's clock alone.

A lease that has run out is never renewed, only taken anew, with the next epoch. Every write for a share checks the
lease in its own transaction, with a lock on its row that whoever takes the share must wait for: a replica that was
paused, cut off or slow can be late, but never write.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import psycopg

from exporter.sharing import Situation
from exporter.state.base import CommitFailed
from exporter.state.postgres.database import Database
from exporter.state.postgres.store import PostgresStore
from exporter.state.postgres.texts import Texts

_TAKING: Final = 0x45504154  # "EPAT": shares are taken one at a time, whoever takes them
_CLAIM: Final = """
    INSERT INTO epay.holdings (terminal, share, epoch) SELECT unnest(%s::text[]), %s, %s
    ON CONFLICT (terminal) DO UPDATE SET share = excluded.share, epoch = excluded.epoch
"""
_HELD_ELSEWHERE: Final = """
    SELECT h.terminal, l.share FROM epay.holdings h JOIN epay.leases l ON l.share = h.share AND l.epoch = h.epoch
    WHERE h.terminal = ANY(%s) AND h.share <> %s AND l.owner <> %s AND l.until > clock_timestamp() LIMIT 1
"""


class LeaseLost(CommitFailed):
    """The share is no longer this replica's: nothing was written, and nothing will be."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A share as this replica holds it: with a later epoch it is another one."""

    share: str
    epoch: int


class Leases:
    """This replica's side of the leases. `seconds` is how long one lasts. All raise CommitFailed."""

    def __init__(self, database: Database, replica: str, seconds: float) -> None:
        self.replica = replica
        self.seconds = seconds
        self._database = database
        self._texts = Texts()

    def look(self, knows: Collection[str]) -> Situation:
        """Say that this replica lives and which shares it knows, and see what all others say."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO epay.replicas (id, until, knows) VALUES (%s, clock_timestamp() + %s * interval '1 s', %s) "
                "ON CONFLICT (id) DO UPDATE SET until = excluded.until, knows = excluded.knows",
                (self.replica, self.seconds, sorted(knows)),
            )
            connection.execute("DELETE FROM epay.replicas WHERE until < clock_timestamp() - interval '1 h'")
            connection.execute(
                "INSERT INTO epay.leases (share, until) SELECT unnest(%s::text[]), clock_timestamp() "
                "ON CONFLICT DO NOTHING",
                (sorted(knows),),
            )
            living = connection.execute(
                "SELECT id, knows FROM epay.replicas WHERE until > clock_timestamp()"
            ).fetchall()
            rows = connection.execute(
                "SELECT share, owner, until > clock_timestamp(), "
                "until < clock_timestamp() - %s * interval '1 s' FROM epay.leases",
                (self.seconds,),
            ).fetchall()
        return Situation(
            knows={replica: frozenset(shares) for replica, shares in living},
            owners={share: owner for share, owner, held, _ in rows if held},
            overdue=frozenset(share for share, _, _, overdue in rows if overdue),
        )

    def renew(self, leases: Iterable[Lease]) -> frozenset[str]:
        """Begin the time of these leases anew; the shares that are still held, which others are not and stay lost."""
        held = list(leases)
        with self._database.transaction() as connection:
            rows = connection.execute(
                "UPDATE epay.leases l SET until = clock_timestamp() + %s * interval '1 s' "
                "FROM unnest(%s::text[], %s::bigint[]) AS mine (share, epoch) "
                "WHERE l.share = mine.share AND l.epoch = mine.epoch AND l.owner = %s "
                "AND l.until > clock_timestamp() RETURNING l.share",
                (self.seconds, [each.share for each in held], [each.epoch for each in held], self.replica),
            ).fetchall()
        return frozenset(share for (share,) in rows)

    def take(self, share: str, terminals: Collection[str]) -> Lease | None:
        """The lease of a share that is free, with its terminals; None where another replica holds it or one of them."""
        names = sorted(terminals)
        with self._database.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TAKING,))
            # Stronger than what commits hold (see `guard`): those of former holders have ended, or will be refused.
            connection.execute(
                "SELECT 1 FROM epay.leases WHERE share = %s "
                "OR share IN (SELECT share FROM epay.holdings WHERE terminal = ANY(%s)) ORDER BY share FOR UPDATE",
                (share, names),
            )
            if connection.execute(_HELD_ELSEWHERE, (names, share, self.replica)).fetchone() is not None:
                return None
            row = connection.execute(
                "UPDATE epay.leases SET owner = %s, epoch = epoch + 1, until = clock_timestamp() + %s * interval '1 s' "
                "WHERE share = %s AND until <= clock_timestamp() RETURNING epoch",
                (self.replica, self.seconds, share),
            ).fetchone()
            if row is None:
                return None
            connection.execute("DELETE FROM epay.holdings WHERE share = %s", (share,))
            connection.execute(_CLAIM, (names, share, row[0]))
        return Lease(share, row[0])

    def claim(self, lease: Lease, terminals: Collection[str]) -> None:
        """Hold more terminals with a lease, as a reload wants it. Raises CommitFailed where another replica does."""
        names = sorted(terminals)
        with self._database.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TAKING,))
            self.guard(lease, connection)
            connection.execute(
                "SELECT 1 FROM epay.leases WHERE share <> %s AND share IN "
                "(SELECT share FROM epay.holdings WHERE terminal = ANY(%s)) ORDER BY share FOR UPDATE",
                (lease.share, names),
            )
            if found := connection.execute(_HELD_ELSEWHERE, (names, lease.share, self.replica)).fetchone():
                raise CommitFailed(
                    f"terminal {found[0]}: another replica reads it in share {found[1]}; try again later"
                )
            connection.execute(_CLAIM, (names, lease.share, lease.epoch))

    def let_go(self, lease: Lease, kept: Collection[str]) -> None:
        """Hold only these terminals with a lease any more."""
        with self._database.transaction() as connection:
            self.guard(lease, connection)
            connection.execute(
                "DELETE FROM epay.holdings WHERE share = %s AND terminal <> ALL(%s)", (lease.share, list(kept))
            )

    def release(self, leases: Iterable[Lease], *, leaving: bool = False) -> None:
        """Give leases back, so that others need not wait for their end; with `leaving`, as the last thing."""
        held = list(leases)
        with self._database.transaction() as connection:
            if leaving:
                connection.execute("DELETE FROM epay.replicas WHERE id = %s", (self.replica,))
            connection.execute(
                "UPDATE epay.leases l SET until = clock_timestamp() "
                "FROM unnest(%s::text[], %s::bigint[]) AS mine (share, epoch) WHERE l.share = mine.share "
                "AND l.epoch = mine.epoch AND l.owner = %s AND l.until > clock_timestamp()",
                ([each.share for each in held], [each.epoch for each in held], self.replica),
            )

    def guard(self, lease: Lease, connection: psycopg.Connection) -> None:
        """Refuse a transaction that writes for a share unless its lease is good, and stays so until it has ended.

        A key share lock does not wait for renewals, nor they for it; whoever takes the share must wait.
        """
        row = connection.execute(
            "SELECT 1 FROM epay.leases WHERE share = %s AND owner = %s AND epoch = %s AND until > clock_timestamp() "
            "FOR KEY SHARE",
            (lease.share, self.replica, lease.epoch),
        ).fetchone()
        if row is None:
            raise LeaseLost(f"state {self._database.name}: share {lease.share}: the lease is lost")

    def store(self, lease: Lease, terminals: Collection[str]) -> PostgresStore:
        """The part of the state that is of a share."""
        return PostgresStore(
            self._database,
            texts=self._texts,
            guard=lambda connection: self.guard(lease, connection),
            only=(lease.share, *terminals),
        )

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
