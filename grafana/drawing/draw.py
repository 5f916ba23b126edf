"""Pictures of dashboards without a Grafana: its own components, fed from a Prometheus, photographed in Chromium.

    python draw.py --prometheus=http://localhost:9090 --output=DIRECTORY [--whole] [--from=now-1h]
        [--var=terminal=wallet] DASHBOARD.json …

What Prometheus would not answer, and panels without data, are said on stderr.
"""

import argparse
import contextlib
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
PLACES = {
    "/public/build/": HERE / "node_modules/@grafana/ui/dist/public",  # icons
    "/dashboards/": Path("/"),
    "/": HERE / "built",
}


class Files(SimpleHTTPRequestHandler):
    """The page, Grafana's icons, and the dashboards by their absolute paths."""

    def translate_path(self, path: str) -> str:
        """Where a path of the address lies on the disk."""
        wanted = unquote(urlsplit(path).path)
        prefix = next(prefix for prefix in PLACES if wanted.startswith(prefix))
        return str(PLACES[prefix] / wanted.removeprefix(prefix))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of the page, for as long as it is needed."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def draw(browser: Browser, url: str, output: Path, size: tuple[int, int], now: int | None, *, whole: bool) -> list[str]:
    """One picture, and what is to be said about it. `now`: milliseconds, where "ago" is not meant from the present."""
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height}, timezone_id="Asia/Almaty")
    if now is not None:
        page.clock.set_fixed_time(now / 1000)
    noise: list[str] = []
    page.on("pageerror", lambda error: noise.append(f"page: {error}"))
    page.goto(url)
    page.wait_for_function("window.drawn || window.failed", timeout=120_000)
    if failed := page.evaluate("window.failed"):
        raise SystemExit(f"draw: {failed}")
    if whole:
        page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
        page.wait_for_timeout(1000)
    page.screenshot(path=output)
    for panel in page.evaluate("window.drawn"):
        if panel.get("error"):
            noise.append(f"{panel['title']}: {panel['error']}")
        elif not panel["frames"] and panel["type"] != "text":
            noise.append(f"{panel['title']}: no data")
        elif panel["extraFrames"]:
            noise.append(f"{panel['title']}: a table of several frames, of which one is shown")
    page.close()
    return noise


def main() -> None:
    """Draw what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("dashboards", nargs="+", type=Path)
    parser.add_argument("--prometheus", default="http://localhost:9090")
    parser.add_argument("--output", type=Path, default=Path())
    parser.add_argument("--name", help="of the picture; by default the dashboard's file")
    parser.add_argument("--from", dest="start", help="now-1h, or milliseconds; by default what the dashboard has")
    parser.add_argument("--to", dest="end")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--width", type=int, default=1366)
    parser.add_argument("--height", type=int, default=768)
    parser.add_argument("--whole", action="store_true", help="as high as the dashboard is")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    variables = [(f"var-{name}", value) for name, _, value in (each.partition("=") for each in given.var)]
    times = [(name, value) for name, value in (("from", given.start), ("to", given.end)) if value]
    with served() as address, sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        for path in given.dashboards:
            place = f"/dashboards{path.resolve()}"
            asked = [("dashboard", place), ("prometheus", given.prometheus), ("theme", given.theme), *times, *variables]
            picture = given.output / f"{given.name or path.stem}.png"
            now = int(given.end) if given.end and given.end.isdigit() else None
            url = f"{address}/?{urlencode(asked)}"
            said = draw(browser, url, picture, (given.width, given.height), now, whole=given.whole)
            for line in said:
                sys.stderr.write(f"{path.stem}: {line}\n")
        browser.close()


if __name__ == "__main__":
    main()
