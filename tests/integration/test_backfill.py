"""The history read from the simulated bank and written: the bank's own truth, wherever it was interrupted."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_fd_to_metric_families

from exporter.backfill import Grid, LaneReader, OutputExists, Sieve, Silence, Spool, Wanted, lanes, partial_of, write
from exporter.backfill.spool import Tally
from exporter.backfill.writing import Written
from exporter.bank import Bank, BankError, LoginRefused, Refused, SpanTooLarge
from exporter.client import EpayClient, http_client
from exporter.config import Account, Limits, Poll, Secret
from exporter.config.tables import shipped_reason_classes, shipped_statuses
from exporter.model import DAY, HOUR, MINUTE, SECOND, Assignment, Outcome, Reading, Span, Terminal, minor_units
from exporter.outcomes import Outcomes
from exporter.simulator.api import create_app
from exporter.simulator.settings import Settings
from exporter.simulator.truth import truth
from exporter.simulator.world import TERMINALS, World
from tests.adapters.fakes import FakeBank, FakeClock, Recorder, refusing
from tests.builders import T0, operation
from tests.client_bank import ACCOUNT

START = 1_749_636_000_000_000
"""When the simulator came up: 2025-06-11T10:00:00Z."""

NAMES = {terminal.number: f"t-{terminal.number}" for terminal in TERMINALS}
OUTCOMES = Outcomes(shipped_statuses(), shipped_reason_classes())
BUSY = Settings(traffic=0.3, pending_share=0.2, late_share=0.1, date_times="mixed")


def account() -> Account:
    """The simulator's account, with all of its terminals."""
    demo = Secret("demo", "demo")
    return Account(
        name="main",
        token_url="http://bank/oauth2/token",
        operations_url="http://bank/api/p2p/operations",
        username=demo,
        password=demo,
        client_id=demo,
        client_secret=demo,
        terminals=tuple(Terminal(t.number, t.number, NAMES[t.number], "main") for t in TERMINALS),
    )


@dataclass
class Task:
    """A backfill in the test's hands: of which bank, from when to when, and where to."""

    directory: Path
    grid: Grid
    account: Account = field(default_factory=account)
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    follow_pending: int = DAY
    asked: list[Assignment] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.directory / "history.om"

    @property
    def names(self) -> list[str]:
        return [terminal.name for terminal in self.account.terminals]

    def spool(self) -> Spool:
        return Spool(partial_of(self.output), Wanted("then", "now", self.grid, tuple(self.names), ""))

    async def read(self, bank: Bank, spool: Spool) -> None:
        sieve = Sieve(self.account.terminals, OUTCOMES, 100, self.grid.span, [key for key, _ in spool.series()])
        for lane in lanes([self.account]):
            await LaneReader(
                lane, bank, sieve, spool, Silence(), self.follow_pending, self.clock, self.sleep, self.clock.monotonic
            ).read()

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(int(seconds * SECOND))

    async def run(self, bank: Bank) -> tuple[Tally, Written]:
        """All of it, from wherever the partial file stands."""
        with closing(self.spool()) as spool:
            await self.read(bank, spool)
            done = await write(spool, self.names, self.output, Silence(), force=True)
            tally = spool.tally()
            spool.discard()
        return tally, done


@asynccontextmanager
async def simulated(task: Task, settings: Settings = BUSY, page_size: int = 500) -> AsyncIterator[tuple[World, Bank]]:
    """The simulator's bank behind the real client, without a network."""
    world = World(settings, START)
    poll = Poll(requests_per_second=100_000, page_size=page_size)
    async with http_client(poll.timeout) as http:
        # The one seam that httpx gives for this: the transport beneath the client.
        http._transport = httpx.ASGITransport(create_app(world, settings, task.clock))
        http._mounts = {}
        yield world, EpayClient(
            task.account, poll, Limits(), http, asyncio.Semaphore(4), Recorder(), task.clock, lambda: 0.0, lambda: 0.0,
            task.sleep,
        )  # fmt: skip


@dataclass
class Wire:
    """A bank on the way to which something can happen."""

    bank: Bank
    before: Callable[[int], None] = lambda _: None
    asked: list[Assignment] = field(default_factory=list)

    async def read(self, assignment: Assignment) -> Reading:
        self.asked.append(assignment)
        self.before(len(self.asked))
        return await self.bank.read(assignment)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(tmp_path, Grid(START - 6 * HOUR - 7 * SECOND, START, MINUTE))


def samples(output: Path) -> Iterator[tuple[str, dict[str, str], float, float]]:
    """Name, labels, value and time of each sample, in the file's order, as a strict reader of OpenMetrics takes it."""
    with output.open(encoding="utf-8") as file:
        for family in text_fd_to_metric_families(file):  # type: ignore[no-untyped-call]  # the library types half
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value, float(sample.timestamp)


def last_totals(output: Path) -> dict[str, dict[tuple[str, ...], float]]:
    """The file's totals at its end, by labels; the reason's class is ours, and the bank knows nothing of it."""
    found: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for name, labels, value, _ in samples(output):
        found[name][tuple(text for label, text in labels.items() if label != "reason_class")] = value
    return found


def true_totals(world: World, span: Span, now: int) -> tuple[dict[str, dict[tuple[str, ...], float]], int]:
    """What the bank itself knows, without what is pending; and how many are."""
    operations: defaultdict[tuple[str, ...], int] = defaultdict(int)
    amounts: dict[tuple[str, ...], float] = {}
    pending = 0
    for row in truth(world, span.start, span.end, now)["rows"]:
        if row["outcome"] == "pending":
            pending += row["operations"]
            continue
        names = ("outcome", "status", "code", "reason_code")
        labels = (NAMES[row["terminal"]], *(row[name] for name in names))
        operations[labels] += row["operations"]
        amounts[*labels, row["currency"]] = row["amount_minor"] / 10 ** minor_units(row["currency"])
    return {"epay_operations_total": dict(operations), "epay_operations_amount_total": amounts}, pending


def without_zeros(totals: dict[str, dict[tuple[str, ...], float]]) -> dict[str, dict[tuple[str, ...], float]]:
    return {name: {labels: value for labels, value in found.items() if value} for name, found in totals.items()}


@pytest.mark.parametrize(
    "settings",
    [BUSY, replace(BUSY, seed=2, bounds="exclusive"), replace(BUSY, seed=3, size_cap=37, bounds="half-open")],
    ids=["inclusive", "exclusive", "half-open and capped"],
)
async def test_totals_are_the_banks_own_to_the_last_tenge(task: Task, settings: Settings) -> None:
    async with simulated(task, settings) as (world, bank):
        tally, done = await task.run(bank)

    expected, pending = true_totals(world, task.grid.span, START)
    totals = last_totals(task.output)
    assert without_zeros(totals) == expected
    assert sum(totals["epay_operations_total"].values()) == tally.counted > 2_000
    assert (tally.pending, tally.strangers, tally.incomplete) == (pending, {"foreign": 0}, ())
    assert pending > 0
    assert done.size == task.output.stat().st_size
    assert [path.name for path in task.output.parent.iterdir()] == ["history.om"]


async def test_each_step_has_the_total_of_what_came_before_it(task: Task) -> None:
    task.grid = Grid(START - HOUR, START - 10 * MINUTE, 5 * MINUTE)
    async with simulated(task) as (world, bank):
        await task.run(bank)

    told: defaultdict[float, float] = defaultdict(float)
    for name, _, value, moment in samples(task.output):
        if name == "epay_operations_total":
            told[moment] += value
    expected = {}
    for boundary in range(task.grid.start, task.grid.end + 1, task.grid.step):
        totals, _ = true_totals(world, Span(task.grid.start, boundary), START)
        expected[boundary / SECOND] = sum(totals["epay_operations_total"].values())
    assert told == expected


async def test_every_terminal_has_its_zeros_from_the_start_and_other_series_begin_with_one(task: Task) -> None:
    async with simulated(task) as (_, bank):
        await task.run(bank)

    first: dict[tuple[str, ...], tuple[float, float]] = {}
    for metric, labels, value, moment in samples(task.output):
        first.setdefault((metric, *labels.values()), (value, moment))
    assert {value for value, _ in first.values()} == {0}
    start = task.grid.start / SECOND
    for name in task.names:
        assert first["epay_operations_total", name, "success", "ok", "00", "0", "none"] == (0, start)
        assert first["epay_operations_total", name, "failure", "", "", "", "technical"] == (0, start)
    assert len({at for _, at in first.values()}) > 3


class Killed(BaseException):
    """The process ends here."""


async def test_interrupted_at_any_point_and_taken_up_again_the_file_is_the_same(task: Task) -> None:
    task.grid = Grid(START - 2 * HOUR, START, MINUTE)
    async with simulated(task, page_size=100) as (_, bank):
        whole = Wire(bank)
        await task.run(whole)
        expected = task.output.read_bytes()
        count = len(whole.asked)
        assert count > 2
        for point in range(1, count + 1):
            task.output.unlink()

            def kill(number: int, point: int = point) -> None:
                if number == point:
                    raise Killed

            with closing(task.spool()) as spool, pytest.raises(Killed):
                await task.read(Wire(bank, kill), spool)
            rest = Wire(bank)
            await task.run(rest)
            assert task.output.read_bytes() == expected
            # What was done is not asked for again, but for the pending operations' hours at the end.
            assert len(rest.asked) <= count - point + 1 + 2


async def test_interrupted_after_every_single_reading_the_file_is_the_same(task: Task) -> None:
    async with simulated(task) as (_, bank):
        await task.run(bank)
        expected = task.output.read_bytes()
        task.output.unlink()

        def kill(number: int) -> None:
            if number == 2:
                raise Killed

        for _ in range(20):
            try:
                await task.run(Wire(bank, kill))
            except Killed:
                assert not task.output.exists()
            else:
                break
        else:  # the hours of pending operations are always read again at the end, so it needs one whole run
            await task.run(bank)
        assert task.output.read_bytes() == expected


async def test_interrupted_while_writing_nothing_half_is_left(task: Task) -> None:
    class Interrupting(Silence):
        def wrote(self, series: int, of: int) -> None:
            if series == 3 < of:
                raise Killed

    async with simulated(task) as (_, bank):
        with closing(task.spool()) as spool:
            await task.read(bank, spool)
            with pytest.raises(Killed):
                await write(spool, task.names, task.output, Interrupting(), force=False)
            assert {path.name for path in task.directory.iterdir()} <= {
                "history.om.partial",
                "history.om.partial-journal",
            }
            await write(spool, task.names, task.output, Silence(), force=False)
            written = task.output.read_bytes()
            spool.discard()
        await task.run(bank)
    assert task.output.read_bytes() == written


async def test_pending_operations_count_as_what_they_are_by_the_end(task: Task) -> None:
    """Read while pending, final when all is read: the hours that hold them are read once more."""
    task.grid = Grid(START - HOUR, START, MINUTE)
    minutes = iter([0, 10 * MINUTE, 0, 0, 0, 0])

    def later(_: int) -> None:
        task.clock.advance(next(minutes))

    async with simulated(task) as (world, bank):
        tally, _ = await task.run(Wire(bank, later))

    assert true_totals(world, task.grid.span, START)[1] > 0
    assert true_totals(world, task.grid.span, task.clock.now)[1] == 0
    assert tally.pending == 0


async def test_what_is_pending_for_longer_than_it_is_followed_is_left_as_it_is(task: Task) -> None:
    bank = FakeBank(numbers={"wallet": "98151552", "shop": "98151553"})
    bank.put(operation("old", T0 + MINUTE, "new"), operation("young", T0 + 2 * HOUR, "new"))
    fake = replace(task, account=ACCOUNT, grid=Grid(T0, T0 + 3 * HOUR, MINUTE), follow_pending=2 * HOUR)
    fake.clock.now = T0 + 3 * HOUR
    tally, _ = await fake.run(bank)

    assert tally.pending == 2
    hour = T0 + 2 * HOUR - (T0 + 2 * HOUR) % HOUR
    assert [each.span for each in bank.asked[2:]] == [Span(hour, hour + HOUR)]
    totals = last_totals(fake.output)
    assert without_zeros(totals) == {"epay_operations_total": {}, "epay_operations_amount_total": {}}


@pytest.fixture
def fake(task: Task) -> Task:
    """A wallet and a shop at a bank that answers at once."""
    return replace(task, account=ACCOUNT, grid=Grid(T0, T0 + 2 * DAY, MINUTE), clock=FakeClock(T0 + 2 * DAY))


def fake_bank(**settings: Any) -> FakeBank:
    bank = FakeBank(numbers={"wallet": "98151552", "shop": "98151553"}, **settings)
    bank.put(*(operation(number, T0 + number * HOUR // 4) for number in range(8 * 24)))
    return bank


def gaps(spans: list[Span]) -> Iterator[tuple[int, int]]:
    edge = T0
    for span in sorted(spans):
        if span.start != edge:
            yield edge, span.start
        edge = span.end


async def test_spans_grow_while_they_hold_little(fake: Task) -> None:
    bank = fake_bank()
    await fake.run(bank)
    spans = [each.span for each in bank.asked]

    assert [(span.end - span.start) // HOUR for span in spans] == [1, 2, 4, 8, 16, 17]
    assert list(gaps(spans)) == []


async def test_spans_that_hold_too_much_are_read_in_parts(fake: Task) -> None:
    bank = fake_bank(limit=3)
    tally, _ = await fake.run(bank)

    assert tally.counted == 8 * 24


async def test_a_span_that_does_not_add_up_is_read_again_and_named(fake: Task) -> None:
    fake.grid = Grid(T0, T0 + HOUR, MINUTE)
    bank = fake_bank(miscounts=1)
    with closing(fake.spool()) as spool:
        await fake.read(bank, spool)
        assert spool.tally().incomplete == (("main/wallet", Span(T0, T0 + HOUR)),)
        assert spool.tally().counted == 4
        assert len(bank.asked) == 2
        bank.miscounts = 0
        await fake.read(bank, spool)
        assert spool.tally().incomplete == ()


async def test_an_incomplete_span_that_has_grown_too_large_is_halved(fake: Task) -> None:
    fake.grid = Grid(T0, T0 + HOUR, MINUTE)
    bank = fake_bank(miscounts=1)
    with closing(fake.spool()) as spool:
        await fake.read(bank, spool)
        bank.limit, bank.miscounts = 2, 0
        await fake.read(bank, spool)
        assert spool.tally().incomplete == ()
        assert spool.tally().counted == 4


async def test_the_refused_terminal_is_named(fake: Task) -> None:
    bank = fake_bank(fail=refusing("shop"))
    with closing(fake.spool()) as spool, pytest.raises(Refused, match="the bank refuses terminal shop alone: no"):
        await fake.read(bank, spool)


@pytest.mark.parametrize("error", [Refused("all of it"), LoginRefused("login_refused", "the password is wrong")])
async def test_what_is_no_terminals_fault_is_told_as_it_is(fake: Task, error: BankError) -> None:
    bank = fake_bank(fail=lambda _: error)
    with closing(fake.spool()) as spool, pytest.raises(type(error), match=str(error)):
        await fake.read(bank, spool)
    assert len(bank.asked) <= 3


async def test_a_bank_in_trouble_names_no_terminal(fake: Task) -> None:
    answers = iter([Refused("all of it"), LoginRefused("login_refused", "x")])
    bank = fake_bank(fail=lambda _: next(answers))
    with closing(fake.spool()) as spool, pytest.raises(Refused, match="all of it"):
        await fake.read(bank, spool)


async def test_an_output_that_exists_is_replaced_only_by_force(fake: Task) -> None:
    fake.output.write_text("mine")
    with closing(fake.spool()) as spool:
        await fake.read(fake_bank(), spool)
        with pytest.raises(OutputExists, match="exists already: name another file, or add --force to replace it"):
            await write(spool, fake.names, fake.output, Silence(), force=False)
        assert fake.output.read_text() == "mine"
        await write(spool, fake.names, fake.output, Silence(), force=True)
    assert fake.output.read_text().endswith("# EOF\n")


async def test_a_series_whose_operations_have_all_changed_is_not_written(fake: Task) -> None:
    fake.grid = Grid(T0, T0 + HOUR, MINUTE)
    bank = fake_bank()
    bank.put(operation("x", T0, "failed"), operation("y", T0, "new"))
    with closing(fake.spool()) as spool:
        await fake.read(bank, spool)
        bank.put(operation("x", T0, "refund"))
        for hour in spool.grid.span, *spool.incomplete("main/wallet"):
            rows, _ = Sieve(ACCOUNT.terminals, OUTCOMES, 9, hour, ()).sift(
                await bank.read(Assignment(hour, ("wallet",)))
            )
            spool.take("main/wallet", hour, rows, (), complete=True, onward=False)
        await write(spool, fake.names, fake.output, Silence(), force=False)
    statuses = {labels[2] for labels in last_totals(fake.output)["epay_operations_total"]}

    assert statuses == {"ok", "", "refund"}
    assert {key.outcome for key, _ in spool.series()} == {Outcome.SUCCESS, Outcome.FAILURE, Outcome.PENDING}


async def test_too_large_within_a_second_is_the_clients_to_judge(fake: Task) -> None:
    bank = fake_bank(limit=0)
    bank.operations = {each.id: each for each in (operation(n, T0 + n) for n in range(5))}
    fake.grid = Grid(T0, T0 + 4 * SECOND, SECOND)
    tally, _ = await fake.run(bank)

    assert tally.counted == 5
    with pytest.raises(SpanTooLarge):
        await bank.read(Assignment(Span(T0, T0 + 2 * SECOND), ("wallet",)))
