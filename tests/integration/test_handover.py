"""One poller in the place of another, as after a reload: nothing vanishes, nothing is counted twice."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import pytest
import structlog
from structlog.testing import capture_logs

from exporter.bank import Unreachable
from exporter.model import (
    HOUR,
    MINUTE,
    SECOND,
    Decision,
    Family,
    Outcome,
    Owner,
    Remembered,
    Snapshot,
    Supervision,
    Terminal,
    Total,
    Totals,
)
from exporter.poller import Publication
from exporter.state import CommitFailed, MemoryStore
from exporter.windows import begin
from tests.adapters.world import World
from tests.builders import POLICY, SHOP, T0, WALLET, operation
from tests.tools import NOW, series, terminal_snapshot


@pytest.fixture(autouse=True)
def _plain_logging() -> None:
    structlog.reset_defaults()


async def grown(world: World) -> World:
    """Some polls and an operation in each."""
    for second in range(4):
        world.bank.put(operation(second, world.clock.now + SECOND, status="failed" if second == 2 else "ok"))
        await world.poll()
    await world.poller.sweep()
    return world


def picture(snapshot: Snapshot) -> tuple[object, ...]:
    """What is shown, without when."""
    return snapshot.terminals, dict(snapshot.totals), dict(snapshot.born)


async def test_the_new_poller_shows_at_once_what_the_old_one_has_shown() -> None:
    world = await grown(World())
    before = picture(world.publication.current())

    after = world.reloaded()

    assert picture(after.publication.current()) == before
    assert after.shown().read
    assert after.shown().window_complete
    assert {total: n for tally in after.shown().windows for total, n in tally.operations.items()}


async def test_counting_goes_on_and_nothing_is_counted_twice() -> None:
    world = await grown(World())
    world.bank.put(operation("between", world.clock.now + SECOND))

    after = world.reloaded(policy=replace(POLICY, lookback=20 * MINUTE))
    await after.poll()
    await after.poller.sweep()
    await after.poller.reconcile()

    assert after.counted() == 5


async def test_a_longer_window_is_filled_by_the_next_poll_and_the_others_stay() -> None:
    world = await grown(World())

    after = world.reloaded(policy=replace(POLICY, windows=(*POLICY.windows, 6 * HOUR)))
    assert [tally.window for tally in after.shown().windows] == list(POLICY.windows)
    await after.poll()

    assert [tally.window for tally in after.shown().windows] == [*POLICY.windows, 6 * HOUR]
    assert after.shown().window_complete


async def test_a_terminal_in_trouble_stays_so_and_the_log_does_not_say_it_again() -> None:
    world = await grown(World())
    world.bank.fail = lambda _: Unreachable("timeout", "the bank does not answer")
    await world.poll()
    trouble = world.shown().trouble

    with capture_logs() as said:
        after = world.reloaded()
        after.bank.fail = world.bank.fail
        assert after.shown().failing
        assert after.shown().trouble == trouble
        await after.poll()
        after.bank.fail = lambda _: None
        await after.poll()

    assert [each["event"] for each in said] == ["poll recovered"]


async def test_what_came_late_while_sweeps_failed_is_found_by_the_first_sweep_afterwards() -> None:
    world = await grown(World())
    late = operation("late", world.clock.now - 2 * SECOND)
    for _ in range(8):  # the heads go on, and no sweep comes through
        world.bank.fail = lambda _: None
        await world.poll(5 * MINUTE)
        world.bank.fail = lambda _: Unreachable("timeout", "the bank does not answer")
        await world.poller.sweep()
    world.bank.put(late)

    after = world.reloaded()
    await after.poll()
    await after.poller.sweep()

    assert after.counted() == 5


async def test_windows_of_a_bank_that_miscounts_stay_in_view() -> None:
    world = World()
    world.bank.miscounts = 1
    world.bank.put(operation("one", T0 - MINUTE))
    for _ in range(3):
        await world.poll()
    shown = [tally.window for tally in world.shown().windows]

    after = world.reloaded()

    assert shown == list(POLICY.windows)
    assert [tally.window for tally in after.shown().windows] == shown


async def test_a_stranger_is_counted_once_over_reloads() -> None:
    world = World(terminals=(WALLET,))
    world.bank.numbers = {"wallet": SHOP.number}  # the bank gives what is not ours
    world.bank.put(operation("foreign", world.clock.now, number=SHOP.number))
    await world.poll()

    after = world.reloaded(terminals=(WALLET,))
    after.bank.numbers = world.bank.numbers
    await after.poll()
    await after.poller.sweep()

    assert after.publication.current().totals[Total(Family.RECORDS, ("main", "foreign"))] == 1


async def test_a_new_terminal_is_waited_for_and_one_under_another_number_too() -> None:
    world = await grown(World())

    after = world.reloaded(terminals=(WALLET, replace(SHOP, number="1"), Terminal("2", "2", "kiosk", "main")))

    assert [each.tried for each in after.publication.current().terminals] == [True, False, False]


async def test_a_terminal_that_goes_leaves_no_total_behind() -> None:
    world = await grown(World())

    after = world.reloaded(terminals=(SHOP,))

    current = after.publication.current()
    assert [each.terminal.name for each in current.terminals] == ["shop"]
    assert not {total for total in current.totals if total.labels[0] == "wallet"}


async def test_a_poller_that_was_stopped_can_run_again() -> None:
    world = await grown(World())
    task = asyncio.create_task(world.poller.run())
    await _stopped(task)
    world.bank.put(operation("later", world.clock.now + SECOND))

    await world.poll()

    assert world.counted() == 5


class GatedStore(MemoryStore):
    """A store whose commits wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.fails = False

    def commit(self, decision: Decision) -> None:
        if decision.entries:
            self.begun.set()
            assert self.gate.wait(10)
            if self.fails:
                raise CommitFailed("state: the disk is full")
        super().commit(decision)


async def _stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})


async def _in_the_midst_of_a_commit(store: GatedStore, turn: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
    async def poll() -> None:
        await turn()

    task = asyncio.create_task(poll())
    assert await asyncio.to_thread(store.begun.wait, 10)
    return task


@pytest.mark.parametrize("fails", [False, True])
async def test_who_stops_a_poller_finds_its_commit_done_or_failed_and_never_under_way(fails: bool) -> None:
    store = GatedStore()
    store.fails = fails
    store.commit(Decision(now=T0, checkpoints={name: begin(T0) for name in ("wallet", "shop")}))
    world = World(store=store)
    world.bank.put(operation("one", T0 + SECOND))
    task = await _in_the_midst_of_a_commit(store, world.poll)

    stopping = asyncio.create_task(_stopped(task))
    done, _ = await asyncio.wait({stopping}, timeout=0.05)
    assert not done
    store.gate.set()
    await stopping

    assert task.cancelled()
    assert len(store.recall().entries) == (0 if fails else 1)
    store.fails = False
    after = world.reloaded()
    await after.poll()
    assert after.counted() == 1


# What is shown of whom


WALLET_TOTAL = Total(Family.OPERATIONS, series("wallet", Outcome.SUCCESS))
OTHER_TOTAL = Total(Family.RECORDS, ("second", "new"))


def published(*accounts: str) -> Publication:
    publication = Publication(stale_after=45 * SECOND)
    for account in accounts:
        name = "wallet" if account == "main" else f"of-{account}"
        total = WALLET_TOTAL if account == "main" else OTHER_TOTAL
        publication.publish(account, (terminal_snapshot(name, account=account),), Totals({total: 3}), NOW)
    return publication


def test_accounts_are_shown_in_the_order_of_the_configuration_and_no_others() -> None:
    publication = published("main", "second", "third")

    publication.arrange(["third", "main"], 9 * SECOND, Supervision({"x": ()}))

    current = publication.current()
    assert [each.terminal.account for each in current.terminals] == ["third", "main"]
    assert current.stale_after == 9 * SECOND
    assert current.supervision == Supervision({"x": ()})
    publication.publish("main", (terminal_snapshot(),), Totals(), NOW)
    assert publication.current().stale_after == 9 * SECOND


def test_a_total_that_was_shown_does_not_begin_again_when_its_terminal_comes_back() -> None:
    publication = published("main")
    publication.scraped(publication.current().sequence)
    born = publication.current().born[WALLET_TOTAL]

    publication.arrange([], 0, Supervision())
    publication.publish("main", (terminal_snapshot(),), Totals({WALLET_TOTAL: 5}), NOW)

    assert publication.current().born[WALLET_TOTAL] == born


def test_a_total_that_nobody_was_shown_begins_with_a_zero_when_its_terminal_comes_back() -> None:
    publication = published("main")

    publication.arrange([], 0, Supervision())
    publication.scraped(publication.current().sequence)
    publication.publish("main", (terminal_snapshot(),), Totals({WALLET_TOTAL: 5}), NOW)

    assert publication.newly_scraped() == ()
    assert publication.current().born[WALLET_TOTAL] == publication.current().sequence


def test_what_a_store_says_was_shown_does_not_make_younger_or_older_what_is_shown() -> None:
    publication = published("main")
    born = dict(publication.current().born)

    publication.restore(Remembered({}, (), {WALLET_TOTAL: 3, OTHER_TOTAL: 4}))
    publication.publish("second", (terminal_snapshot("s", account="second"),), Totals({OTHER_TOTAL: 4}), NOW)

    assert publication.current().born == {**born, OTHER_TOTAL: 0}


class Watched(Totals):
    """Totals that know how often all of them were gone through."""

    times = 0

    def parts(self) -> Iterable[tuple[Owner, dict[Total, int]]]:
        self.times += 1
        return super().parts()


def test_what_becomes_of_one_account_costs_nothing_for_the_others() -> None:
    publication = published()
    others = [Watched({Total(Family.RECORDS, (f"a{each}", "new")): 1}) for each in range(50)]
    for each, totals in enumerate(others):
        publication.publish(f"a{each}", (terminal_snapshot(f"t{each}", account=f"a{each}"),), totals, NOW)
    names = [f"a{each}" for each in range(50)]

    publication.publish("main", (terminal_snapshot(),), Totals({WALLET_TOTAL: 5}), NOW)
    publication.publish("main", (terminal_snapshot(),), Totals({WALLET_TOTAL: 6}), NOW)
    publication.arrange(["main", *names], 0, Supervision())
    publication.arrange(names, 0, Supervision())

    assert [totals.times for totals in others] == [1] * 50
    assert len(publication.current().totals) == 50


def test_a_terminal_that_goes_over_to_another_account_keeps_its_totals_and_their_births() -> None:
    publication = published("main")
    born = dict(publication.current().born)

    publication.publish("other", (terminal_snapshot(account="other"),), Totals({WALLET_TOTAL: 4}), NOW)
    publication.arrange(["other"], 0, Supervision())
    publication.scraped(publication.current().sequence)

    assert publication.current().totals == {WALLET_TOTAL: 4}
    assert publication.current().born == born
    assert publication.newly_scraped() == (WALLET_TOTAL,)


def test_a_terminal_that_leaves_an_account_that_stays_is_gone_with_its_births_unless_they_were_shown() -> None:
    publication = Publication(stale_after=0)
    shown, fresh = Total(Family.GAP, ("shop",)), Total(Family.DUPLICATES, ("shop",))
    terminals = terminal_snapshot(), terminal_snapshot("shop")
    publication.publish("main", terminals, Totals({WALLET_TOTAL: 1, shown: 1}), NOW)
    publication.scraped(publication.current().sequence)
    publication.publish("main", terminals, Totals({WALLET_TOTAL: 1, shown: 1, fresh: 1}), NOW)

    publication.publish("main", terminals[:1], Totals({WALLET_TOTAL: 1}), NOW)
    publication.arrange(["main"], 0, Supervision())

    assert publication.current().totals == {WALLET_TOTAL: 1}
    assert set(publication.current().born) == {WALLET_TOTAL, shown}
