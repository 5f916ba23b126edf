"""The partial file: nothing twice, all or nothing, and only for the task that began it."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.backfill import Grid, Spool, SpoolUnusable, Wanted, partial_of
from exporter.backfill.sieve import Row, Stranger
from exporter.backfill.spool import Tally
from exporter.model import DAY, HOUR, MINUTE, Outcome, SeriesKey, Span
from tests.builders import T0, id_of
from tests.tools import series

GRID = Grid(T0, T0 + DAY, MINUTE)
WANTED = Wanted("now-1d", "now", GRID, ("main/wallet",), "tables")
FIRST = Span(T0, T0 + HOUR)
SECOND_ = Span(T0 + HOUR, T0 + 2 * HOUR)
OK = series("wallet", Outcome.SUCCESS)
WAITING = series("wallet", Outcome.PENDING, "new", "", "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return partial_of(tmp_path / "history.om")


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path, WANTED)
    yield spool
    spool.close()


def row(name: str, created: int = T0, key: SeriesKey = OK, amount: int = 100, currency: str = "KZT") -> Row:
    return Row(id_of(name), created, key, currency, amount)


def take(
    spool: Spool, *rows: Row, span: Span = FIRST, complete: bool = True, strangers: tuple[Stranger, ...] = ()
) -> None:
    spool.take("main/wallet", span, rows, strangers, complete=complete, onward=True)


def held(spool: Spool) -> dict[tuple[SeriesKey, str], list[tuple[int, int]]]:
    return {pair: list(spool.increments((number,))) for pair, number in spool.series().items()}


def test_the_frontier_moves_with_what_is_kept_and_survives(path: Path) -> None:
    spool = Spool(path, WANTED)
    assert (spool.resumed, spool.frontier("main/wallet")) == (False, T0)
    take(spool, row("a"))
    spool.close()

    spool = Spool(path, WANTED)
    assert (spool.resumed, spool.frontier("main/wallet")) == (True, T0 + HOUR)
    assert held(spool) == {(OK, "KZT"): [(T0, 100)]}
    spool.close()


def test_an_operation_that_two_spans_bring_is_one_with_its_latest_status(spool: Spool) -> None:
    take(spool, row("a", key=WAITING))
    assert spool.tally().pending == 1
    assert spool.pending(["wallet"], T0) == [T0]
    take(spool, row("a", T0 + 5, amount=200), span=SECOND_)

    assert held(spool) == {(WAITING, "KZT"): [], (OK, "KZT"): [(T0 + 5, 200)]}
    assert spool.tally() == Tally(1, 0, {"foreign": 0}, ())
    assert spool.pending(["wallet"], T0) == []


def test_pending_operations_are_those_of_the_terminals_asked_for_and_young_enough(spool: Spool) -> None:
    take(spool, row("a", key=WAITING), row("b", T0 + 9, WAITING), row("c", T0 + 9, WAITING._replace(terminal="shop")))

    assert spool.pending(["wallet"], T0 + 1) == [T0 + 9]
    assert spool.pending(["wallet", "shop"], T0) == [T0, T0 + 9, T0 + 9]


def test_several_series_come_as_one_in_order_of_time(spool: Spool) -> None:
    take(spool, row("a", T0 + 3), row("b", T0 + 1), row("c", T0 + 2, currency="USD", amount=7))
    numbers = list(spool.series().values())

    assert list(spool.increments(numbers)) == [(T0 + 1, 100), (T0 + 2, 7), (T0 + 3, 100)]
    assert list(spool.increments(())) == []


def test_a_span_that_did_not_add_up_is_remembered_until_it_does(spool: Spool) -> None:
    take(spool, complete=False)
    assert spool.tally().incomplete == (("main/wallet", FIRST),)
    halves = spool.halve("main/wallet", FIRST)
    assert sorted(spool.incomplete("main/wallet")) == list(halves)
    spool.take("main/wallet", halves[0], (), (), complete=True, onward=False)

    assert spool.incomplete("main/wallet") == [halves[1]]
    assert spool.frontier("main/wallet") == FIRST.end


def test_strangers_count_once_and_not_when_they_turn_out_to_be_readable(spool: Spool) -> None:
    take(spool, strangers=(Stranger(id_of("x"), "amount"), Stranger(id_of("y"), "foreign")))
    take(spool, row("x"), span=SECOND_, strangers=(Stranger(id_of("y"), "foreign"), Stranger(id_of("z"), "date")))

    assert spool.tally().strangers == {"foreign": 1, "date": 1}


def test_what_fails_half_way_leaves_nothing_behind(spool: Spool) -> None:
    broken = row("b")._replace(amount=2**70)
    with pytest.raises(OverflowError):
        take(spool, row("a"), broken)
    assert spool.series() == {}
    take(spool, row("a"))

    assert held(spool) == {(OK, "KZT"): [(T0, 100)]}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(WANTED, start="now-2d", grid=GRID._replace(start=T0 - DAY)), "--from=now-1d (2026-09-21T14:13:20Z)"),
        (replace(WANTED, end="2026-09-23", grid=GRID._replace(end=T0 + HOUR)), "--to=now (2026-09-22T14:13:20Z)"),
        (replace(WANTED, grid=GRID._replace(step=2 * MINUTE)), "--step=1m, not 2m"),
        (replace(WANTED, terminals=("main/shop",)), "other terminals in the configuration"),
        (replace(WANTED, meaning="others"), "other outcomes, reason_codes or limits in the configuration"),
    ],
)
def test_another_task_is_refused_with_what_differs(path: Path, wanted: Wanted, said: str) -> None:
    Spool(path, WANTED).close()
    with pytest.raises(SpoolUnusable) as raised:
        Spool(path, wanted)
    assert f"{path}: was begun with {said}" in str(raised.value)
    assert "use the same to go on, or remove the file to begin anew" in str(raised.value)


def test_now_stays_what_it_was_when_it_was_begun(path: Path) -> None:
    Spool(path, WANTED).close()
    spool = Spool(path, replace(WANTED, grid=Grid(T0 + HOUR, T0 + DAY + HOUR, MINUTE)))
    assert spool.grid == GRID
    spool.close()


def test_the_same_times_may_be_written_otherwise(path: Path) -> None:
    Spool(path, WANTED).close()
    spool = Spool(path, replace(WANTED, start="2026-09-21T14:13:20Z"))
    assert spool.grid == GRID
    spool.close()


def test_two_at_once_are_refused(spool: Spool, path: Path) -> None:
    with pytest.raises(SpoolUnusable, match="another backfill is at work on it"):
        Spool(path, WANTED)


def test_a_file_of_something_else_is_left_alone(path: Path) -> None:
    path.write_text("notes of somebody " * 100)
    with pytest.raises(SpoolUnusable, match="is no partial file of a backfill, and is left alone"):
        Spool(path, WANTED)
    assert path.read_text().startswith("notes of somebody")

    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE accounts (id)")
    other.close()
    with pytest.raises(SpoolUnusable, match="is no partial file of a backfill, and is left alone"):
        Spool(path, WANTED)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnusable, match="cannot be written: check the directory and its permissions"):
        Spool(tmp_path / "none" / "x.partial", WANTED)


def test_a_damaged_file_is_told(path: Path) -> None:
    spool = Spool(path, WANTED)
    take(spool, *(row(str(number), T0 + number) for number in range(2_000)))
    spool.close()
    with path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * (path.stat().st_size - 8 * 4096))
    spool = Spool(path, WANTED)
    with pytest.raises(SpoolUnusable, match="is damaged: remove it to begin anew"):
        spool.tally()
    spool.close()


def test_a_full_disk_is_told_and_leaves_what_was_there(spool: Spool) -> None:
    take(spool, row("a"))
    spool._db.execute("PRAGMA max_page_count = 1")  # SQLite takes it as: not one page more than there are
    with pytest.raises(SpoolUnusable, match="the disk is full: free some space, then give the same command to go on"):
        take(spool, *(row(str(number), T0 + number) for number in range(2_000)), span=SECOND_)

    assert spool.frontier("main/wallet") == FIRST.end
    assert held(spool) == {(OK, "KZT"): [(T0, 100)]}


def test_a_closed_file_is_told_by_sqlites_own_name(path: Path) -> None:
    spool = Spool(path, WANTED)
    spool.close()
    with pytest.raises(SpoolUnusable, match="SQLite says ProgrammingError"):
        spool.tally()


def test_it_is_empty_until_a_span_has_been_read(spool: Spool) -> None:
    assert spool.empty
    take(spool)
    assert not spool.empty


def test_nothing_is_left_when_it_is_discarded(path: Path) -> None:
    spool = Spool(path, WANTED)
    take(spool, row("a"))
    spool.discard()
    assert list(path.parent.iterdir()) == []
