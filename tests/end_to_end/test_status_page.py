"""The status page in a real browser: readable in five seconds, on a phone and on a desk, by day and by night."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright
from prometheus_client import CollectorRegistry

from exporter.model import HOUR, MINUTE, SECOND, Outcome, Snapshot, Trouble, WindowTally
from exporter.web import bind, create_app, serve
from tests.tools import NOW, WINDOWS, require, series, snapshot, tally, terminal_snapshot

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = {"phone": (375, 812), "desk": (1280, 800), "wide phone": (390, 844), "laptop": (1366, 768)}
SCHEMES = ("light", "dark")
HOSTILE = "<script>document.title='owned'</script>"


def windows(success: int, failure: int, pending: int, unknown: int = 0) -> list[WindowTally]:
    counts = {Outcome.SUCCESS: success, Outcome.FAILURE: failure, Outcome.PENDING: pending, Outcome.UNKNOWN: unknown}
    return [tally(window, {series("", outcome): count for outcome, count in counts.items()}) for window in WINDOWS]


MIXED = snapshot(
    terminal_snapshot("wallet", windows=windows(12_804, 391, 17), pending=17, oldest_pending=NOW - 95 * SECOND),
    terminal_snapshot("marketplace", windows=windows(231, 4, 2), pending=2, oldest_pending=NOW - 7 * HOUR),
    terminal_snapshot(
        "payouts",
        account="second",
        windows=windows(1, 1, 1),
        failing=True,
        last_success=NOW - 26 * MINUTE,
        trouble=Trouble("timeout", "The bank did not answer within 10 s.", NOW - 26 * MINUTE),
    ),
    terminal_snapshot(
        "loyalty", windows=windows(58, 0, 0, unknown=3), catching_up=True, last_success=NOW - 21 * SECOND
    ),
    terminal_snapshot(
        HOSTILE,
        account="a&b\"'>",
        windows=windows(0, 0, 0),
        failing=True,
        last_success=None,
        read=False,
        trouble=Trouble("login", f"The login was refused: {HOSTILE}", NOW - 27 * HOUR),
    ),
    terminal_snapshot("W" * 64, account="x" * 40, windows=windows(10**9, 10**8, 10**7), newest=None),
)
ALL_FINE = snapshot(
    *(terminal_snapshot(name, windows=windows(900, 12, 3)) for name in ("wallet", "marketplace", "payouts")),
)
WAITING = snapshot(terminal_snapshot("wallet", read=False, tried=False, last_success=None, windows=[]))
SNAPSHOTS = {"mixed": MIXED, "fine": ALL_FINE, "waiting": WAITING}


@dataclass
class Site:
    """A running exporter's web side, whose snapshot the test chooses."""

    url: str
    snapshot: Snapshot = MIXED


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    listener = bind("127.0.0.1:0")
    site = Site(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    app = create_app(lambda: site.snapshot, CollectorRegistry(), lambda: NOW, version="0.1.0")
    serving = asyncio.create_task(serve(app, [listener]))
    yield site
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    executable = require("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def opened(
    browser: Browser, site: Site, size: str, scheme: Any = "light", locale: str = "en-GB"
) -> AsyncIterator[Page]:
    """The page as a visitor sees it; at the end the browser must have had nothing to complain of."""
    width, height = SIZES[size]
    phone = "phone" in size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        is_mobile=phone,
        has_touch=phone,
        locale=locale,
    )
    complaints: list[str] = []

    def console(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    page = await context.new_page()
    page.on("console", console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    await page.goto(site.url)
    yield page
    await context.close()
    assert complaints == []


# Each text's colour against the nearest opaque ground behind it, by WCAG 2's formula.
CONTRASTS = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.tagName === 'STYLE') continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(ground(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), walker.currentNode.data.trim()]);
  }
  return found;
}"""


# Elements that reach beyond the screen, or beyond the card or table that holds them.
CUT = """width => [...document.querySelectorAll('main *')].filter(each => {
  const holder = each.closest('tbody tr') ?? document.body;
  const right = each.getBoundingClientRect().right;
  return right > width + 0.5 || right > holder.getBoundingClientRect().right + 0.5;
}).map(each => each.textContent.trim())"""


# How many lines the texts take that belong in one: states, numbers (but for the last row's, which are billions), links.
LINES = """() => [...document.querySelectorAll(
  '.pill, tr:not(:last-child) .counts > span, td b, td time, nav a'
)].map(each => {
  const height = parseFloat(getComputedStyle(each).lineHeight);
  return [each.textContent.trim(), Math.round(each.getBoundingClientRect().height / height)];
})"""


async def photograph(page: Page, name: str) -> None:
    """A picture for people, where EPAY_SCREENSHOTS names a directory."""
    directory = os.environ.get("EPAY_SCREENSHOTS")
    if directory:
        await page.screenshot(path=Path(directory) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("which", SNAPSHOTS)
async def test_readable_on_every_screen(browser: Browser, site: Site, which: str) -> None:
    site.snapshot = SNAPSHOTS[which]
    for size in ("phone", "desk"):
        for scheme in SCHEMES:
            async with opened(browser, site, size, scheme) as page:
                await photograph(page, f"{which}-{size}-{scheme}")

                # Against the screen, not window.innerWidth: a phone's grows with what is too wide.
                overflow = await page.evaluate("document.documentElement.scrollWidth") - SIZES[size][0]
                cut = await page.evaluate(CUT, SIZES[size][0])
                contrasts = await page.evaluate(CONTRASTS)
                poor = [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5]
                verdict = await page.locator("h1").bounding_box()

                assert overflow <= 0, (size, scheme)
                assert cut == [], (size, scheme)
                assert len(contrasts) > 10
                assert poor == [], (size, scheme)
                assert verdict is not None
                assert verdict["y"] + verdict["height"] < SIZES[size][1] / 3


@pytest.mark.parametrize(
    ("language", "locale", "verdicts"),
    [
        ("en", "en-GB", ["2 of 6 terminals are in trouble", "All 3 terminals are read", "Waiting for the first poll"]),
        (
            "ru",
            "ru-KZ",
            ["Сбой чтения данных 2 из 6 терминалов", "Данные всех 3 терминалов читаются", "Ожидается первый опрос"],
        ),
        (
            "kk",
            "kk-KZ",
            [
                "6 терминалдың ішінен 2 терминалда ақау бар",
                "Барлық 3 терминалдың деректері оқылып тұр",
                "Алғашқы сұрау күтілуде",
            ],
        ),
    ],
)
async def test_readable_in_every_language(
    browser: Browser, site: Site, language: str, locale: str, verdicts: list[str]
) -> None:
    for which, verdict in zip(SNAPSHOTS, verdicts, strict=True):
        site.snapshot = SNAPSHOTS[which]
        for size in ("wide phone", "laptop"):
            async with opened(browser, site, size, locale=locale) as page:
                await photograph(page, f"{which}-{size.replace(' ', '-')}-{language}")

                assert await page.locator("html").get_attribute("lang") == language
                assert await page.locator(".verdict").inner_text() == verdict
                assert await page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], (which, size)
                assert await page.evaluate(CUT, SIZES[size][0]) == [], (which, size)
                lines = await page.evaluate(LINES)
                assert {text: count for text, count in lines if count > 1} == {}, (which, size)


async def test_the_visitor_can_choose_another_language_and_keeps_it(browser: Browser, site: Site) -> None:
    async with opened(browser, site, "wide phone", locale="kk-KZ") as page:
        assert await page.locator("[aria-current]").inner_text() == "Қазақша"
        await page.get_by_role("link", name="Русский").click()
        await page.reload()

        assert await page.locator("html").get_attribute("lang") == "ru"
        assert await page.locator("[aria-current]").inner_text() == "Русский"
        assert (await page.title()).startswith("✕ Сбой чтения данных 2 из 6 терминалов")


async def test_the_verdict_has_a_symbol_and_words_beside_its_colour(browser: Browser, site: Site) -> None:
    async with opened(browser, site, "phone") as page:
        heading = await page.locator("h1").inner_text()
        trouble = await page.evaluate("getComputedStyle(document.querySelector('header')).color")
        title = await page.title()
    site.snapshot = ALL_FINE
    async with opened(browser, site, "phone") as page:
        fine = await page.locator("h1").inner_text()
        green = await page.evaluate("getComputedStyle(document.querySelector('header')).color")

    assert heading == "✕ 2 of 6 terminals are in trouble"
    assert title == "✕ 2 of 6 terminals are in trouble – ePay exporter"
    assert fine == "✓ All 3 terminals are read"
    assert trouble != green


async def test_the_worst_terminals_come_first_with_what_is_wrong_and_since_when(browser: Browser, site: Site) -> None:
    async with opened(browser, site, "desk") as page:
        names = await page.locator("tbody .name").all_inner_texts()
        row = await page.locator("tbody tr").first.inner_text()

    assert names == ["payouts", HOSTILE, "loyalty", "wallet", "marketplace", "W" * 64]
    assert "The bank did not answer within 10 s.\nSince 03:34:00 UTC, for 26 min." in row
    assert "26 min ago" in row
    assert row.count("–, too old") == 3


async def test_what_others_have_named_is_shown_and_never_run(browser: Browser, site: Site) -> None:
    async with opened(browser, site, "desk") as page:
        assert await page.locator("tbody .name").nth(1).inner_text() == HOSTILE
        assert await page.locator("script").count() == 0
        assert await page.title() != "owned"


async def test_the_links_lead_somewhere(browser: Browser, site: Site) -> None:
    async with opened(browser, site, "phone") as page:
        targets = await page.eval_on_selector_all("footer nav a", "links => links.map(link => link.href)")
        answers = [await page.context.request.get(target) for target in targets]

    assert [target.removeprefix(site.url) for target in targets] == ["metrics", "-/healthy", "-/ready"]
    assert [answer.status for answer in answers] == [200, 200, 200]


async def test_the_page_reloads_itself(browser: Browser, site: Site) -> None:
    async with opened(browser, site, "phone") as page:
        assert await page.locator("meta[http-equiv=refresh]").get_attribute("content") == "15"
