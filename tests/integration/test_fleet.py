"""The running accounts and their reload, in one process: what is built anew, what goes on, and what failing undoes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from exporter.app.fleet import Change, Fleet, change
from exporter.app.reloading import Reloader
from exporter.config import Alerts, Baseline, Config, Limits, Poll
from exporter.instrumentation import Instruments
from exporter.model import MINUTE, SECOND, CalendarEntry, Decision, Duration, Remembered
from exporter.outcomes import Outcomes
from exporter.poller import Publication
from exporter.state import CommitFailed, MemoryStore, StateUnusable
from exporter.thresholds import Given
from tests.builders import OUTCOMES, account


@pytest.fixture(autouse=True)
def _plain_logging() -> None:
    structlog.reset_defaults()


POLL = Poll(interval=SECOND // 10, requests_per_second=1000)
CONFIG = Config((account("a"), account("b")), OUTCOMES, poll=POLL, state_url="memory:")


def test_the_same_configuration_changes_nothing() -> None:
    assert change(CONFIG, CONFIG) == Change(kept=("a", "b"))


def test_all_is_new_at_the_start() -> None:
    assert change(None, CONFIG) == Change(added=("a", "b"))


def test_an_account_that_moves_in_the_file_is_the_same() -> None:
    moved = replace(CONFIG, accounts=(account("b", place=0), account("a", place=1)))
    assert change(CONFIG, moved) == Change(kept=("b", "a"))


def test_accounts_change_and_come_and_go_by_themselves() -> None:
    after = replace(CONFIG, accounts=(account("b", "b", "more"), account("c")))
    assert change(CONFIG, after) == Change(changed=("b",), added=("c",), removed=("a",))


@pytest.mark.parametrize(
    "after",
    [
        replace(CONFIG, alerts=Alerts({"volume_drop": None})),
        replace(CONFIG, calendar=(CalendarEntry(0, 1, "holiday"),)),
    ],
    ids=["alerts", "calendar"],
)
def test_alerts_and_calendar_are_of_no_account(after: Config) -> None:
    assert change(CONFIG, after) == Change(kept=("a", "b"))


@pytest.mark.parametrize(
    "after",
    [
        replace(CONFIG, poll=replace(POLL, page_size=7)),
        replace(CONFIG, windows=(*CONFIG.windows, 7 * MINUTE)),
        replace(CONFIG, limits=Limits(max_codes_per_terminal=7)),
        replace(CONFIG, outcomes=Outcomes({})),
        replace(CONFIG, breakdowns=("sender_issuer",)),
        replace(CONFIG, baseline=Baseline(weeks=7)),
    ],
    ids=["poll", "windows", "limits", "outcomes", "breakdowns", "baseline"],
)
def test_what_is_of_no_single_account_is_of_all(after: Config) -> None:
    assert change(CONFIG, after) == Change(changed=("a", "b"))


class Bank:
    """Gives a token to whoever asks, and has nothing to list."""

    def __init__(self) -> None:
        self.logins = 0
        self.searches = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"token-{self.logins}", "expires_in": 7200})
        self.searches += 1
        return httpx.Response(200, json={"totalCount": 0, "records": []})


class BrittleStore(MemoryStore):
    """A store that can fail when it is asked what it knows, or told of a new terminal."""

    unreadable = full = False

    def recall(self, names: object = (), retention: Duration | None = None) -> Remembered:
        if self.unreadable:
            raise StateUnusable("state: damaged")
        return super().recall(names, retention)  # type: ignore[arg-type]

    def commit(self, decision: Decision) -> None:
        if self.full and not decision.entries:
            raise CommitFailed("state: the disk is full")
        super().commit(decision)


class Ship:
    """A fleet with all around it."""

    def __init__(self) -> None:
        self.bank = Bank()
        self.store = BrittleStore()
        self.publication = Publication(stale_after=SECOND)
        self.instruments = Instruments((), "1")
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.bank))
        self.fleet = Fleet(lambda _: self.store, self.publication, self.instruments, self.http)

    @asynccontextmanager
    async def running(self, config: Config = CONFIG) -> AsyncIterator[None]:
        await self.fleet.apply(config)
        task = asyncio.create_task(self.fleet.run())
        try:
            await self.polled(config)
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.http.aclose()

    async def polled(self, config: Config = CONFIG) -> None:
        """Until every account has been polled once more."""
        before = {each.name: self.polls(each.name) for each in config.accounts}
        await until(lambda: all(self.polls(name) > polls for name, polls in before.items()))

    def polls(self, name: str) -> float:
        labels = {"account": name, "result": "success"}
        return self.instruments.registry.get_sample_value("epay_polls_total", labels) or 0

    def shown(self) -> dict[str, bool]:
        """Terminal → whether it has been read."""
        return {each.terminal.name: each.read for each in self.publication.current().terminals}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  any state may be waited for
            await asyncio.sleep(0.01)


async def test_another_account_comes_in_and_the_others_do_not_notice() -> None:
    ship = Ship()
    async with ship.running():
        logins = ship.bank.logins

        done = await ship.fleet.apply(replace(CONFIG, accounts=(*CONFIG.accounts, account("c"))))

        assert done == Change(kept=("a", "b"), added=("c",))
        assert ship.shown() == {"a": True, "b": True, "c": False}
        await until(lambda: ship.shown()["c"])
        assert ship.bank.logins == logins + 1
        assert set(ship.store.recall().checkpoints) == {"a", "b", "c"}


async def test_accounts_that_are_built_anew_keep_their_login_and_what_they_show() -> None:
    ship = Ship()
    async with ship.running():
        after = replace(CONFIG, poll=replace(POLL, page_size=7))

        await ship.fleet.apply(after)

        assert ship.shown() == {"a": True, "b": True}
        await ship.polled()
        assert ship.bank.logins == 2


async def test_other_credentials_are_tried_at_once() -> None:
    ship = Ship()
    async with ship.running():
        await ship.fleet.apply(replace(CONFIG, accounts=(account("a", password="another"), account("b"))))
        await ship.polled()

        assert ship.bank.logins == 3


async def test_an_account_that_goes_is_asked_for_no_longer() -> None:
    ship = Ship()
    async with ship.running():
        one = replace(CONFIG, accounts=(account("b"),))

        await ship.fleet.apply(one)

        polls = ship.polls("b")
        searches = ship.bank.searches
        await until(lambda: ship.polls("b") >= polls + 5)
        assert ship.shown() == {"b": True}
        assert ship.polls("a") == 0  # its metrics are gone
        assert ship.bank.searches > searches


async def test_other_thresholds_stop_nobody() -> None:
    ship = Ship()
    async with ship.running():
        before = ship.publication.current()

        await ship.fleet.apply(replace(CONFIG, alerts=Alerts({"all_failing": {"critical": 7.0}})))

        after = ship.publication.current()
        of_all = after.supervision.thresholds.values()
        assert {each.value for its in of_all for each in its if each.alert == "all_failing"} == {7}
        assert after.terminals == before.terminals
        await ship.polled()
        assert ship.bank.logins == 2


class Asked(dict[str, Given]):
    """Settings of terminals, and how often a terminal's were asked for."""

    times = 0

    def get(self, *arguments: Any) -> Any:
        self.times += 1
        return super().get(*arguments)


async def test_thresholds_of_a_share_that_comes_are_worked_out_and_of_the_others_not_again() -> None:
    ship, asked = Ship(), Asked({"elsewhere": {"volume_drop": None}})
    accounts = tuple(account(f"share{each}", *(f"t{each}-{place}" for place in range(5))) for each in range(8))
    config = replace(CONFIG, alerts=Alerts({}, asked))
    for taken in range(1, 9):
        await ship.fleet.apply(replace(config, accounts=accounts[:taken]))
        assert asked.times == 5 * taken
    await ship.fleet.apply(replace(config, accounts=accounts[1:]))
    assert asked.times == 40
    supervised = ship.publication.current().supervision.thresholds
    assert list(supervised) == [terminal.name for each in accounts[1:] for terminal in each.terminals]
    await ship.http.aclose()


@pytest.mark.parametrize("trouble", ["unreadable", "full"])
async def test_a_state_that_fails_leaves_all_as_it_was(trouble: str) -> None:
    ship = Ship()
    async with ship.running():
        setattr(ship.store, trouble, True)
        supervision = ship.publication.current().supervision
        worse = replace(CONFIG, accounts=(account("a", "a", "new"),), alerts=Alerts({"all_failing": None}))

        with pytest.raises((StateUnusable, CommitFailed)):
            await ship.fleet.apply(worse)

        setattr(ship.store, trouble, False)
        assert ship.shown() == {"a": True, "b": True}
        assert ship.publication.current().supervision == supervision
        await ship.polled()
        assert ship.bank.logins == 2
        assert (await ship.fleet.apply(CONFIG)).kept == ("a", "b")


# The file


FILE = """\
accounts:
  - {name: a, token_url: "http://bank/token", operations_url: "http://bank/operations", username: a, password: password,
     client_id: client, client_secret: hush, terminals: [{id: id-a, name: a}]}
poll: {interval: 100ms, requests_per_second: 1000}
state: {url: "memory:"}
"""


@asynccontextmanager
async def reloading(ship: Ship, path: Path) -> AsyncIterator[Callable[[], Awaitable[Sequence[str]]]]:
    config = replace(CONFIG, accounts=(account("a"),))
    async with ship.running(config):
        reloader = Reloader(path, config, ship.fleet, ship.instruments)
        task = asyncio.create_task(reloader.run())
        try:
            yield reloader.ask
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def successful(ship: Ship) -> float | None:
    return ship.instruments.registry.get_sample_value("epay_config_last_reload_successful")


async def test_a_good_file_is_applied_and_a_bad_one_is_not(tmp_path: Path) -> None:
    ship, path = Ship(), tmp_path / "config.yaml"
    async with reloading(ship, path) as ask:
        path.write_text(FILE + "alerts: {defaults: {all_failing: off}}\n")
        assert await ask() == ()
        assert successful(ship) == 1
        good = ship.publication.current().supervision

        path.write_text(FILE + "alerts: {defaults: {all_filing: off}}\n")
        (problem,) = await ask()
        assert problem == f'{path}:6: alerts.defaults.all_filing: unknown alert; did you mean "all_failing"?'
        assert successful(ship) == 0
        assert ship.publication.current().supervision == good


async def test_a_file_that_is_gone_or_names_another_state_is_refused(tmp_path: Path) -> None:
    ship, path = Ship(), tmp_path / "config.yaml"
    async with reloading(ship, path) as ask:
        assert "cannot be read" in str(await ask())
        path.write_text(FILE.replace("memory:", f"sqlite:///{tmp_path}/state.db"))
        assert "state.url: cannot be changed while the exporter runs" in str(await ask())
        assert successful(ship) == 0


async def test_a_state_that_fails_refuses_the_reload(tmp_path: Path) -> None:
    ship, path = Ship(), tmp_path / "config.yaml"
    async with reloading(ship, path) as ask:
        path.write_text(FILE.replace("interval: 100ms", "interval: 150ms"))
        ship.store.unreadable = True
        assert await ask() == ("state: damaged",)
        ship.store.unreadable = False
        assert await ask() == ()


async def test_many_who_ask_at_once_share_a_reload(tmp_path: Path) -> None:
    ship, path = Ship(), tmp_path / "config.yaml"
    async with reloading(ship, path) as ask:
        path.write_text(FILE)
        with structlog.testing.capture_logs() as said:
            assert await asyncio.gather(*(ask() for _ in range(10))) == [()] * 10
        assert [each["event"] for each in said].count("configuration reloaded") == 1


async def test_who_asks_when_the_exporter_stops_is_told_so(tmp_path: Path) -> None:
    ship, path = Ship(), tmp_path / "config.yaml"
    path.write_text(FILE)
    async with reloading(ship, path) as ask:
        await asyncio.sleep(0)
        answer = ask()
    assert await answer == ("the exporter is stopping",)


async def test_who_asks_when_no_reload_can_come_any_more_does_not_wait_for_one(tmp_path: Path) -> None:
    ship, path = Ship(), tmp_path / "config.yaml"
    path.write_text(FILE)
    async with reloading(ship, path) as ask:
        await asyncio.sleep(0)  # it runs
    assert await asyncio.wait_for(ask(), 5) == ("the exporter is stopping",)
