"""What polls decided, in PostgreSQL: ids, totals and watermarks of a poll in one transaction."""

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, LiteralString

import psycopg

from exporter.model import (
    Checkpoint,
    Decision,
    Details,
    Duration,
    Entry,
    Family,
    Instant,
    Outcome,
    Remembered,
    SeriesKey,
    SlotDay,
    Span,
    Standing,
    Total,
)
from exporter.state.base import CommitFailed, StateUnusable, recalled_since
from exporter.state.postgres.database import Database
from exporter.state.postgres.texts import Texts

Guard = Callable[[psycopg.Connection], None]

_OPERATIONS: Final[LiteralString] = (
    "SELECT id, terminal, created, series, amount, standing, details FROM epay.operations"
)


def _unguarded(_: psycopg.Connection) -> None:
    return


class PostgresStore:
    """A state in PostgreSQL; with `only`, the part of it that is about these terminals and accounts.

    `guard` is called in each transaction that writes, before it does, and refuses it by raising CommitFailed.
    """

    def __init__(
        self,
        database: Database,
        *,
        texts: Texts | None = None,
        guard: Guard = _unguarded,
        only: Collection[str] | None = None,
    ) -> None:
        self._database = database
        self._texts = texts or Texts()
        self._guard = guard
        self._only = None if only is None else list(only)
        self._kept_since: Instant = 0

    @property
    def kept_since(self) -> Instant:
        """Entries created before it have been let go, as of the last look."""
        return self._kept_since

    def recall(self, names: Collection[str] = (), retention: Duration | None = None) -> Remembered:
        """What was committed. Raises StateUnusable where that cannot be told."""
        try:
            self._database.settle()
            with self._database.snapshot() as connection:
                return self._recall(connection, names, retention)
        except CommitFailed as error:
            raise StateUnusable(str(error)) from None
        except (ValueError, KeyError):
            raise StateUnusable(f"state {self._database.name}: the tables hold rows that are not ours") from None

    def _recall(self, connection: psycopg.Connection, names: Collection[str], retention: Duration | None) -> Remembered:
        everything = self._only is None
        checkpoints = {
            name: Checkpoint(*rest)
            for name, *rest in connection.execute(
                "SELECT name, counting_since, covered_from, watermark, newest, gap_end FROM epay.terminals "
                "WHERE %s OR name = ANY(%s)",
                (everything, self._only or []),
            )
        }
        totals, unscraped = {}, set()
        for family, labels, value, scraped in connection.execute(
            "SELECT family, labels, value, scraped FROM epay.totals WHERE %s OR owner = ANY(%s)",
            (everything, self._only or []),
        ):
            total = Total(Family(family), tuple(json.loads(labels)))
            totals[total] = value
            if not scraped:
                unscraped.add(total)
        self._look(connection)
        since = recalled_since((checkpoints[name] for name in names if name in checkpoints), retention)
        since = max(since, self._kept_since)
        entries = self._entries(connection, "created >= %s OR standing = 'followed'", (since,))
        return Remembered(checkpoints, entries, totals, since, frozenset(unscraped))

    def entries(self, span: Span) -> tuple[Entry, ...]:
        """The entries kept of a span."""
        with self._database.reading() as connection:
            return self._entries(connection, "created >= %s AND created < %s", span)

    def suspected(self, ids: Collection[bytes]) -> Collection[bytes]:
        """All of them: other replicas may have written since."""
        return ids

    def known(self, ids: Collection[bytes], names: Collection[str]) -> tuple[Entry, ...]:
        """The entries of these terminals kept of these ids."""
        with self._database.snapshot() as connection:
            numbers = list(self._texts.numbers(connection, names, give=False).values())
            found = self._entries(connection, "id = ANY(%s) AND terminal = ANY(%s)", (list(ids), numbers))
            self._look(connection)
        return found

    def _look(self, connection: psycopg.Connection) -> None:
        """How far back entries are kept: another replica may have let go of some."""
        row = connection.execute("SELECT since FROM epay.kept").fetchone()
        self._kept_since = max(self._kept_since, int(row[0]) if row else 0)

    def _entries(
        self, connection: psycopg.Connection, condition: LiteralString, values: Iterable[Any]
    ) -> tuple[Entry, ...]:
        sql: LiteralString = f"{_OPERATIONS} WHERE ({condition})"
        parameters = list(values)
        if self._only is not None:
            sql += " AND terminal = ANY(%s)"
            parameters.append(list(self._texts.numbers(connection, self._only, give=False).values()))
        rows = connection.execute(sql, parameters, binary=True).fetchall()
        numbers = {row[3] for row in rows} | {row[6] for row in rows if row[6] is not None}
        texts = self._texts.texts(connection, numbers)
        series = {number: _series(texts[number]) for number in {row[3] for row in rows}}
        details: dict[int | None, Details] = {
            number: _pairs(texts[number]) for number in {row[6] for row in rows if row[6] is not None}
        }
        details[None] = ()
        return tuple(
            Entry(bytes(id_), created, series[key][0], amount, series[key][1], Standing(standing), details[pairs])
            for id_, _, created, key, amount, standing, pairs in rows
        )

    def expire(self, before: Instant) -> None:
        """Let go of what is older, but for what is followed."""
        with self._database.transaction() as connection:
            self._guard(connection)
            # The mark first: it makes replicas that do this at the same time wait for each other.
            connection.execute("UPDATE epay.kept SET since = %s WHERE since < %s", (before, before))
            numbers = list(self._texts.numbers(connection, self._only or (), give=False).values())
            connection.execute(
                "DELETE FROM epay.operations WHERE created < %s AND standing <> 'followed' "
                "AND (%s OR terminal = ANY(%s))",
                (before, self._only is None, numbers),
            )
        self._kept_since = max(self._kept_since, before)

    def commit(self, decision: Decision) -> None:
        """Store a decision, all or nothing."""
        numbers = self._numbers_for(decision)
        with self._database.transaction() as connection:
            self._guard(connection)
            self._write_operations(connection, decision, numbers)
            self._write_totals(connection, decision)
            self._write_checkpoints(connection, decision)

    def _numbers_for(self, decision: Decision) -> dict[str, int]:
        """Of all texts of a decision: given before the transaction, since they say nothing by themselves."""
        texts = {entry.key.terminal for entry in (*decision.entries, *decision.moved)}
        texts |= {_text((*entry.key, entry.currency)) for entry in decision.entries}
        texts |= {_text(entry.details) for entry in decision.entries if entry.details}
        if not texts:
            return {}
        with self._database.reading() as connection:
            return self._texts.numbers(connection, texts, give=True)

    def _write_operations(self, connection: psycopg.Connection, decision: Decision, numbers: dict[str, int]) -> None:
        if decision.moved:
            connection.execute(
                "DELETE FROM epay.operations USING unnest(%s::bytea[], %s::integer[]) AS gone (id, terminal) "
                "WHERE operations.id = gone.id AND operations.terminal = gone.terminal",
                ([e.id for e in decision.moved], [numbers[e.key.terminal] for e in decision.moved]),
            )
        if decision.entries:
            entries = list({(entry.key.terminal, entry.id): entry for entry in decision.entries}.values())
            connection.execute(
                "INSERT INTO epay.operations (id, terminal, created, series, amount, standing, details) "
                "SELECT * FROM unnest(%s::bytea[], %s::integer[], %s::bigint[], %s::integer[], %s::bigint[], "
                "%s::text[], %s::integer[]) "
                "ON CONFLICT (id, terminal) DO UPDATE SET created = excluded.created, series = excluded.series, "
                "amount = excluded.amount, standing = excluded.standing, details = excluded.details",
                (
                    [e.id for e in entries],
                    [numbers[e.key.terminal] for e in entries],
                    [e.created for e in entries],
                    [numbers[_text((*e.key, e.currency))] for e in entries],
                    [e.amount for e in entries],
                    [e.standing.value for e in entries],
                    [numbers[_text(e.details)] if e.details else None for e in entries],
                ),
            )

    def _write_totals(self, connection: psycopg.Connection, decision: Decision) -> None:
        if decision.increments:
            totals = sorted((_row(total), amount) for total, amount in decision.increments.items())
            connection.execute(
                "INSERT INTO epay.totals (owner, family, labels, value) "
                "SELECT owner, family, labels, value::bigint "
                "FROM unnest(%s::text[], %s::text[], %s::text[], %s::numeric[]) AS t (owner, family, labels, value) "
                "ON CONFLICT (owner, family, labels) DO UPDATE SET value = totals.value + excluded.value",
                (*map(list, zip(*(row for row, _ in totals), strict=True)), [amount for _, amount in totals]),
            )
        if decision.scraped:
            rows = sorted(map(_row, decision.scraped))
            connection.execute(
                "UPDATE epay.totals SET scraped = true FROM unnest(%s::text[], %s::text[], %s::text[]) "
                "AS shown (owner, family, labels) WHERE (totals.owner, totals.family, totals.labels) = "
                "(shown.owner, shown.family, shown.labels)",
                tuple(map(list, zip(*rows, strict=True))),
            )

    def _write_checkpoints(self, connection: psycopg.Connection, decision: Decision) -> None:
        if decision.checkpoints:
            marks = decision.checkpoints
            connection.execute(
                "INSERT INTO epay.terminals (name, counting_since, covered_from, watermark, newest, gap_end) "
                "SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], "
                "%s::bigint[]) ON CONFLICT (name) DO UPDATE SET counting_since = excluded.counting_since, "
                "covered_from = excluded.covered_from, watermark = excluded.watermark, newest = excluded.newest, "
                "gap_end = excluded.gap_end",
                (
                    list(marks),
                    [mark.counting_since for mark in marks.values()],
                    [mark.covered_from for mark in marks.values()],
                    [mark.watermark for mark in marks.values()],
                    [mark.newest for mark in marks.values()],
                    [mark.gap_end for mark in marks.values()],
                ),
            )

    def history(self, names: Collection[str]) -> tuple[SlotDay, ...]:
        """The days of history kept of these terminals."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT terminal, day, kind, slots, origin FROM epay.history WHERE terminal = ANY(%s)",
                (list(names),),
                binary=True,
            )
            return tuple(SlotDay(name, day, kind, bytes(slots), origin) for name, day, kind, slots, origin in rows)

    def keep_history(self, days: Iterable[SlotDay], before: int) -> None:
        """Store days of history, and let go of older ones."""
        kept = list({(day.terminal, day.day, day.kind): day for day in days}.values())
        with self._database.transaction() as connection:
            self._guard(connection)
            connection.execute(
                "INSERT INTO epay.history (terminal, day, kind, slots, origin) "
                "SELECT * FROM unnest(%s::text[], %s::integer[], %s::text[], %s::bytea[], %s::text[]) "
                "ON CONFLICT (terminal, day, kind) DO UPDATE SET slots = excluded.slots, origin = excluded.origin",
                (
                    [day.terminal for day in kept],
                    [day.day for day in kept],
                    [day.kind for day in kept],
                    [day.values for day in kept],
                    [day.origin for day in kept],
                ),
            )
            connection.execute(
                "DELETE FROM epay.history WHERE day < %s AND (%s OR terminal = ANY(%s))",
                (before, self._only is None, self._only or []),
            )

    def close(self) -> None:
        """Close the connections; a part of a state has none of its own."""
        if self._only is None:
            self._database.close()


def _row(total: Total) -> tuple[str, str, str]:
    return total.labels[0], total.family.value, _text(total.labels)


def _text(labels: Iterable[object]) -> str:
    return json.dumps(list(labels), ensure_ascii=False, separators=(",", ":"))


def _pairs(text: str) -> Details:
    return tuple((dimension, value) for dimension, value in json.loads(text))


def _series(labels: str) -> tuple[SeriesKey, str]:
    terminal, outcome, status, code, reason_code, reason_class, currency = json.loads(labels)
    return SeriesKey(terminal, Outcome(outcome), status, code, reason_code, reason_class), currency
