"""The status page in English, Russian and Kazakh: who gets which, and what it says then."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from exporter.model import HOUR, MINUTE, SECOND, Outcome, Snapshot, TerminalSnapshot, Trouble
from exporter.web import create_app
from exporter.web.status import Refusal, status
from exporter.web.texts import Language
from exporter.web.voice import Voice
from tests.tools import NOW, series, snapshot, tally, terminal_snapshot

HOSTILE = "<script>alert('{time}')</script>"
TROUBLE = Trouble("timeout", "The bank did not answer within 10 s.", NOW - 7 * MINUTE)
COUNTED = tally(
    15 * MINUTE,
    {series("wallet", outcome): count for outcome, count in zip(Outcome, (12_804, 391, 17, 3), strict=True)},
)
EVERY_STATE = snapshot(
    terminal_snapshot("fine", windows=[COUNTED], pending=17, oldest_pending=NOW - 26 * HOUR),
    terminal_snapshot("fresh", windows=[]),
    terminal_snapshot("idle", windows=[tally(15 * MINUTE)]),
    terminal_snapshot("failing", failing=True, last_success=NOW - 8 * MINUTE, trouble=TROUBLE),
    terminal_snapshot("begins", failing=True),
    terminal_snapshot("waiting", read=False, tried=False, last_success=None),
    terminal_snapshot("unread", read=False, last_success=None),
    terminal_snapshot("behind", catching_up=True),
    terminal_snapshot("incomplete", window_complete=False),
    terminal_snapshot("late", last_success=NOW - 46 * SECOND),
    terminal_snapshot("odd", trouble=Trouble("unheard-of", HOSTILE, NOW - 30 * HOUR)),
    terminal_snapshot(HOSTILE, account="\"'><img src=x>"),
)
VERDICTS = {
    "en": "2 of 12 terminals are in trouble",
    "ru": "Сбой чтения данных 2 из 12 терминалов",
    "kk": "12 терминалдың ішінен 2 терминалда ақау бар",
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(lambda: EVERY_STATE, CollectorRegistry(), lambda: NOW, version="1.2.3")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://exporter") as client:
        yield client


def words_of(html: str) -> set[str]:
    """Latin words that a visitor reads, or hears, but for what is marked as English."""
    shown = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    shown = re.sub(r'<(span|a)[^>]* lang="en"[^>]*>.*?</\1>', "", shown)
    spoken = " ".join(re.findall(r'(?:aria-label|data-label)="([^"]*)"', shown))
    return set(re.findall(r"[A-Za-z][\w-]*", re.sub(r"<[^>]*>", " ", shown) + spoken))


@pytest.mark.parametrize(
    ("address", "accepted", "language"),
    [
        ("/", None, "en"),
        ("/", "de", "en"),
        ("/", "ru-KZ,ru;q=0.9,en;q=0.8", "ru"),
        ("/", "kk-KZ,ru;q=0.9", "kk"),
        ("/?lang=en", "ru", "en"),
        ("/?lang=ru", "kk", "ru"),
        ("/?lang=kk", None, "kk"),
        ("/?lang=tlh", "ru", "ru"),
    ],
)
async def test_the_page_comes_in_the_language_asked_for(
    client: httpx.AsyncClient, address: str, accepted: str | None, language: str
) -> None:
    answer = await client.get(address, headers={} if accepted is None else {"Accept-Language": accepted})

    assert answer.status_code == 200
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    assert f'<html lang="{language}">' in answer.text
    assert f'<span class="verdict">{VERDICTS[language]}</span>' in answer.text
    assert re.findall(r'href="\?lang=(\w+)"[^>]* aria-current="true"', answer.text) == [language]
    assert re.findall(r'href="\?lang=(\w+)"', answer.text) == ["en", "ru", "kk"]


async def test_two_headers_are_one_list(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers=[("Accept-Language", "ru;q=0.1"), ("Accept-Language", "kk")])

    assert answer.headers["content-language"] == "kk"


@pytest.mark.parametrize("language", ["ru", "kk"])
async def test_no_english_word_is_left_but_names(client: httpx.AsyncClient, language: str) -> None:
    text = (await client.get(f"/?lang={language}")).text.replace(HOSTILE, "")
    names = {each.terminal.name for each in EVERY_STATE.terminals} | {
        "main",
        "ePay",
        "exporter",
        "epay-exporter",
        "UTC",
    }
    hostile = {"lt", "gt", "script", "alert", "time", "img", "src", "x"}

    assert words_of(text) - names - hostile == set()
    assert {"Waiting", "Language", "Terminal"} <= words_of((await client.get("/?lang=en")).text)


@pytest.mark.parametrize("language", Language)
async def test_what_comes_from_outside_is_escaped(client: httpx.AsyncClient, language: str) -> None:
    text = (await client.get(f"/?lang={language}", headers={"Accept-Language": HOSTILE})).text

    assert "<script" not in text
    assert "<img" not in text
    assert text.count("&lt;script&gt;alert(&#39;{time}&#39;)&lt;/script&gt;") == 2  # a name and a reason


async def test_a_language_that_nobody_speaks_is_not_shown(client: httpx.AsyncClient) -> None:
    assert "alert(1)" not in (await client.get("/", params={"lang": "<script>alert(1)</script>"})).text


@pytest.mark.parametrize(
    ("terminals", "russian", "kazakh"),
    [
        ("", ("Не настроен ни один терминал", ""), ("Бірде-бір терминал бапталмаған", "")),
        ("f", ("Данные терминала читаются", ""), ("Терминал деректері оқылып тұр", "")),
        ("x", ("Сбой чтения данных терминала", ""), ("Терминалда ақау бар", "")),
        ("w", ("Ожидается первый опрос", ""), ("Алғашқы сұрау күтілуде", "")),
        ("ff", ("Данные всех 2 терминалов читаются", ""), ("Барлық 2 терминалдың деректері оқылып тұр", "")),
        (
            "f" * 20 + "w",
            ("Данные 20 из 21 терминала читаются", "1 терминал ещё не прочитан"),
            ("21 терминалдың ішінен 20 терминалдың деректері оқылып тұр", "1 терминал әлі оқылмаған"),
        ),
        (
            "xwwbbbbb",
            (
                "Сбой чтения данных 1 из 8 терминалов",
                "2 терминала ещё не прочитаны, 5 терминалов прочитаны не полностью",
            ),
            ("8 терминалдың ішінен 1 терминалда ақау бар", "2 терминал әлі оқылмаған, 5 терминал әлі толық оқылмаған"),
        ),
    ],
)
def test_verdicts(terminals: str, russian: tuple[str, str], kazakh: tuple[str, str]) -> None:
    kinds = {
        "f": terminal_snapshot(),
        "x": terminal_snapshot(failing=True),
        "w": terminal_snapshot(read=False, tried=False, last_success=None),
        "b": terminal_snapshot(catching_up=True),
    }
    shown = snapshot(*(kinds[kind] for kind in terminals))

    assert said(shown, Language.RUSSIAN) == russian
    assert said(shown, Language.KAZAKH) == kazakh


def said(shown: Snapshot, language: Language) -> tuple[str, str]:
    page = status(shown, NOW, voice=Voice(language))
    return page.verdict, page.detail


@pytest.mark.parametrize(
    ("each", "language", "explanation", "reason"),
    [
        (terminal_snapshot(failing=True, trouble=TROUBLE), Language.ENGLISH, TROUBLE.text, ""),
        (terminal_snapshot(failing=True, trouble=TROUBLE), Language.RUSSIAN, "Банк не ответил вовремя.", TROUBLE.text),
        (
            terminal_snapshot(failing=True, trouble=TROUBLE),
            Language.KAZAKH,
            "Банк уақытында жауап бермеді.",
            TROUBLE.text,
        ),
        (terminal_snapshot(failing=True), Language.RUSSIAN, "Последний опрос не удался.", ""),
        (
            terminal_snapshot(failing=True, trouble=Trouble("unheard-of", "What?", NOW)),
            Language.RUSSIAN,
            "Последний опрос не удался.",
            "What?",
        ),
        (terminal_snapshot(trouble=Trouble("unheard-of", "What?", NOW)), Language.KAZAKH, "", "What?"),
    ],
)
def test_a_sentence_of_the_exporter_is_quoted_as_the_reason_where_it_is_foreign(
    each: TerminalSnapshot, language: Language, explanation: str, reason: str
) -> None:
    (row,) = status(snapshot(each), NOW, voice=Voice(language)).rows

    assert (row.explanation, row.reason) == (explanation, reason)


def test_a_refused_reload_is_said_in_the_pages_language_with_its_reason_quoted() -> None:
    refusal = Refusal(NOW - 5 * MINUTE, "config.yaml:7: poll.interval: missing", 2)
    russian = status(EVERY_STATE, NOW, refusal, voice=Voice(Language.RUSSIAN)).notice
    kazakh = status(EVERY_STATE, NOW, refusal, voice=Voice(Language.KAZAKH)).notice

    reason = "«config.yaml:7: poll.interval: missing»"
    assert russian == f"Конфигурация отклонена 5 мин назад, действует прежняя: {reason} (и ещё 2, см. журнал)"
    assert kazakh == f"Конфигурация 5 мин бұрын қабылданбады, бұрынғысы қолданыста: {reason} (тағы 2, журналда)"
