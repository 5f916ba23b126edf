"""Between two snapshots: what a scrape is answered with while the newer one is being written."""

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from exporter.exposition import Answer, Exposition, pieces
from exporter.exposition.audience import Audience, Seat
from exporter.exposition.stand import Stand
from exporter.exposition.writer import Writer
from exporter.model import (
    HOUR,
    MINUTE,
    SECOND,
    CalendarEntry,
    Family,
    Instant,
    Outcome,
    Snapshot,
    Supervision,
    Total,
    WindowTally,
)
from tests.plain.bodies import by_family, plain_body_of
from tests.tools import NOW, series, snapshot, terminal_snapshot

SUCCESS = Total(Family.OPERATIONS, series("wallet", Outcome.SUCCESS, "ok", "00", "0", "none"))
FAILURE = Total(Family.OPERATIONS, series("wallet", Outcome.FAILURE, "failed", "51", "51", "funds"))
SHOWN = terminal_snapshot(windows=(WindowTally(5 * MINUTE, {}, {}, {}),))
BEFORE = snapshot(SHOWN, terminal_snapshot("main"), totals={SUCCESS: 5}, sequence=10)
MOVED = replace(SHOWN, last_success=NOW, pending=3)
AFTER = replace(snapshot(MOVED, BEFORE.terminals[1], totals={SUCCESS: 6}, sequence=11), supervision=BEFORE.supervision)
EXPIRES = (SHOWN.last_success or 0) + BEFORE.stale_after + MINUTE + 1


class HeldUp(Writer):
    """Writes the first snapshot, and each later one when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may = threading.Event(), threading.Event()
        self._first_time = True

    def written(self, snapshot: Snapshot, now: Instant) -> Stand:
        if not self._first_time:
            self.begun.set()
            assert self.may.wait(10)
        self._first_time = False
        return super().written(snapshot, now)


def test_a_scrape_that_took_its_snapshot_before_another_was_prepared_does_not_lead_back() -> None:
    others = [replace(BEFORE.terminals[1], failing=failing) for failing in (True, False, True, False)]
    each = [
        replace(snapshot(SHOWN, other, totals={SUCCESS: number}, sequence=number), supervision=BEFORE.supervision)
        for number, other in enumerate(others, start=9)
    ]
    exposition = Exposition(prepared=True)
    exposition.prepare(each[0], NOW)
    exposition.prepare(each[2], NOW)

    assert asked(exposition, each[1]).sequence == 11  # it had been taken before the third was there
    assert asked(exposition, each[3]).sequence == 12


def test_what_cannot_be_written_fails_at_each_scrape_and_is_never_shown_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exposition = Exposition(prepared=True)
    exposition.prepare(BEFORE, NOW)
    later = replace(AFTER, terminals=(replace(MOVED, windows=(WindowTally(MINUTE, {}, {}, {}),)), AFTER.terminals[1]))

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pieces, "window_lines", fails)
    with pytest.raises(ZeroDivisionError):
        exposition.prepare(later, NOW)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            exposition.plain(later, NOW, 10, b"", openmetrics=False)


def asked(exposition: Exposition, of: Snapshot, now: Instant = NOW, exposed: int = 10) -> Answer:
    plain = exposition.plain(of, now, exposed, b"", openmetrics=False)
    zipped = exposition.zipped(of, now, exposed, b"", openmetrics=False)
    assert (gzip.decompress(zipped.body), zipped.sequence) == plain
    return plain


def shows(answer: Answer, of: Snapshot, now: Instant = NOW, exposed: int = 10) -> bool:
    return answer.sequence == of.sequence and by_family(answer.body) == by_family(plain_body_of(of, now, exposed))


@contextmanager
def while_preparing(after: Snapshot) -> Iterator[tuple[Exposition, HeldUp, ThreadPoolExecutor]]:
    """An exposition that shows BEFORE, while the preparing of a later snapshot is held up."""
    exposition, writer = Exposition(prepared=True), HeldUp()
    exposition._writer = writer
    exposition.prepare(BEFORE, NOW)
    with ThreadPoolExecutor(2) as threads:
        preparing = threads.submit(exposition.prepare, after, NOW)
        try:
            assert writer.begun.wait(10)
            yield exposition, writer, threads
        finally:
            writer.may.set()
        preparing.result(10)


def test_a_scrape_while_a_snapshot_is_prepared_is_answered_at_once_with_the_whole_one_before() -> None:
    with while_preparing(AFTER) as (exposition, _, _threads):
        assert shows(asked(exposition, AFTER), BEFORE)
    assert shows(asked(exposition, AFTER), AFTER)


def test_a_scrape_between_publication_and_preparation_does_not_write_it_itself() -> None:
    exposition = Exposition(prepared=True)
    exposition.prepare(BEFORE, NOW)

    assert shows(asked(exposition, AFTER), BEFORE)


def test_the_first_scrape_ever_is_not_empty_though_nothing_was_prepared() -> None:
    assert shows(asked(Exposition(prepared=True), AFTER), AFTER)


def test_where_nobody_prepares_each_scrape_shows_the_newest() -> None:
    exposition = Exposition()
    exposition.prepare(BEFORE, NOW)

    assert shows(asked(exposition, AFTER), AFTER)


def test_a_new_series_is_zero_first_to_who_is_still_shown_the_snapshot_before() -> None:
    born = {FAILURE: 10}
    before = snapshot(SHOWN, totals={FAILURE: 5}, born=born, sequence=10)
    after = snapshot(MOVED, totals={FAILURE: 7}, born=born, sequence=11)
    exposition = Exposition(prepared=True)
    exposition.prepare(before, NOW)
    for exposed in (9, 10):
        assert shows(asked(exposition, after, exposed=exposed), before, exposed=exposed)


GONE = {
    "a share that was lost": replace(AFTER, terminals=(MOVED,)),
    "another terminal": replace(AFTER, terminals=(MOVED, terminal_snapshot("other"))),
    "a terminal whose polls have begun to fail": replace(
        AFTER, terminals=(replace(MOVED, failing=True), BEFORE.terminals[1])
    ),
    "one that is not read any more": replace(AFTER, terminals=(replace(MOVED, read=False), BEFORE.terminals[1])),
    "one that was tried": replace(AFTER, terminals=(replace(MOVED, tried=False), BEFORE.terminals[1])),
    "windows that are no longer whole": replace(AFTER, terminals=(replace(MOVED, windows=()), BEFORE.terminals[1])),
    "a configuration with other intervals": replace(AFTER, stale_after=HOUR),
    "a configuration with a holiday": replace(
        AFTER, supervision=Supervision({"wallet": ()}, (CalendarEntry(NOW, NOW + HOUR, "holiday"),))
    ),
}


@pytest.mark.parametrize("after", GONE.values(), ids=GONE)
def test_what_comes_or_goes_is_shown_at_once_and_never_when_it_has_been_prepared(after: Snapshot) -> None:
    exposition = Exposition(prepared=True)
    exposition.prepare(BEFORE, NOW)

    assert shows(asked(exposition, after), after)


def test_a_share_that_is_lost_during_a_preparation_is_in_no_answer_any_more() -> None:
    without = replace(AFTER, terminals=(MOVED,))
    with while_preparing(AFTER) as (exposition, writer, threads):
        answer = threads.submit(asked, exposition, without)
        writer.may.set()
        assert shows(answer.result(10), without)


def test_windows_that_are_withdrawn_at_this_moment_do_not_wait_for_a_preparation() -> None:
    exposition = Exposition(prepared=True)
    exposition.prepare(BEFORE, NOW)
    old = replace(AFTER, terminals=(replace(SHOWN, pending=3), BEFORE.terminals[1]))

    assert b"epay_window_operations{" in asked(exposition, old, EXPIRES - 1).body
    answer = asked(exposition, old, EXPIRES)
    assert shows(answer, old, EXPIRES)
    assert b"epay_window_operations{" not in answer.body


def test_a_preparation_that_comes_too_late_takes_nothing_back() -> None:
    exposition = Exposition(prepared=True)
    exposition.prepare(AFTER, NOW)
    exposition.prepare(BEFORE, NOW)

    assert shows(asked(exposition, AFTER), AFTER)


def test_a_snapshot_whose_preparation_fails_is_not_hidden_by_the_one_before() -> None:
    class Broken(Writer):
        def written(self, snapshot: Snapshot, now: Instant) -> Stand:
            if snapshot.sequence == AFTER.sequence:
                raise ZeroDivisionError
            return super().written(snapshot, now)

    exposition = Exposition(prepared=True)
    exposition._writer = Broken()
    exposition.prepare(BEFORE, NOW)
    with pytest.raises(ZeroDivisionError):
        exposition.prepare(AFTER, NOW)
    with pytest.raises(ZeroDivisionError):
        asked(exposition, AFTER)


def test_the_zeros_of_a_scraper_that_came_before_are_compressed_beforehand() -> None:
    """Told by identity: the answer is begun by what was there before it was asked for."""
    exposition = Exposition(prepared=True)
    asked(exposition, BEFORE)
    after = snapshot(MOVED, totals={FAILURE: 7}, born={FAILURE: 11}, sequence=11)
    exposition.prepare(after, NOW)
    stand = exposition._stand
    assert stand is not None
    begun = stand._others[10]._zipped[False]

    assert shows(asked(exposition, after), after)
    assert stand._others[10]._zipped[False] is begun


def test_pictures_for_many_who_have_seen_little_are_not_kept_for_ever() -> None:
    after = snapshot(MOVED, totals={FAILURE: 7}, born={FAILURE: 50}, sequence=50)
    exposition = Exposition(prepared=True)
    for exposed in range(20):
        assert shows(asked(exposition, after, exposed=exposed), after, exposed=exposed)
    assert exposition._stand is not None
    assert len(exposition._stand._others) < 5


def test_of_the_audience_those_are_expected_who_came_lately_the_last_first() -> None:
    audience, text = Audience(), False
    for exposed in range(5):
        audience.moved(Seat(text, 0), Seat(text, 10 + exposed), NOW + exposed * SECOND)
    assert audience.expected(NOW + 5 * SECOND) == [Seat(text, 14), Seat(text, 13), Seat(text, 12)]
    assert audience.expected(NOW + 10 * MINUTE + 3 * SECOND) == [Seat(text, 14)]


def test_of_two_scrapers_that_came_together_the_second_is_still_expected_when_the_first_has_gone_on() -> None:
    audience = Audience()
    for _ in range(2):
        audience.moved(Seat(True, 0), Seat(True, 5), NOW)
    audience.moved(Seat(True, 5), Seat(True, 6), NOW + SECOND)
    assert audience.expected(NOW + SECOND) == [Seat(True, 6), Seat(True, 5)]
    audience.moved(Seat(True, 5), Seat(True, 6), NOW + SECOND)
    assert audience.expected(NOW + SECOND) == [Seat(True, 6)]
