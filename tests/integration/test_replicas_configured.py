"""Replicas of which the configurations change, or differ for a while: nothing is lost, and nothing counted twice."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import psycopg
import pytest
import structlog

from exporter.config import Baseline, Config, Poll
from exporter.model import MINUTE, SECOND, Terminal
from exporter.sharing import shares
from tests.adapters.crew import Crew, ListingBank, until
from tests.builders import OUTCOMES, account


@pytest.fixture(autouse=True)
def _plain_logging() -> None:
    structlog.reset_defaults()


@pytest.fixture
def bank() -> ListingBank:
    return ListingBank()


@pytest.fixture
async def crew(database: str, bank: ListingBank) -> AsyncIterator[Crew]:
    crew = Crew(database, bank)
    yield crew
    await crew.stop_all()


def configured(database: str, *terminals: Terminal) -> Config:
    return Config(
        (replace(account("main"), terminals=terminals),),
        OUTCOMES,
        poll=Poll(interval=SECOND // 2, sweep_interval=SECOND, lookback=MINUTE, requests_per_second=1000),
        baseline=Baseline(history=0),
        state_url=database,
    )


def made(*places: int) -> tuple[Terminal, ...]:
    return tuple(Terminal(f"{each:08}", f"{each:08}", f"t{each}", "main") for each in places)


class Judge:
    """What the bank has against what all replicas count together, at any time and at rest."""

    def __init__(self, crew: Crew, bank: ListingBank, database: str) -> None:
        self._crew, self._bank, self._database = crew, bank, database

    def true(self, terminals: Sequence[Terminal]) -> Counter[str]:
        since = self._crew.counting_since()
        return Counter({each.name: self._bank.since(each.number, since[each.name]) for each in terminals})

    async def goes_on(self, numbers: Sequence[str]) -> None:
        """Operations happen, and what is counted is never more than has happened."""
        self._bank.happen(numbers)
        since = self._crew.counting_since()
        counted = self._crew.counted()
        for name, number in self._crew_numbers().items():
            assert counted[name] <= self._bank.since(number, since[name]), name

    def _crew_numbers(self) -> Mapping[str, str]:
        return {
            each.terminal.name: each.terminal.number
            for sharing in self._crew.running.values()
            for each in sharing.current().terminals
        }

    def settled(self, config: Config) -> bool:
        """Whether each terminal is read in its share, at one replica, and no other is."""
        wanted = {(share.name, each.name): 1 for share in shares(config.accounts) for each in share.terminals}
        return self._crew.shown() == wanted

    def doubled(self) -> int:
        """Operations that stand in the state more than once."""
        with psycopg.connect(self._database) as connection:
            rows = connection.execute("SELECT id FROM epay.operations GROUP BY id HAVING count(*) > 1").fetchall()
        return len(rows)


@pytest.mark.parametrize("replicas", [1, 2])
async def test_an_account_that_shrinks_to_one_share_and_grows_again_loses_and_doubles_nothing(
    crew: Crew, bank: ListingBank, database: str, replicas: int
) -> None:
    judge, numbers = Judge(crew, bank, database), [each.number for each in made(*range(130))]
    large, small = configured(database, *made(*range(130))), configured(database, *made(*range(20, 110)))
    for each in range(replicas):
        await crew.start(f"r{each}", large)
    for config in (large, small, large, small, large):
        for sharing in crew.running.values():
            await sharing.apply(config)
            await judge.goes_on(numbers[::7])
        await until(lambda config=config: judge.settled(config), lambda: judge.goes_on(numbers[::11]))  # type: ignore[misc]

    terminals = made(*range(130))
    await until(lambda: crew.counted() == judge.true(terminals))
    assert sum(crew.counted().values()) > 100
    assert judge.doubled() == 0


async def test_a_rolling_update_with_a_terminal_more_and_one_less_loses_and_doubles_nothing(
    crew: Crew, bank: ListingBank, database: str
) -> None:
    judge, numbers = Judge(crew, bank, database), [each.number for each in made(*range(240))]
    before = configured(database, *made(*range(230)))
    after = configured(database, *made(*range(60), *range(65, 240)))  # all behind the first five dozen move up
    for name in ("old-1", "old-2"):
        await crew.start(name, before)
    await until(lambda: judge.settled(before), lambda: judge.goes_on(numbers[::9]))

    handed_over = crew.moves("handed_over")
    await crew.start("new-1", after)
    await until(lambda: crew.living("old-1") == crew.living("old-2") == 3, lambda: judge.goes_on(numbers[::5]))
    await crew.stop("old-1")
    await until(lambda: judge.settled(before), lambda: judge.goes_on(numbers[::5]))  # the one that is left has all
    await crew.start("new-2", after)
    await until(lambda: crew.living("old-2") == crew.living("new-1") == 3, lambda: judge.goes_on(numbers[::5]))
    assert judge.settled(before)
    assert crew.moves("handed_over") == handed_over  # nobody let go of what the others cannot take
    await crew.stop("old-2")
    await until(lambda: judge.settled(after), lambda: judge.goes_on(numbers[::9]))

    terminals = made(*range(60), *range(65, 240))
    await until(lambda: crew.counted() == judge.true(terminals))
    assert sum(crew.counted().values()) > 100
    assert judge.doubled() == 0


async def test_a_terminal_under_another_name_is_counted_anew_and_not_under_both_at_a_time(
    crew: Crew, bank: ListingBank, database: str
) -> None:
    judge, numbers = Judge(crew, bank, database), [each.number for each in made(*range(4))]
    before = configured(database, *made(*range(4)))
    renamed = (replace(made(0)[0], name="wallet"), *made(1, 2, 3))
    after = configured(database, *renamed)
    await crew.start("old", before)
    await until(lambda: judge.settled(before), lambda: judge.goes_on(numbers))
    await crew.start("new", after)
    for _ in range(3):
        await judge.goes_on(numbers)
        assert not {"t0", "wallet"} <= crew.counted().keys()
    await crew.stop("old")
    await until(lambda: judge.settled(after), lambda: judge.goes_on(numbers))
    await until(lambda: crew.counted() == judge.true(renamed))
    await crew.stop("new")
    await crew.start("old again", before)
    await until(lambda: judge.settled(before), lambda: judge.goes_on(numbers))
    await until(lambda: crew.counted() == judge.true(made(*range(4))))
