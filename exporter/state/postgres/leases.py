"""Which replica holds which share: leases with an epoch, by the database's clock alone.

Every write for a share checks the lease in its own transaction, with a lock on its row that whoever takes the share
must wait for: a replica that was paused, cut off or slow can be late, but never write. A lease that has run out is
taken by another replica with the next epoch. Its holder may still renew it while nobody has: the epoch says that
nobody had it in between, so what was read before may be committed after.

**While the server refuses everybody** nobody can be given a share, so its holder may go on showing it. What it counts
on, with a lease of L and a margin M of a third of it: a holder that begins to ask at T, and at R has heard that the
server refuses, shows on until T + L, if at R it could have shown on for M at least. A share is taken from another
replica only where (1) its lease has run out, (2) somebody saw the server up L + M ago, and it has not been down since,
and (3) this is found within M of the beginning of a connection made for it. Say that it is found at F.

- The connection was let in after the refusal, so the server has come up between T and F. By (2) that was L + M before
  F at least: T + L < F, and the holder has withdrawn.
- It was let in before the server began to refuse, as in a shutdown that waits for its clients. By (3) then F <= R + M.
  But what the holder could show until, at R, is R + M at least, and no later than the end of its lease, or than what
  the first case allows after an earlier refusal: before F. So no such F can be.

Both sides measure lengths of time, each by one clock, and nobody compares clocks. It does not hold where what answers
at the address is not the server for all replicas alike: see Several replicas in README.md.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg

from exporter.sharing import Situation
from exporter.state.base import CommitFailed
from exporter.state.postgres.database import Database
from exporter.state.postgres.store import PostgresStore
from exporter.state.postgres.texts import Texts

_TAKING: Final = 0x45504154  # "EPAT": shares are taken one at a time, whoever takes them
_PATIENCE: Final = 3.0
"""Seconds until a connection must be there, where a lease is long."""

_UP: Final = (
    "SELECT 1 FROM epay.uptime WHERE server = pg_postmaster_start_time() "
    "AND since <= clock_timestamp() - %s * interval '1 s'"
)
_CLAIM: Final = """
    INSERT INTO epay.holdings (terminal, share, epoch) SELECT unnest(%s::text[]), %s, %s
    ON CONFLICT (terminal) DO UPDATE SET share = excluded.share, epoch = excluded.epoch
"""
_HELD_ELSEWHERE: Final = """
    SELECT h.terminal, l.share FROM epay.holdings h JOIN epay.leases l ON l.share = h.share AND l.epoch = h.epoch
    WHERE h.terminal = ANY(%s) AND h.share <> %s AND l.owner NOT IN ('', %s)
    AND (l.until > clock_timestamp() OR NOT %s) LIMIT 1
"""
_END_ELSEWHERE: Final = """
    UPDATE epay.leases l SET owner = '' FROM epay.holdings h WHERE l.share = h.share AND l.epoch = h.epoch
    AND h.terminal = ANY(%s) AND h.share <> %s AND l.owner NOT IN ('', %s)
"""
"""Their holders could renew them otherwise, and count terminals that are held here."""


class LeaseLost(CommitFailed):
    """The share is no longer this replica's: nothing was written, and nothing will be."""


class HeldElsewhere(CommitFailed):
    """Another replica holds one of the terminals in another share, as its configuration has it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A share as this replica holds it: with a later epoch it is another one."""

    share: str
    epoch: int


class Leases:
    """This replica's side of the leases. `seconds` is how long one lasts, by `clock`. All raise CommitFailed.

    `margin`: for how many seconds a share must still be shown for a refusal of the server's to prolong that.
    """

    def __init__(self, database: Database, replica: str, seconds: float, clock: Callable[[], float]) -> None:
        self.replica = replica
        self.seconds = seconds
        self.margin = seconds / 3
        self._patience = min(seconds / 6, _PATIENCE)
        self._database = database
        self._clock = clock
        self._texts = Texts()
        self._trouble = False

    @contextmanager
    def _beating(self) -> Iterator[psycopg.Connection]:
        """A transaction that must not take long. After one that failed, on a connection of its own.

        The pool asks a server that was away ever more rarely.
        """
        before, self._trouble = self._trouble, True
        with self._database.transaction(patience=self._patience, anew=before) as connection:
            yield connection
        self._trouble = False

    def refused(self) -> bool:
        """Whether the server refuses everybody at this moment, so that no share can be given. Never raises."""
        return self._database.refuses(self._patience)

    def look(self, knows: Collection[str], cuts: Mapping[str, str] | None = None) -> Situation:
        """Say that this replica lives, which shares it knows and how it cuts them, and see what all others say."""
        shares = sorted(knows)
        cut = [(cuts or {}).get(share, "") for share in shares]
        with self._beating() as connection:
            connection.execute(
                "INSERT INTO epay.uptime VALUES (pg_postmaster_start_time(), clock_timestamp()) ON CONFLICT DO NOTHING"
            )
            connection.execute("DELETE FROM epay.uptime WHERE server <> pg_postmaster_start_time()")
            connection.execute(
                "INSERT INTO epay.replicas (id, until, knows, cuts) "
                "VALUES (%s, clock_timestamp() + %s * interval '1 s', %s, %s) "
                "ON CONFLICT (id) DO UPDATE SET until = excluded.until, knows = excluded.knows, cuts = excluded.cuts",
                (self.replica, self.seconds, shares, cut),
            )
            connection.execute("DELETE FROM epay.replicas WHERE until < clock_timestamp() - interval '1 h'")
            connection.execute(
                "INSERT INTO epay.leases (share, until) SELECT unnest(%s::text[]), clock_timestamp() "
                "ON CONFLICT DO NOTHING",
                (shares,),
            )
            living = connection.execute(
                "SELECT id, knows, cuts FROM epay.replicas WHERE until > clock_timestamp()"
            ).fetchall()
            rows = connection.execute(
                "SELECT share, owner, until > clock_timestamp() OR (owner NOT IN ('', %s) AND NOT %s), "
                "until < clock_timestamp() - %s * interval '1 s' AND %s FROM epay.leases",
                (
                    self.replica,
                    self._settled(connection),
                    self.seconds,
                    self._settled(connection, self.seconds),
                ),
            ).fetchall()
        return Situation(
            knows={replica: frozenset(known) for replica, known, _ in living},
            owners={share: owner for share, owner, held, _ in rows if held},
            overdue=frozenset(share for share, _, _, overdue in rows if overdue),
            # One that was started before there were any says none.
            cuts={replica: dict(zip(known, its, strict=False)) for replica, known, its in living},
        )

    def _settled(self, connection: psycopg.Connection, more: float = 0.0) -> bool:
        """Whether the server has been up for so long that a share may be taken from whoever held it last."""
        return connection.execute(_UP, (self.seconds + self.margin + more,)).fetchone() is not None

    def renew(self, leases: Iterable[Lease]) -> frozenset[str]:
        """Begin the time of these leases anew; the shares that are still held, which others are not and stay lost."""
        held = list(leases)
        with self._beating() as connection:
            rows = connection.execute(
                "UPDATE epay.leases l SET until = clock_timestamp() + %s * interval '1 s' "
                "FROM unnest(%s::text[], %s::bigint[]) AS mine (share, epoch) "
                "WHERE l.share = mine.share AND l.epoch = mine.epoch AND l.owner = %s RETURNING l.share",
                (self.seconds, [each.share for each in held], [each.epoch for each in held], self.replica),
            ).fetchall()
        return frozenset(share for (share,) in rows)

    def take(self, share: str, terminals: Collection[str]) -> Lease | None:
        """The lease of a share that is free, with its terminals; None where another replica holds it or one of them."""
        names = sorted(terminals)
        with self._taking(share, names) as connection:
            settled = self._settled(connection)
            if connection.execute(_HELD_ELSEWHERE, (names, share, self.replica, settled)).fetchone() is not None:
                return None
            row = connection.execute(
                "UPDATE epay.leases SET owner = %s, epoch = epoch + 1, until = clock_timestamp() + %s * interval '1 s' "
                "WHERE share = %s AND until <= clock_timestamp() AND (owner IN ('', %s) OR %s) RETURNING epoch",
                (self.replica, self.seconds, share, self.replica, settled),
            ).fetchone()
            if row is None:
                return None
            connection.execute(_END_ELSEWHERE, (names, share, self.replica))
            connection.execute("DELETE FROM epay.holdings WHERE share = %s", (share,))
            connection.execute(_CLAIM, (names, share, row[0]))
        return Lease(share, row[0])

    def claim(self, lease: Lease, terminals: Collection[str]) -> None:
        """Hold more terminals with a lease, as a reload wants it. Raises HeldElsewhere where another replica does."""
        names = sorted(terminals)
        with self._taking(lease.share, names) as connection:
            self.guard(lease, connection)
            wanted = names, lease.share, self.replica, self._settled(connection)
            if found := connection.execute(_HELD_ELSEWHERE, wanted).fetchone():
                raise HeldElsewhere(
                    f"terminal {found[0]}: another replica reads it in share {found[1]}; try again later"
                )
            connection.execute(_END_ELSEWHERE, (names, lease.share, self.replica))
            connection.execute(_CLAIM, (names, lease.share, lease.epoch))

    @contextmanager
    def _taking(self, share: str, names: list[str]) -> Iterator[psycopg.Connection]:
        """A transaction that may take a share, or these terminals, from others: one at a time in a database."""
        begun = self._clock()
        with self._database.transaction(anew=True) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TAKING,))
            # Stronger than what commits hold (see `guard`): those of former holders have ended, or will be refused.
            rows = connection.execute(
                "SELECT owner FROM epay.leases WHERE share = %s "
                "OR share IN (SELECT share FROM epay.holdings WHERE terminal = ANY(%s)) ORDER BY share FOR UPDATE",
                (share, names),
            ).fetchall()
            yield connection
            if self._clock() - begun > self.margin and any(owner not in {"", self.replica} for (owner,) in rows):
                raise CommitFailed(
                    f"state {self._database.name}: the server is too slow to be sure that nobody shows share {share}"
                )

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
                "UPDATE epay.leases l SET until = clock_timestamp(), owner = '' "
                "FROM unnest(%s::text[], %s::bigint[]) AS mine (share, epoch) WHERE l.share = mine.share "
                "AND l.epoch = mine.epoch AND l.owner = %s",
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

    def hang_up(self) -> None:
        """Have all that waits for the server fail at once, and all that would. Waits for nothing."""
        self._database.hang_up()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
