"""What scrapers have been shown is kept with its share, also where the state fails while another share goes away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx

from exporter.app.clock import lasting_clock
from exporter.app.fleet import Fleet
from exporter.app.sharing import Sharing
from exporter.config import Config, Poll
from exporter.instrumentation import Instruments
from exporter.model import HOUR, SECOND, Family, Total
from exporter.poller import Publication
from exporter.state import Database, Leases
from tests.builders import OUTCOMES, account
from tests.postgresql import Server


@contextlib.asynccontextmanager
async def holding(publication: Publication, config: Config) -> AsyncIterator[Sharing]:
    """A replica that holds all shares of a configuration, at a bank that never answers."""

    async def silence(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(HOUR)
        raise AssertionError

    instruments = Instruments((), "test")
    leases = Leases(Database(config.state_url), "only", 30, lasting_clock)
    async with httpx.AsyncClient(transport=httpx.MockTransport(silence)) as http:
        sharing = Sharing(
            leases, publication, instruments, lambda store_of: Fleet(store_of, publication, instruments, http)
        )
        await sharing.apply(config)
        running = asyncio.create_task(sharing.run())
        try:
            async with asyncio.timeout(20):
                while len(sharing.current().terminals) < len(config.accounts):
                    publication.published.clear()
                    await publication.published.wait()
            yield sharing
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await sharing.close()
            leases.close()


async def test_what_was_shown_of_other_shares_is_kept_later_where_the_state_fails_as_one_is_given_up(
    database: str, postgresql: Server
) -> None:
    config = Config(
        (account("a", "t-a"), account("b", "t-b")),
        OUTCOMES,
        poll=Poll(interval=SECOND, requests_per_second=1000),
        state_url=database,
    )
    publication = Publication(stale_after=HOUR)
    name = database.rpartition("/")[2]
    shown = Total(Family.OPERATIONS, ("t-b", "success"))
    async with holding(publication, config) as sharing:
        publication.not_kept([shown])
        postgresql.sql("ALTER TABLE epay.totals RENAME TO away", name)
        await sharing.apply(replace(config, accounts=(account("b", "t-b"),)))
        assert [each.terminal.name for each in sharing.current().terminals] == ["t-b"]
        postgresql.sql("ALTER TABLE epay.away RENAME TO totals", name)
        assert publication.newly_scraped() == (shown,)
