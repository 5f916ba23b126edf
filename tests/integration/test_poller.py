"""Polls of one account against a bank that can be told to fail."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from exporter.bank import BankError, LoginRefused, ServerFailed, Unreachable
from exporter.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Assignment,
    Difference,
    Family,
    Outcome,
    Remembered,
    Total,
)
from exporter.poller import keep_shown
from exporter.state import MemoryStore, SqliteStore
from tests.adapters.fakes import FlakyStore, names_of, refusing
from tests.adapters.world import World
from tests.builders import POLICY, T0, WALLET, checkpoint, id_of, operation


async def test_the_first_poll_counts_from_now_on_and_fills_every_window() -> None:
    world = World()
    world.bank.put(operation("old", T0 - 50 * MINUTE), operation("young", T0 - MINUTE), operation("new", T0 + SECOND))
    await world.poll()

    assert world.counted() == 1
    assert [sum(tally.operations.values()) for tally in world.shown().windows] == [2, 2, 3]
    assert world.shown().window_complete
    assert not world.shown().catching_up
    assert world.shown().last_success == T0 + 15 * SECOND


async def test_a_quiet_poll_is_one_request() -> None:
    world = World()
    await world.poll()
    world.bank.asked.clear()
    await world.poll()

    assert names_of(world.bank.asked) == [("wallet", "shop")]


async def test_nothing_is_shown_of_a_terminal_before_its_first_poll() -> None:
    world = World()

    assert not world.shown().read
    assert not world.shown().tried
    assert world.shown().windows == ()


async def test_a_sweep_finds_what_came_late_and_what_changed() -> None:
    world = World()
    world.bank.put(operation("a", T0 + SECOND, status="new"))
    await world.poll()
    await world.poll(5 * MINUTE)
    world.bank.put(operation("a", T0 + SECOND), operation("b", T0 + 2 * SECOND))
    await world.poll()
    assert world.counted() == 0

    await world.poller.sweep()
    assert world.counted() == 2
    assert world.shown().pending == 0


async def test_a_pending_operation_older_than_the_lookback_is_followed_to_its_end() -> None:
    world = World()
    world.bank.put(operation("a", T0 + SECOND, status="new"))
    await world.poll()
    for _ in range(4):
        await world.poll(HOUR)
    assert (world.shown().pending, world.shown().oldest_pending) == (1, T0 + SECOND)

    world.bank.put(operation("a", T0 + SECOND))
    await world.poller.sweep()
    assert world.counted() == 1
    assert world.shown().pending == 0


async def test_a_bad_terminal_never_costs_the_others_anything() -> None:
    terminals = [replace(WALLET, name=f"t{n}", number=str(n)) for n in range(20)]
    world = World(terminals)
    world.bank.put(*(operation(n, T0 + SECOND, number=str(n)) for n in range(20)))
    world.bank.fail = refusing("t7", "t13")
    with capture_logs() as lines:
        await world.poll()
        asked_first = len(world.bank.asked)
        world.bank.asked.clear()
        await world.poll()

    failing = {t.terminal.name for t in world.publication.current().terminals if t.failing}
    assert failing == {"t7", "t13"}
    assert world.counted() == 18
    assert asked_first <= 24
    assert len(world.bank.asked) <= 4
    assert [line["event"] for line in lines] == ["poll failed"]
    assert world.recorder.polls == ["partial", "partial"]


async def test_a_terminal_in_quarantine_is_asked_ever_less_often_and_comes_back() -> None:
    world = World()
    world.bank.fail = refusing("shop")
    await world.poll()
    asked: list[int] = []
    for _ in range(40):
        world.bank.asked.clear()
        await world.poll()
        asked.append(sum("shop" in assignment.terminals for assignment in world.bank.asked))
    assert sum(asked) <= 8
    assert world.shown("shop").failing
    assert not world.shown("wallet").failing

    world.bank.fail = lambda _: None
    await world.poll(5 * MINUTE)
    assert not world.shown("shop").failing


async def test_a_bank_that_refuses_everything_is_not_searched_for_a_guilty_terminal() -> None:
    terminals = [replace(WALLET, name=f"t{n}", number=str(n)) for n in range(100)]
    world = World(terminals)
    world.bank.fail = refusing(*(t.name for t in terminals))
    await world.poll()

    assert len(world.bank.asked) <= 12
    assert all(t.failing for t in world.publication.current().terminals)

    world.bank.fail = lambda _: None
    await world.poll()
    assert not any(t.failing for t in world.publication.current().terminals)


async def test_counters_and_windows_stay_as_they_were_while_the_bank_is_down() -> None:
    world = World()
    world.bank.put(operation("a", T0 + SECOND))
    await world.poll()
    before = world.shown()
    world.bank.fail = lambda _: Unreachable("timeout", "no answer within 10 s")
    await world.poll()

    assert world.counted() == 1
    assert world.shown().failing
    assert world.shown().windows == before.windows
    assert world.shown().last_success == before.last_success
    assert world.shown().trouble is not None
    assert world.recorder.polls == ["success", "timeout"]


async def test_each_change_of_state_is_one_line_in_the_log() -> None:
    world = World()
    with capture_logs() as lines:
        await world.poll()
        world.bank.fail = lambda _: Unreachable("timeout", "no answer within 10 s")
        for _ in range(10):
            await world.poll()
        world.bank.fail = lambda _: ServerFailed("server_error", "503")
        await world.poll()
        world.bank.fail = lambda _: None
        await world.poll()
        await world.poll()

    assert [(line["event"], line.get("kind")) for line in lines] == [
        ("poll failed", "timeout"),
        ("poll failed", "server_error"),
        ("poll recovered", None),
    ]
    assert lines[-1]["after_seconds"] == 165


async def test_reading_goes_on_from_the_watermark_after_an_outage() -> None:
    world = World()
    await world.poll()
    world.bank.fail = lambda _: LoginRefused("login_refused", "no")
    for minute in range(30):
        world.bank.put(operation(minute, T0 + 15 * SECOND + minute * MINUTE))
        await world.poll(MINUTE)
    assert world.counted() == 0
    world.bank.fail = lambda _: None
    await world.poll()

    assert world.counted() == 30


async def test_what_lies_further_back_than_max_gap_is_named_and_skipped() -> None:
    remembered = Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {})
    world = World(remembered=remembered)
    world.bank.put(operation("lost", T0 + HOUR), operation("kept", T0 + 3 * HOUR))
    with capture_logs() as lines:
        await world.poll(2 * HOUR + DAY)

    assert world.counted() == 1
    assert {line["event"] for line in lines} == {"gap: operations of this time are not counted"}
    totals = world.publication.current().totals
    assert totals[Total(Family.GAP, ("wallet",))] == 2 * HOUR


async def test_a_span_with_too_much_in_it_is_read_in_pieces() -> None:
    world = World(remembered=Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {}))
    world.bank.limit = 50
    world.bank.put(*(operation(n, T0 + n * SECOND) for n in range(1000)))
    await world.poll(2 * HOUR)

    assert world.counted() == 1000
    assert not world.shown().catching_up
    assert max(assignment.span.start for assignment in world.bank.asked) > T0 + HOUR


async def test_windows_that_cannot_be_filled_in_pieces_are_filled_all_the_same() -> None:
    world = World()
    world.bank.limit = 50
    world.bank.put(*(operation(n, T0 - n * SECOND) for n in range(3600)))
    await world.poll()

    assert sum(world.shown().windows[-1].operations.values()) == 3586  # the window holds its beginning
    assert world.counted() == 1


async def test_a_busy_hour_is_filled_in_steps_that_memory_need_not_fear() -> None:
    world = World()
    world.bank.put(*(operation(n, T0 - 1 - n * HOUR // 60_000) for n in range(60_000)))
    await world.poll()

    assert world.shown().window_complete
    moments = [T0 - 1 - n * HOUR // 60_000 for n in range(60_000)]
    brought = [sum(span.start <= moment < span.end for moment in moments) for span, *_ in world.bank.asked]
    assert len(brought) == 6, "the head, two shorter windows, and the hour in three"
    assert max(brought) < 25_000


async def test_a_bank_that_miscounts_is_shown_as_incomplete_not_hidden() -> None:
    world = World()
    world.bank.miscounts = 1
    world.bank.put(operation("old", T0 - 50 * MINUTE), operation("new", T0 + SECOND))
    with capture_logs() as lines:
        await world.poll()
        await world.poll()

    assert world.counted() == 1
    assert not world.shown().window_complete
    assert [sum(tally.operations.values()) for tally in world.shown().windows] == [1, 1, 2]
    assert world.shown().checkpoint.watermark == T0
    assert [line["event"] for line in lines] == ["reading incomplete"]


async def test_a_full_disk_stops_counting_and_not_serving_and_nothing_is_lost() -> None:
    store = FlakyStore()
    world = World(store=store)
    await world.poll()
    store.full = True
    world.bank.put(operation("a", T0 + 20 * SECOND))
    await world.poll()
    assert world.counted() == 0
    assert world.shown().failing
    assert world.recorder.polls[-1] == "state"

    store.full = False
    await world.poll()
    assert world.counted() == 1


async def test_a_restart_goes_on_where_the_state_ends() -> None:
    store = MemoryStore()
    first = World(store=store)
    first.bank.put(operation("a", T0 + SECOND), operation("p", T0 + 2 * SECOND, status="new"))
    await first.poll()
    kept = store.recall()
    second = World(store=store, remembered=replace(kept, checkpoints={**kept.checkpoints}))
    second.bank.put(operation("a", T0 + SECOND), operation("p", T0 + 2 * SECOND), operation("b", T0 + MINUTE))
    await second.poll(2 * MINUTE)
    await second.poller.sweep()

    assert second.counted() == 3
    assert [sum(tally.operations.values()) for tally in second.shown().windows] == [3, 3, 3]


async def test_series_of_an_earlier_run_are_not_born_again() -> None:
    key = ("wallet", Outcome.SUCCESS, "ok", "00", "0", "none")
    remembered = Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {Total(Family.OPERATIONS, key): 7})
    world = World(remembered=remembered)
    world.bank.put(operation("f", T0 + SECOND, status="failed"))
    await world.poll()
    snapshot = world.publication.current()

    born = {total.labels[1]: snapshot.born[total] for total in snapshot.totals if total.family is Family.OPERATIONS}
    assert born["success"] == 0
    assert born["failure"] == snapshot.sequence


async def test_a_defect_of_ours_shows_as_a_failing_poll() -> None:
    world = World()

    def broken(_: Assignment) -> BankError | None:
        raise ZeroDivisionError

    world.bank.fail = broken
    with capture_logs() as lines:
        await world.poller._guarded(world.poller.poll)

    assert world.shown().failing
    assert [line["event"] for line in lines] == ["defect", "poll failed"]


@pytest.fixture(autouse=True)
def _plain_logging() -> None:
    structlog.reset_defaults()


async def test_an_operation_missed_by_every_sweep_is_found_by_the_reconciliation_and_counted() -> None:
    world = World()
    world.bank.put(operation("a", T0 + SECOND))
    await world.poll()
    await world.poller.reconcile()
    assert world.shown().difference == Difference()
    for _ in range(60):
        await world.poll(MINUTE)
    world.bank.put(operation("missed", T0 + 2 * SECOND))
    await world.poll(4 * HOUR)
    assert world.counted() == 1

    with capture_logs() as lines:
        world.clock.now = T0 + 24 * HOUR + 20 * MINUTE
        await world.poll()
        await world.poller.reconcile()
    assert world.counted() == 2
    assert world.shown().difference == Difference(1, {"KZT": 20_000})
    assert [line["event"] for line in lines] == ["reconciliation found a difference"]

    world.clock.advance(HOUR)
    await world.poll()
    await world.poller.reconcile()
    assert world.counted() == 2
    assert world.shown().difference == Difference()


async def test_a_final_operation_that_changes_hours_later_is_a_status_change_and_not_counted_again() -> None:
    world = World()
    world.bank.put(operation("a", T0 + SECOND))
    await world.poll()
    for _ in range(3):
        await world.poll(HOUR)
    world.bank.put(operation("a", T0 + SECOND, status="refund"))
    world.clock.now = T0 + 24 * HOUR + 20 * MINUTE
    await world.poll()
    await world.poller.reconcile()

    totals = world.publication.current().totals
    assert world.counted() == 1
    assert totals[Total(Family.STATUS_CHANGES, ("wallet", "success", "failure"))] == 1


async def test_what_has_not_changed_is_no_difference() -> None:
    world = World(policy=replace(POLICY, lookback=26 * HOUR))
    world.bank.put(operation("a", T0 + SECOND), operation("b", T0 + 2 * SECOND))
    await world.poll()
    for _ in range(27):
        await world.poll(HOUR)
    world.bank.put(operation("b", T0 + 2 * SECOND, amount=50_000))
    await world.poller.reconcile()

    assert world.counted() == 2
    assert world.shown().difference == Difference(0, {"KZT": 30_000})


async def test_only_what_a_sweep_asks_for_has_been_read_before() -> None:
    world = World()
    world.bank.miscounts = 1  # then windows that cannot be filled, and watermarks that do not move, are swept as well
    for _ in range(5):
        await world.poll()
    assert not any(assignment.sweep for assignment in world.bank.asked)

    world.bank.asked.clear()
    await world.poller.sweep()

    assert len(world.bank.asked) > 2
    assert all(assignment.sweep for assignment in world.bank.asked)


async def test_others_have_their_turn_while_many_records_are_counted() -> None:
    world = World()
    world.bank.put(*(operation(number, T0 + SECOND) for number in range(2_000)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    await world.poll()
    waiting.cancel()

    assert world.counted() == 2_000
    assert turns > 20


async def test_the_store_lets_go_of_what_the_reconciliation_has_left_behind() -> None:
    world = World()
    world.bank.put(operation("a", T0 + SECOND))
    for hour in range(32):
        await world.poll(HOUR)
        await world.poller.reconcile()
        kept = {entry.id for entry in world.store.recall().entries}
        assert (id_of("a") in kept) == (hour < 27)


async def test_a_reconciliation_that_the_bank_does_not_answer_is_tried_again() -> None:
    world = World(remembered=Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {}))
    await world.poll(2 * HOUR)
    world.bank.fail = lambda _: Unreachable("timeout", "no answer")
    with capture_logs() as lines:
        await world.poller.reconcile()
        await world.poller.reconcile()
    assert [line["event"] for line in lines] == ["reconciliation failed"]
    assert world.shown().difference is None

    world.bank.fail = lambda _: None
    world.clock.advance(10 * MINUTE)
    await world.poller.reconcile()
    assert world.shown().difference == Difference()


async def test_a_clock_of_ours_that_is_ahead_loses_nothing_and_keeps_the_windows_on_the_bank_s_time() -> None:
    world = World()
    await world.poll()
    world.clock.ahead = 20 * MINUTE
    for minute in range(30):
        world.bank.put(operation(minute, world.clock.now))
        await world.poll(MINUTE)

    assert world.counted() == 30
    assert sum(world.shown().windows[0].operations.values()) == 5
    assert world.shown().last_success == world.clock.now + 20 * MINUTE


async def test_a_state_file_that_is_gone_stops_counting_and_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    world = World(store=store)
    world.bank.put(operation("a", T0 + SECOND))
    (tmp_path / "state.db").unlink()
    await world.poll()

    assert world.counted() == 0
    assert "gone" in str(world.shown().trouble)
    store.close()


async def test_what_came_late_before_an_outage_and_became_visible_during_it_is_found() -> None:
    world = World()
    await world.poll()
    await world.poller.sweep()
    await world.poll(MINUTE)
    world.bank.put(operation("late", T0 + 20 * SECOND))
    await world.poll(2 * HOUR)
    await world.poller.sweep()

    assert world.counted() == 1


async def test_the_same_is_found_when_the_bank_was_away_and_not_we() -> None:
    world = World()
    await world.poll()
    await world.poller.sweep()
    world.bank.fail = lambda _: Unreachable("timeout", "no answer")
    for _ in range(4 * 60):
        await world.poll()
    world.bank.put(operation("late", T0 + 5 * SECOND))
    world.bank.fail = lambda _: None
    await world.poll()

    await world.poller.sweep()
    assert world.counted() == 1


async def test_a_bank_that_miscounts_is_not_asked_for_ever_more() -> None:
    world = World()
    world.bank.miscounts = 1
    for _ in range(200):
        world.bank.asked.clear()
        await world.poll()
    (head,) = world.bank.asked

    assert head.span.start >= world.clock.now - 2 * MINUTE
    assert not world.shown().catching_up
    assert not world.shown().window_complete

    world.bank.miscounts = 0
    for _ in range(10):
        await world.poller.sweep()
    await world.poll()
    assert world.shown().checkpoint.watermark == world.clock.now
    assert world.shown().window_complete


async def test_a_total_that_nobody_was_shown_is_born_again_after_a_restart() -> None:
    first = World()
    first.bank.put(operation("a", T0 + SECOND))
    await first.poll()
    sequence = first.publication.current().sequence
    first.publication.scraped(sequence)
    await keep_shown(first.publication, first.store, first.clock)
    first.bank.put(operation("f", T0 + 16 * SECOND, status="failed"))
    await first.poll()

    second = World(store=first.store, remembered=first.store.recall())
    await second.poll(MINUTE)
    snapshot = second.publication.current()
    born = {t.labels[1]: snapshot.born[t] for t in snapshot.totals if t.family is Family.OPERATIONS}
    assert born == {"success": 0, "failure": snapshot.sequence}
