"""Whatever happens to clocks, memory and the state: no operation is lost, none is counted twice."""

from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from exporter.bank import Refused, Unreachable
from exporter.model import DAY, HOUR, MINUTE, SECOND, Difference, Family, Remembered, Total
from exporter.poller import keep_shown
from exporter.state import MemoryStore, SqliteStore, Store
from exporter.windows import begin
from tests.adapters.fakes import FlakyStore
from tests.adapters.world import World
from tests.builders import POLICY, T0, WALLET, checkpoint, operation


@pytest.fixture(autouse=True)
def _plain_logging() -> None:
    structlog.reset_defaults()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")


async def _live(world: World, minutes: int, first: int = 0) -> None:
    """An operation a minute, a poll and a sweep a minute, a reconciliation when it is due."""
    for minute in range(first, first + minutes):
        world.bank.put(operation(minute, world.bank_time()))
        await world.poll(MINUTE)
        await world.poller.sweep()
        await world.poller.reconcile()


async def test_an_operation_visible_later_than_memory_reaches_is_counted_once(store: Store) -> None:
    policy = replace(POLICY, lookback=2 * HOUR)
    world = World(store=store, policy=policy)
    await _live(world, 5)
    late = operation("late", world.clock.now)
    for minute in range(118):
        await world.poll(MINUTE)
        if minute % 30 == 0:
            await world.poller.sweep()
    world.bank.put(late)
    await world.poll(MINUTE)
    await world.poller.sweep()
    await world.poller.sweep()

    assert world.counted() == 6


async def test_an_operation_that_moves_in_time_after_memory_let_it_go_is_counted_once(store: Store) -> None:
    world = World(store=store)
    world.bank.put(operation("moving", T0 + SECOND))
    await world.poll()
    for _ in range(5):
        await world.poll(HOUR)
    world.bank.put(operation("moving", world.clock.now, status="refund"))
    await world.poll()

    assert world.counted() == 1
    totals = world.publication.current().totals
    assert totals[Total(Family.STATUS_CHANGES, ("wallet", "success", "failure"))] == 1


@pytest.mark.parametrize("jump", [2 * HOUR, 5 * HOUR, 12 * HOUR, -5 * HOUR])
async def test_a_clock_that_jumps_and_is_put_right_loses_and_doubles_nothing(store: Store, jump: int) -> None:
    world = World(store=store)
    await _live(world, 90)
    world.clock.now += jump
    world.clock.wrong = jump
    await _live(world, 60, first=90)
    world.clock.now -= jump
    world.clock.wrong = 0
    await _live(world, 90, first=150)
    for _ in range(30):
        await world.poll(HOUR)
        await world.poller.sweep()
        await world.poller.reconcile()

    assert world.counted() == 240


async def test_a_longer_lookback_after_a_restart_doubles_nothing(store: Store) -> None:
    first = World(store=store)
    await _live(first, 60)
    for hour in range(38):
        first.bank.put(operation(f"h{hour}", first.clock.now))
        await first.poll(HOUR)
        await first.poller.reconcile()
    policy = replace(POLICY, lookback=12 * HOUR)
    remembered = store.recall(["wallet", "shop"], policy.retention)
    second = World(store=store, policy=policy, remembered=remembered, clock=first.clock)
    second.bank.operations = first.bank.operations
    for _ in range(3):
        await second.poll(HOUR)
        await second.poller.sweep()
        await second.poller.reconcile()

    assert second.counted() == 98


async def test_a_gap_is_given_up_once_the_bank_answers_and_said_once() -> None:
    world = World(remembered=Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {}))
    world.bank.fail = lambda _: Refused("no", 232)
    with capture_logs() as lines:
        for _ in range(20):
            await world.poll(2 * HOUR)
        assert [line["event"] for line in lines] == ["poll failed"]
        assert world.shown().checkpoint.watermark == T0
        world.bank.fail = lambda _: None
        for _ in range(3):
            await world.poll()

    assert [line["event"] for line in lines[1:]] == ["gap: operations of this time are not counted", "poll recovered"]
    totals = world.publication.current().totals
    assert totals[Total(Family.GAP, ("wallet",))] == 16 * HOUR + 15 * SECOND


async def test_two_accounts_that_see_the_same_operations_count_them_once_each_over_a_restart(store: Store) -> None:
    twin = replace(WALLET, name="twin", account="other")
    counts = []
    clock = None
    for _ in range(2):
        for terminal, account in ((WALLET, "main"), (twin, "other")):
            marks = {terminal.name: begin(T0)} | dict(store.recall().checkpoints)
            remembered = replace(store.recall([terminal.name], POLICY.retention), checkpoints=marks)
            world = World([terminal], store, remembered, account=account, clock=clock)
            world.bank.put(operation("a", T0 + SECOND), operation("b", T0 + 2 * SECOND))
            await world.poll()
            counts.append(world.counted())

    assert counts == [2, 2, 2, 2]


async def test_a_coverage_that_lies_ahead_is_not_filled_again_and_again() -> None:
    ahead = T0 + 10 * MINUTE
    world = World(remembered=Remembered({"wallet": begin(ahead), "shop": begin(ahead)}, (), {}))
    await world.poll()

    assert len(world.bank.asked) <= 5
    assert len(world.shown().windows) == 3


async def test_a_first_showing_that_could_not_be_kept_is_kept_later() -> None:
    store = FlakyStore()
    world = World(store=store)
    world.bank.put(operation("a", T0 + SECOND))
    await world.poll()
    world.publication.scraped(world.publication.current().sequence)
    store.full = True
    assert not await keep_shown(world.publication, store, world.clock)
    assert store.recall().unscraped
    store.full = False
    assert await keep_shown(world.publication, store, world.clock)

    assert not store.recall().unscraped


async def test_hours_are_compared_for_a_terminal_once_it_can_be_read() -> None:
    world = World(remembered=Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {}))
    world.bank.fail = lambda _: Unreachable("timeout", "no answer")
    await world.poll(2 * HOUR)
    await world.poller.reconcile()
    assert world.shown().difference is None

    world.bank.fail = lambda _: None
    await world.poll()
    await world.poller.reconcile()
    assert world.shown().difference == Difference()


async def test_a_difference_is_not_claimed_where_the_bank_s_count_does_not_add_up() -> None:
    world = World(remembered=Remembered({"wallet": checkpoint(), "shop": checkpoint()}, (), {}))
    await world.poll(2 * HOUR)
    world.bank.miscounts = 1
    await world.poller.reconcile()

    assert world.shown().difference is None


async def test_the_state_is_cleared_up_even_where_the_bank_never_answers(store: Store) -> None:
    world = World(store=store)
    world.bank.put(operation("a", T0 + SECOND))
    await world.poll()
    world.bank.fail = lambda assignment: Unreachable("timeout", "no") if assignment.span.end < world.clock.now else None
    for _ in range(60):
        await world.poll(HOUR)
        await world.poller.reconcile()

    assert store.recall().entries == ()


async def test_strangers_are_not_counted_again_by_the_reconciliation() -> None:
    world = World()
    world.bank.numbers["wallet"] = "11111111"
    world.bank.put(operation("x", T0 + SECOND, number="11111111"))
    for _ in range(30):
        await world.poll(HOUR)
        await world.poller.reconcile()

    assert world.publication.current().totals[Total(Family.RECORDS, ("main", "foreign"))] == 1


async def test_a_transfer_sent_twice_around_a_restart_is_found_however_late_the_second_is_listed(store: Store) -> None:
    first = World(store=store)
    first.bank.put(operation("a", T0 + MINUTE, likeness=5), operation("b", T0 + 2 * MINUTE, likeness=6))
    await first.poll(2 * MINUTE + SECOND)
    assert first.total(Family.DUPLICATES, "wallet") == 0
    second = World(store=store, remembered=store.recall(["wallet"], POLICY.retention), clock=first.clock)
    second.bank.operations = first.bank.operations
    second.bank.put(operation("b again", first.clock.now + 40 * SECOND, likeness=6))
    await second.poll(MINUTE)
    assert second.total(Family.DUPLICATES, "wallet") == 1

    second.bank.put(operation("a again", T0 + MINUTE - 50 * SECOND, likeness=5))
    for _ in range(2):
        await second.poller.sweep()
        await second.poll()
    assert second.total(Family.DUPLICATES, "wallet") == 2


async def test_a_start_that_is_asked_for_breakdowns_for_the_first_time_reads_the_windows_again(store: Store) -> None:
    first = World(store=store)
    details = (("sender_issuer", "Steppe Bank"),)
    for minute in range(40):
        first.bank.put(operation(minute, first.clock.now, details=details))
        await first.poll(MINUTE)
    remembered = store.recall(["wallet"], POLICY.retention)
    second = World(store=store, remembered=remembered, clock=first.clock, dimensions=["sender_issuer"])
    second.bank.operations = first.bank.operations
    await second.poll()

    (_, _, hour) = second.shown().windows
    assert hour.breakdowns == {("sender_issuer", "Steppe Bank", "success", "none"): 40}
    assert second.counted() == first.counted() == 40
    assert second.total(Family.RECORDS, "main", "changed") == 0


async def test_values_are_there_after_a_restart_before_the_bank_is_asked_for_them_again(store: Store) -> None:
    first = World(store=store, dimensions=["sender_issuer"])
    first.bank.put(operation("a", T0 - 30 * MINUTE, details=(("sender_issuer", "Steppe Bank"),)))
    await first.poll()
    remembered = store.recall(["wallet"], POLICY.retention)
    second = World(store=store, remembered=remembered, clock=first.clock, dimensions=["sender_issuer"])
    await second.poll()

    assert min(each.span.start for each in second.bank.asked) > T0 - 5 * MINUTE
    (_, _, hour) = second.shown().windows
    assert hour.breakdowns == {("sender_issuer", "Steppe Bank", "success", "none"): 1}


def test_a_day_is_longer_than_memory() -> None:
    assert POLICY.retention < DAY < POLICY.kept
