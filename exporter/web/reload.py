"""The endpoint that has the configuration read again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_NOT_ENABLED: Final = "Lifecycle API is not enabled: start with --web.enable-lifecycle, or send SIGHUP."


class Reload:
    """Answers 200 where the configuration is in use now, 500 with all that is wrong with it where it is not."""

    def __init__(self, reload: Callable[[], Awaitable[Sequence[str]]] | None) -> None:
        self._reload = reload

    async def __call__(self, request: Request) -> Response:
        """Have it read again, unless that is not allowed, or a page of somebody else's wants it."""
        if self._reload is None:
            return PlainTextResponse(_NOT_ENABLED, status_code=403)
        if of_another_site(request.headers):
            return PlainTextResponse("a page of another site must not reload the configuration", status_code=403)
        problems = await self._reload()
        if problems:
            return PlainTextResponse("\n".join(("failed to reload the configuration:", *problems)), status_code=500)
        return PlainTextResponse("OK")


def of_another_site(headers: Headers) -> bool:
    """Whether a browser sends this for a page that is not ours: it would add the password that it knows by itself.

    Browsers say so in Sec-Fetch-Site, older ones in Origin; programs send neither.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
