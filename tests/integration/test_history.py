"""The historian: reads the bank's past beside the polls, keeps it, and keeps up from memory."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from exporter.bank import BankError, Refused, Throttled
from exporter.baseline import MISSING, SLOT, WEEK
from exporter.ledger import Ledger
from exporter.model import DAY, HOUR, MINUTE, SECOND, Assignment, HistoryRead, Reading, Remembered, Span, Terminal
from exporter.poller.almanac import cells
from exporter.poller.forecasting import Forecaster
from exporter.poller.history import Historian
from exporter.poller.past import PastReader
from exporter.state import MemoryStore
from exporter.windows import begin
from tests.adapters.fakes import FakeBank, FakeClock, Recorder
from tests.builders import OUTCOMES, POLICY, SHOP, T0, WALLET, operation, reading


@dataclass
class SlowBank(FakeBank):
    """A bank that may be asked once a second, and may miscount some spans."""

    pace: Callable[[], None] = lambda: None
    miscounted: Callable[[Assignment], bool] = lambda _: False

    async def read(self, assignment: Assignment) -> Reading:
        self.pace()
        found = await super().read(assignment)
        return replace(found, complete=False) if self.miscounted(assignment) else found


class Desk:
    """A historian with everything around it in the test's hands; time passes while it sleeps."""

    def __init__(self, store: MemoryStore | None = None, history: int = 35 * DAY, origin: str = "") -> None:
        self.clock = FakeClock()
        self.bank = SlowBank(pace=self.pace, numbers={terminal.name: terminal.number for terminal in (WALLET, SHOP)})
        self.store = store or MemoryStore()
        self.recorder = Recorder()
        self.calm: tuple[str, ...] = ("wallet", "shop")
        remembered = Remembered({"wallet": begin(T0), "shop": begin(T0)}, (), {})
        self.ledger = Ledger("main", (WALLET, SHOP), OUTCOMES, POLICY, 100, remembered)
        self.until: Callable[[], bool] = lambda: False
        self.deadline = T0 + DAY
        self.forecaster = Forecaster((15 * MINUTE, HOUR), 4, lambda _: self.excluded)
        self.excluded: list[Span] = []
        self.historian = Historian(
            "main",
            self.ledger,
            PastReader(self.bank, (WALLET, SHOP), OUTCOMES),
            self.store,
            POLICY,
            history,
            4,
            {"wallet": origin, "shop": origin},
            self.recorder,
            self.clock,
            lambda: self.calm,
            self.forecaster,
            self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(round(seconds * SECOND))
        self.pace(0)
        await asyncio.sleep(0)

    def pace(self, seconds: int = 1) -> None:
        self.clock.advance(seconds * SECOND)
        if self.clock.now >= self.deadline:
            pytest.fail("what the test waits for does not come")  # no Exception: the historian lives through those
        if self.until():
            raise asyncio.CancelledError

    async def run(self, until: Callable[[], bool], within: int = DAY) -> None:
        self.until, self.deadline = until, self.clock.now + within
        with pytest.raises(asyncio.CancelledError):
            await self.historian.run()

    def share(self) -> float:
        shares = [event.share for event in self.recorder.events if isinstance(event, HistoryRead)]
        return shares[-1] if shares else 0.0

    def count(self, instant: int, terminal: Terminal = WALLET) -> int:
        operations = self.historian.almanacs[terminal.name].operations
        return round(operations.values[(instant - operations.start) // SLOT])


async def test_five_weeks_are_read_with_their_counts_and_amounts() -> None:
    desk = Desk()
    moments = [T0 - DAY, T0 - DAY + 1, T0 - 3 * WEEK]
    desk.bank.put(*(operation(moment, moment) for moment in moments), operation("f", T0 - DAY + 2, "failed"))
    desk.bank.put(operation("of the shop", T0 - 2 * DAY, number=SHOP.number, amount=700, currency="USD"))
    await desk.run(lambda: desk.share() == 1)

    assert desk.count(T0 - DAY) == 3
    assert desk.count(T0 - 3 * WEEK) == 1
    assert desk.count(T0 - 2 * DAY) == 0
    assert desk.count(T0 - 2 * DAY, SHOP) == 1
    amounts = desk.historian.almanacs["wallet"].amounts["KZT"]
    assert amounts.values[(T0 - DAY - amounts.start) // SLOT] == 2 * 20_000
    assert len(desk.bank.asked) == len(cells(T0, 35 * DAY, POLICY.lookback)), (
        "one request for two hours of both terminals"
    )


async def test_a_restart_reads_only_what_is_missing() -> None:
    first = Desk()
    first.bank.put(operation("a", T0 - 3 * WEEK))
    await first.run(lambda: len(first.bank.asked) >= 100)
    again = Desk(first.store)
    again.bank.put(operation("a", T0 - 3 * WEEK))
    await again.run(lambda: again.share() == 1)

    assert len(first.bank.asked) + len(again.bank.asked) == len(cells(T0, 35 * DAY, POLICY.lookback))
    assert again.count(T0 - 3 * WEEK) == 1


async def test_nothing_is_asked_for_while_polls_are_in_trouble() -> None:
    desk = Desk()
    desk.calm = ()
    await desk.run(lambda: desk.clock.now > T0 + HOUR)
    assert desk.bank.asked == []

    desk.calm = ("shop",)
    await desk.run(lambda: len(desk.bank.asked) > 3, within=2 * DAY)
    assert {asked.terminals for asked in desk.bank.asked} == {("shop",)}


async def test_a_bank_that_has_had_enough_is_left_alone_for_a_while() -> None:
    desk = Desk()
    asked_at: list[int] = []

    def throttled(_: Assignment) -> BankError | None:
        asked_at.append(desk.clock.now)
        return Throttled("rate_limited", "the bank asks for a pause") if len(asked_at) < 6 else None

    desk.bank.fail = throttled
    with capture_logs() as logs:
        await desk.run(lambda: desk.share() == 1)

    pauses = [(later - earlier) // SECOND for earlier, later in itertools.pairwise(asked_at[:6])]
    assert pauses == [31, 61, 121, 241, 481], "each twice as long, and a second for the request"
    said = [line for line in logs if line["event"] in {"history: reading pauses", "history: reading goes on"}]
    assert [line.get("kind") for line in said] == ["rate_limited", None], "once, however often it is tried in vain"
    assert said[1]["after_seconds"] > 31 + 61 + 121 + 241


async def test_a_past_that_the_bank_refuses_costs_only_itself() -> None:
    desk = Desk()
    desk.bank.put(operation("a", T0 - DAY))
    desk.bank.fail = lambda asked: Refused("no", 232) if asked.span.start < T0 - 30 * DAY else None
    await desk.run(lambda: desk.clock.now > T0 + 3 * HOUR)

    assert desk.count(T0 - DAY) == 1
    assert 0.8 < desk.share() < 0.9
    refused = [asked for asked in desk.bank.asked if asked.span.start < T0 - 30 * DAY]
    assert len(refused) <= 3 * len({asked.span for asked in refused}), "each is tried three times, and then left"


async def test_a_dense_past_is_read_in_pieces_and_adds_up() -> None:
    desk = Desk()
    desk.bank.limit = 50
    moments = [T0 - DAY + number * SECOND for number in range(1000)]
    desk.bank.put(*(operation(moment, moment) for moment in moments))
    await desk.run(lambda: desk.share() == 1)

    slots = {moment // SLOT * SLOT for moment in moments}
    assert sum(desk.count(slot) for slot in slots) == 1000


async def test_what_does_not_add_up_is_not_passed_off_as_history() -> None:
    desk = Desk(history=DAY)
    desk.bank.miscounts = 1
    await desk.run(lambda: desk.clock.now > T0 + HOUR)

    assert desk.share() == 0
    assert set(desk.historian.almanacs["wallet"].operations.values) <= {MISSING}


async def test_slots_that_close_are_taken_from_memory_and_kept() -> None:
    desk = Desk(history=0)
    whole = reading([operation(n, T0 + n * MINUTE) for n in range(60)])
    decision = desk.ledger.decide([whole], T0 + 75 * MINUTE)
    desk.ledger.apply(decision)
    desk.clock.advance(75 * MINUTE)
    await desk.run(lambda: desk.clock.now > T0 + 77 * MINUTE)

    closed = -(-T0 // SLOT) * SLOT
    assert [desk.count(closed + n * SLOT) for n in range(3)] == [MISSING, 15, 15]
    assert desk.bank.asked == []
    again = Desk(desk.store, history=0)
    again.clock.advance(3 * HOUR)
    await again.run(lambda: again.clock.now > T0 + 3 * HOUR)
    assert again.count(closed + SLOT) == 15


async def test_what_memory_has_let_go_of_in_an_outage_is_read_and_not_taken_for_nothing() -> None:
    desk = Desk()
    moments = [T0 + n * MINUTE for n in range(240)]
    desk.bank.put(*(operation(moment, moment) for moment in moments))
    before = desk.ledger.decide([reading([operation(m, m) for m in moments[:60]])], T0 + HOUR)
    desk.ledger.apply(before)
    after = desk.ledger.decide([reading([operation(m, m) for m in moments[60:]])], T0 + 4 * HOUR)
    desk.ledger.apply(after)
    desk.clock.advance(4 * HOUR)
    await desk.run(lambda: desk.share() == 1 and desk.clock.now > T0 + 4 * HOUR + 30 * MINUTE)

    first = -(-T0 // SLOT) * SLOT
    known = [desk.count(first + n * SLOT) for n in range(12)]
    assert {count for count in known if count != MISSING} == {15}
    assert known[:8] == [15] * 8


async def test_history_of_another_origin_is_read_anew() -> None:
    first = Desk(history=DAY, origin="a wrong number")
    await first.run(lambda: first.share() == 1)
    again = Desk(first.store, history=DAY, origin="the right one")
    again.bank.put(operation("a", T0 - 10 * HOUR))
    await again.run(lambda: again.share() == 1)

    assert len(again.bank.asked) == len(first.bank.asked)
    assert again.count(T0 - 10 * HOUR) == 1


async def test_a_clock_that_leaps_for_a_while_costs_no_history() -> None:
    desk = Desk(history=10 * DAY)
    desk.bank.put(operation("a", T0 - 9 * DAY))
    await desk.run(lambda: desk.share() == 1)
    kept = len(desk.store.history(["wallet"]))
    desk.clock.advance(400 * DAY)
    await desk.run(lambda: desk.clock.now > T0 + 400 * DAY + HOUR, within=401 * DAY)
    desk.clock.now = T0 + HOUR
    await desk.run(lambda: desk.clock.now > T0 + 3 * HOUR)

    assert len(desk.store.history(["wallet"])) >= kept - 1
    assert desk.count(T0 - 9 * DAY) == 1


async def test_a_defect_is_logged_and_the_historian_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(history=DAY)
    desk.bank.put(operation("a", T0 - DAY + 3 * HOUR))
    whole = desk.bank.read

    async def defective(assignment: Assignment) -> object:
        monkeypatch.setattr(desk.bank, "read", whole)
        raise ZeroDivisionError

    monkeypatch.setattr(desk.bank, "read", defective)
    with capture_logs() as logs:
        await desk.run(lambda: desk.share() == 1)

    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["defect"]


async def test_a_terminal_that_was_passed_over_has_its_turn_as_soon_as_it_is_calm() -> None:
    desk = Desk(history=3 * DAY)
    desk.calm = ("wallet",)
    cost = len(cells(T0, 3 * DAY, POLICY.lookback))

    def come_back() -> bool:
        if desk.clock.now > T0 + cost * SECOND + MINUTE:
            desk.calm = ("wallet", "shop")
        return desk.share() == 1

    await desk.run(come_back, within=2 * cost * SECOND + 90 * SECOND)

    assert [asked.terminals for asked in desk.bank.asked] == [("wallet",)] * cost + [("shop",)] * cost


async def test_a_terminal_that_comes_back_while_others_are_read_begins_with_what_is_nearest() -> None:
    desk = Desk()
    desk.calm = ("wallet",)
    wanted = cells(T0 + 2 * MINUTE, 35 * DAY, POLICY.lookback)

    def come_back() -> bool:
        if len(desk.bank.asked) == 100:
            desk.calm = ("wallet", "shop")
        return len(desk.bank.asked) == 110

    await desk.run(come_back)

    assert [asked.span for asked in desk.bank.asked[101:]] == wanted[:9]
    assert all("shop" in asked.terminals for asked in desk.bank.asked[101:])


async def test_a_terminal_whose_polls_fail_on_does_not_make_the_others_be_looked_at_more_often() -> None:
    desk = Desk(history=DAY)
    desk.calm = ("wallet",)
    await desk.run(lambda: desk.clock.now > T0 + 3 * HOUR)
    looks = [event for event in desk.recorder.events if isinstance(event, HistoryRead)]

    assert len(looks) < len(desk.bank.asked) + 3 * 6 + 2, "each ten minutes, and with each answer"
    assert desk.share() == 0.5, "what was passed over is not there"


async def test_cells_that_do_not_add_up_do_not_speak_for_older_ones() -> None:
    desk = Desk(history=10 * DAY)
    desk.bank.put(operation("old", T0 - 9 * DAY))
    desk.bank.miscounted = lambda asked: asked.span.start > T0 - 5 * DAY
    with capture_logs() as logs:
        await desk.run(lambda: desk.clock.now > T0 + HOUR)

    assert desk.count(T0 - 9 * DAY) == 1
    assert 0.4 < desk.share() < 0.6
    reasons = [line["reason"] for line in logs if line["event"] == "history: refused"]
    assert reasons == ["the ids read differ from totalCount"], "once a day, however many they are"


async def test_the_log_says_once_that_the_reading_waits_for_polls_and_that_it_goes_on() -> None:
    desk = Desk(history=10 * DAY)

    def troubled() -> bool:
        spent = desk.clock.now - T0
        desk.calm = () if 10 * SECOND < spent < HOUR else ("wallet", "shop")
        return desk.share() == 1

    with capture_logs() as logs:
        await desk.run(troubled)

    said = [line for line in logs if line["event"].startswith("history: reading ")]
    assert [line["event"] for line in said] == ["history: reading waits", "history: reading goes on"]
    assert said[0]["read"] == "9%"
    assert HOUR <= said[1]["after_seconds"] * SECOND + 2 * MINUTE <= HOUR + 3 * MINUTE


async def test_what_is_missing_shows_before_the_polls_allow_to_read_it() -> None:
    desk = Desk(history=DAY)
    desk.calm = ()
    await desk.run(lambda: desk.clock.now > T0 + MINUTE)

    assert [event.share for event in desk.recorder.events if isinstance(event, HistoryRead)] == [0.0]


async def test_a_bank_that_has_only_days_of_history_gives_no_weeks_of_zeros() -> None:
    desk = Desk()
    desk.bank.put(*(operation(n, T0 - 5 * DAY + n * HOUR) for n in range(5 * 24)))
    weeks = []

    def watched() -> bool:
        forecast = desk.forecaster.forecast("wallet", desk.clock.now)
        weeks.append(forecast.weeks if forecast else 0)
        return desk.share() == 1 and desk.clock.now > T0 + HOUR

    await desk.run(watched)

    assert set(weeks) == {0}


async def test_an_expectation_is_there_as_soon_as_the_nearest_hours_are_read() -> None:
    desk = Desk()
    desk.bank.put(*(operation(n, T0 - 36 * DAY + n * 10 * MINUTE) for n in range(36 * 144)))

    def expected() -> bool:
        forecast = desk.forecaster.forecast("wallet", desk.clock.now)
        return forecast is not None and forecast.weeks >= 4

    await desk.run(expected, within=3 * MINUTE)

    assert len(desk.bank.asked) < 100
