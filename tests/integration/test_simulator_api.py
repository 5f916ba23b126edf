"""The simulated bank over HTTP: strict about what it is sent, and honest about what it holds."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from exporter.simulator.api import create_app
from exporter.simulator.faults import FAULTS
from exporter.simulator.settings import Settings
from exporter.simulator.world import TERMINALS, World

SECOND = 1_000_000
MINUTE = 60 * SECOND
# Wednesday 2025-06-11 15:00 in Kazakhstan.
START = 1_749_636_000 * SECOND
PERIOD = {
    "name": "created_at",
    "method": "between",
    "searchParameter": ["2025-06-11T10:00:00.000Z", "2025-06-11T15:14:59.999999+05:00"],
}
BY_TIME = [{"field": "created_at", "typeOrder": "ASC"}, {"field": "id", "typeOrder": "ASC"}]
CREDENTIALS = {
    "grant_type": "password",
    "username": "demo",
    "password": "demo",
    "scope": "transfer",
    "client_id": "demo",
    "client_secret": "demo",
}


class Bank:
    """A client of the simulator that holds its clock."""

    def __init__(self, settings: Settings) -> None:
        self.now = START
        self.slept: list[float] = []
        world = World(settings, START + settings.skew)
        app = create_app(world, settings, lambda: self.now, self._sleep)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bank")
        self.token = ""

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def login(self, **changes: str) -> httpx.Response:
        response = await self.http.post("/oauth2/token", data={**CREDENTIALS, **changes})
        if response.status_code == 200:
            self.token = response.json()["access_token"]
        return response

    async def send(self, body: object, **headers: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.token}", **headers}
        return await self.http.post("/api/p2p/operations", json=body, headers=bearer)

    async def look(self, *parameters: Any, order: Any = BY_TIME, page: int = 0, size: int = 500) -> dict[str, Any]:
        response = await self.send(a_search(*parameters, order=order, page=page, size=size))
        assert response.status_code == 200, response.headers
        answer: dict[str, Any] = response.json()
        return answer

    async def walk(self, *parameters: Any) -> list[dict[str, Any]]:
        """All records, by the number received."""
        records: list[dict[str, Any]] = []
        while True:
            answer = await self.look(*parameters, page=len(records))
            records += answer["records"] or []
            if len(records) >= answer["totalCount"]:
                return records


def a_search(*parameters: Any, order: Any = BY_TIME, page: int = 0, size: int = 500) -> dict[str, Any]:
    return {
        "paging": {"page": page, "size": size},
        "searchParameters": list(parameters or (PERIOD,)),
        "orderParameters": order,
    }


def a_parameter(name: str, method: str, *values: object) -> dict[str, Any]:
    return {"name": name, "method": method, "searchParameter": list(values)}


@asynccontextmanager
async def a_bank(**changes: Any) -> AsyncIterator[Bank]:
    """A bank that has been up for half an hour."""
    bank = Bank(Settings(**changes))
    bank.now = START + 30 * MINUTE
    async with bank.http:
        yield bank


@asynccontextmanager
async def an_open_bank(**changes: Any) -> AsyncIterator[Bank]:
    """The same, logged in."""
    async with a_bank(**changes) as bank:
        await bank.login()
        yield bank


# Login


async def test_a_login_gives_a_token_as_documented() -> None:
    async with a_bank() as bank:
        form = {name: (None, value) for name, value in CREDENTIALS.items()}
        response = await bank.http.post("/oauth2/token", files=form)
    answer = response.json()
    assert response.status_code == 200
    assert len(answer.pop("access_token")) > 20
    assert answer == {"expires_in": 7200, "refresh_token": "", "scope": "transfer", "token_type": "Bearer"}
    assert response.headers["date"] == "Wed, 11 Jun 2025 10:30:00 GMT"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"scope": "webapi"}, 400, "invalid_scope"),
        ({"username": "someone"}, 400, "invalid_grant"),
        ({"password": "guess"}, 400, "invalid_grant"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_secret": "other"}, 401, "invalid_client"),
        ({"password": ""}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_login_is_refused(changes: dict[str, str], status: int, error: str) -> None:
    async with a_bank() as bank:
        response = await bank.login(**changes)
    assert (response.status_code, response.json()["error"]) == (status, error)


async def test_a_login_needs_a_form() -> None:
    async with a_bank() as bank:
        as_json = await bank.http.post("/oauth2/token", json=CREDENTIALS)
        empty = await bank.http.post("/oauth2/token")
        broken = await bank.http.post(
            "/oauth2/token", content=b"--x\r\nnonsense", headers={"content-type": "multipart/form-data; boundary=x"}
        )
        file = await bank.http.post("/oauth2/token", data=CREDENTIALS, files={"password": ("a.txt", b"demo")})
        twice = await bank.http.post(
            "/oauth2/token",
            content="grant_type=password&grant_type=password",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        read = await bank.http.get("/oauth2/token")
    for response in (as_json, empty, broken, file, twice):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert read.status_code == 405


async def test_a_bank_may_take_one_kind_of_form_only() -> None:
    form = {name: (None, value) for name, value in CREDENTIALS.items()}
    statuses = {}
    for kind in ("any", "urlencoded", "form-data"):
        async with a_bank(token_body=kind) as bank:
            multipart = await bank.http.post("/oauth2/token", files=form)
            statuses[kind] = ((await bank.login()).status_code, multipart.status_code)
    assert statuses == {"any": (200, 200), "urlencoded": (200, 400), "form-data": (400, 200)}


async def test_expires_in_may_be_text() -> None:
    async with a_bank(expires_in="text", token_lifetime=1200) as bank:
        assert (await bank.login()).json()["expires_in"] == "1200"


async def test_a_token_expires() -> None:
    async with an_open_bank(token_lifetime=60) as bank:
        bank.now += 60 * SECOND - 1
        assert (await bank.send(a_search())).status_code == 200
        bank.now += 1
        response = await bank.send(a_search())
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        await bank.login()
        assert (await bank.send(a_search())).status_code == 200


async def test_only_a_bearer_token_opens_the_list() -> None:
    async with an_open_bank() as bank:
        for header in ("", "Bearer", "Bearer nonsense", f"Basic {bank.token}", bank.token):
            assert (await bank.send(a_search(), Authorization=header)).status_code == 401
        assert (await bank.send(a_search(), Authorization=f"bearer {bank.token}")).status_code == 200


async def test_a_new_token_may_revoke_the_one_before() -> None:
    for tokens, expected in (("many", 200), ("single", 401)):
        async with an_open_bank(tokens=tokens) as bank:
            old = bank.token
            await bank.login()
            assert (await bank.send(a_search(), Authorization=f"Bearer {old}")).status_code == expected


# What the list refuses

MOMENT = "2025-06-11T10:00:00Z"


@pytest.mark.parametrize(
    "parameters",
    [
        [a_parameter("terminal_id", "=", "98151552")],
        [a_parameter("created_date", "between", MOMENT, MOMENT)],
        [a_parameter("created_at", "between", MOMENT)],
        [a_parameter("created_at", "between", MOMENT, MOMENT, MOMENT)],
        [a_parameter("created_at", "between", "2025-06-11T11:00:00Z", MOMENT)],
        [a_parameter("created_at", "between", "2025-06-11", "2025-06-12")],
        [a_parameter("created_at", "between", "2025-06-11T10:00:00", "2025-06-11T11:00:00")],
        [a_parameter("created_at", "between", "2025-13-11T10:00:00Z", MOMENT)],
        [a_parameter("created_at", "between", 1749636000, 1749636060)],
        [a_parameter("created_at", "in", MOMENT)],
        [a_parameter("created_at", "like", "2025-06-11%")],
        [a_parameter("created_at", ">")],
        [a_parameter("created_at", "BETWEEN", MOMENT, MOMENT)],
        [a_parameter("created_at", "!=", MOMENT)],
        [PERIOD, a_parameter("status", "=", "ok")],
        [PERIOD, a_parameter("id", "=", "f0c79d0d-1b98-4b8c-8ea3-83a110be191e")],
        [PERIOD, a_parameter("terminal_id", "in")],
        [PERIOD, a_parameter("terminal_id", "in", "98151552", "11111111")],
        [PERIOD, a_parameter("terminal_id", "=", TERMINALS[0].uuid)],
        [PERIOD, a_parameter("terminal_id", "between", "98151552", "98151553")],
        [PERIOD, a_parameter("invoice_id", "like", "123")],
        [PERIOD, a_parameter("invoice_id", "like", "1%", "2%")],
        [PERIOD, a_parameter("invoice_id", "<", "1")],
        [PERIOD, a_parameter("amount", "=", "a lot")],
        [PERIOD, a_parameter("amount", "=", "1e999999")],
        [PERIOD, a_parameter("amount", "=", "0.001")],
        [PERIOD, a_parameter("amount", "like", "1%")],
        [{"name": "created_at", "method": "between"}],
        [{**PERIOD, "value": 1}],
    ],
)
async def test_a_bad_search_is_refused(parameters: list[Any]) -> None:
    async with an_open_bank() as bank:
        response = await bank.send(a_search(*parameters))
    assert response.status_code == 400
    assert response.json()["code"] == 232
    assert response.headers["x-simulator-reason"]


@pytest.mark.parametrize(
    "changes",
    [
        {"paging": None},
        {"paging": {"page": 0}},
        {"paging": {"page": -1, "size": 1}},
        {"paging": {"page": 0, "size": 0}},
        {"paging": {"page": "0", "size": "20"}},
        {"searchParameters": []},
        {"searchParameters": None},
        {"orderParameters": [{"field": "created_at", "typeOrder": "UP"}]},
        {"orderParameters": [{"field": "colour", "typeOrder": "ASC"}]},
        {"orderParameters": {}},
        {"filter": {}},
    ],
)
async def test_a_bad_body_is_refused(changes: dict[str, Any]) -> None:
    async with an_open_bank() as bank:
        response = await bank.send({**a_search(), **changes})
    assert (response.status_code, response.json()["code"]) == (400, 232)


async def test_the_list_takes_json_by_post_only() -> None:
    async with an_open_bank() as bank:
        bearer = {"Authorization": f"Bearer {bank.token}"}
        as_form = await bank.http.post("/api/p2p/operations", data={"page": "0"}, headers=bearer)
        as_text = await bank.send(a_search(), **{"Content-Type": "text/plain"})
        cut = await bank.http.post(
            "/api/p2p/operations", content=b'{"paging":', headers={**bearer, "Content-Type": "application/json"}
        )
        read = await bank.http.get("/api/p2p/operations", headers=bearer)
    assert [response.status_code for response in (as_form, as_text, cut, read)] == [400, 400, 400, 405]


async def test_an_unknown_method_is_answered_in_the_banks_words_with_the_chosen_status() -> None:
    for status in (200, 400):
        async with an_open_bank(error_status=status) as bank:
            response = await bank.send(a_search(a_parameter("created_at", "near", MOMENT)))
        assert response.status_code == status
        assert response.json() == {"code": 232, "message": "Метод поиска отсутствует"}


async def test_the_period_may_have_another_name() -> None:
    async with an_open_bank(period_field="created_date") as bank:
        assert (await bank.send(a_search())).status_code == 400
        assert (await bank.look({**PERIOD, "name": "created_date"}))["totalCount"] > 100


# What the list gives


async def test_paging_walks_all_records_exactly_once_in_order_whatever_the_cap() -> None:
    async with an_open_bank(size_cap=40) as bank:
        records = await bank.walk()
        first = await bank.look()
    keys = [(record["dateTime"], record["id"]) for record in records]
    assert len(first["records"]) == 40
    assert first["totalCount"] == len(records) == len({record["id"] for record in records}) > 400
    assert keys == sorted(keys)


async def test_paging_may_count_pages() -> None:
    async with an_open_bank() as bank:
        by_offset = await bank.look(page=20, size=10)
    async with an_open_bank(paging="page-index") as bank:
        by_index = await bank.look(page=2, size=10)
    assert by_offset == by_index
    assert len(by_offset["records"]) == 10


async def test_what_is_not_ordered_comes_shuffled() -> None:
    async with an_open_bank() as bank:
        ordered = await bank.look(size=50)
        one, other = await bank.look(order=[], size=50), await bank.look(order=[], size=50)
    assert one["totalCount"] == other["totalCount"] == ordered["totalCount"]
    assert len({record["id"] for record in one["records"]}) == 50
    assert len({str(answer["records"]) for answer in (ordered, one, other)}) == 3


async def test_the_order_may_be_left_out() -> None:
    async with an_open_bank() as bank:
        body = a_search()
        del body["orderParameters"]
        assert (await bank.send(body)).status_code == 200


async def test_an_empty_page_has_no_list_of_records() -> None:
    nothing = a_parameter("created_at", "between", "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z")
    answers = {}
    for kind in ("null", "list", "missing"):
        async with an_open_bank(empty_records=kind) as bank:
            answers[kind] = await bank.look(nothing)
    expected = {"totalCount": 0}
    assert answers == {"null": {**expected, "records": None}, "list": {**expected, "records": []}, "missing": expected}


async def test_a_page_behind_the_end_is_empty_but_counts() -> None:
    async with an_open_bank() as bank:
        answer = await bank.look(page=100_000)
    assert answer["records"] is None
    assert answer["totalCount"] > 100


async def test_terminals_are_searched_by_number_or_by_uuid_and_records_carry_the_number() -> None:
    wanted = {terminal.number for terminal in TERMINALS[1:3]}
    async with an_open_bank() as bank:
        by_number = await bank.walk(PERIOD, a_parameter("terminal_id", "in", *wanted))
        one = await bank.walk(PERIOD, a_parameter("terminal_id", "=", TERMINALS[1].number))
        none = await bank.look(
            PERIOD,
            a_parameter("terminal_id", "=", TERMINALS[1].number),
            a_parameter("terminal_id", "=", TERMINALS[2].number),
        )
        everything = await bank.walk()
    async with an_open_bank(terminal_id="uuid") as bank:
        by_uuid = await bank.walk(PERIOD, a_parameter("terminal_id", "in", *(t.uuid for t in TERMINALS[1:3])))
        assert (await bank.send(a_search(PERIOD, a_parameter("terminal_id", "in", *wanted)))).status_code == 400
    assert {record["terminal"] for record in by_number} == wanted
    assert by_uuid == by_number
    assert one == [record for record in everything if record["terminal"] == TERMINALS[1].number]
    assert none["totalCount"] == 0


async def test_records_are_found_by_what_they_carry() -> None:
    async with an_open_bank() as bank:
        everything = await bank.walk()
        one = everything[len(everything) // 2]
        for name, field in (
            ("invoice_id", "invoiceId"),
            ("reference", "reference"),
            ("account_id", "accountId"),
            ("payer_phone", "phone"),
            ("payer_email", "email"),
            ("card_mask", "senderCardMask"),
        ):
            expected = [record for record in everything if record[field] == one[field]]
            assert await bank.walk(PERIOD, a_parameter(name, "=", one[field])) == expected
            assert await bank.walk(PERIOD, a_parameter(name, "in", one[field], "other")) == expected
            start = [record for record in everything if record[field].startswith(one[field][:3])]
            assert await bank.walk(PERIOD, a_parameter(name, "like", f"{one[field][:3]}%")) == start
        amount = one["amount"]
        for method, values, expected in (
            ("=", [amount], [r for r in everything if r["amount"] == amount]),
            ("in", [amount, 1], [r for r in everything if r["amount"] in {amount, 1}]),
            ("<", [amount], [r for r in everything if r["amount"] < amount]),
            (">=", [amount], [r for r in everything if r["amount"] >= amount]),
            ("between", [5000, amount + 5000], [r for r in everything if 5000 <= r["amount"] <= amount + 5000]),
        ):
            assert await bank.walk(PERIOD, a_parameter("amount", method, *map(str, values))) == expected


async def test_the_ends_of_between_may_be_in_or_out() -> None:
    async with an_open_bank() as bank:
        moments = [record["dateTime"] for record in await bank.walk()][10:20]
    found = {}
    for bounds in ("inclusive", "exclusive", "half-open"):
        async with an_open_bank(bounds=bounds) as bank:
            records = await bank.walk(a_parameter("created_at", "between", moments[0], moments[-1]))
        found[bounds] = [record["dateTime"] for record in records]
    assert found == {"inclusive": moments, "exclusive": moments[1:-1], "half-open": moments[:-1]}


async def test_the_period_may_be_given_by_comparisons() -> None:
    async with an_open_bank() as bank:
        moments = [record["dateTime"] for record in await bank.walk()][10:20]
        low, high = moments[0], moments[-1]

        async def found(*conditions: tuple[str, str]) -> list[str]:
            records = await bank.walk(*(a_parameter("created_at", method, value) for method, value in conditions))
            return [record["dateTime"] for record in records]

        assert await found((">=", low), ("<", high)) == moments[:-1]
        assert await found((">", low), ("<=", high)) == moments[1:]
        assert await found(("=", low)) == [low]


async def test_a_record_becomes_final_between_two_looks() -> None:
    async with an_open_bank() as bank:
        bank.now = START + 15 * MINUTE
        before = {record["id"]: record for record in await bank.walk()}
        bank.now += 10 * MINUTE
        after = {record["id"]: record for record in await bank.walk()}
    pending = [key for key, record in before.items() if record["status"] in {"new", "processing"}]
    assert pending
    assert all(after[key]["status"] in {"ok", "failed"} for key in pending)
    assert before.keys() < after.keys()  # some were late


async def test_the_clock_may_be_wrong() -> None:
    async with an_open_bank(clock_skew=90.0) as bank:
        response = await bank.send(a_search(a_parameter("created_at", ">", "2025-06-11T10:31:00Z")))
        assert response.headers["date"] == "Wed, 11 Jun 2025 10:31:30 GMT"
        assert response.json()["totalCount"] > 0  # from the future, as the client sees it


async def test_mixed_offsets_and_digits_still_stand_in_order_of_time() -> None:
    async with an_open_bank(date_times="mixed", reason_codes="text") as bank:
        records = await bank.walk()
    assert {record["dateTime"][-6:] for record in records} == {"+05:00", "+06:00"}
    assert len({len(record["dateTime"]) for record in records}) == 8
    assert {type(record["reasonCode"]) for record in records} == {str}


# The truth


async def test_the_truth_equals_what_paging_shows() -> None:
    async with an_open_bank(traffic=3.0) as bank:
        records = await bank.walk(
            a_parameter("created_at", ">=", "2025-06-11T10:00:00Z"),
            a_parameter("created_at", "<", "2025-06-11T10:30:00Z"),
        )
        told = (await bank.http.get("/truth")).json()
        same = (await bank.http.get(f"/truth?from={START}&to={START + 30 * MINUTE}")).json()
        bank.now += MINUTE
        then = (await bank.http.get(f"/truth?at={START + 30 * MINUTE}&to={START + 30 * MINUTE}")).json()
    counted: Counter[tuple[str, ...]] = Counter()
    money: Counter[tuple[str, ...]] = Counter()
    for record in records:
        key = (record["terminal"], record["status"], record["code"], str(record["reasonCode"]), record["currency"])
        counted[key] += 1
        money[key] += round(record["amount"] * 100)
    names = ("terminal", "status", "code", "reason_code", "currency")
    rows = [tuple(row[name] for name in names) for row in told["rows"]]
    assert {key: row["operations"] for key, row in zip(rows, told["rows"], strict=True)} == counted
    assert {key: row["amount_minor"] for key, row in zip(rows, told["rows"], strict=True)} == money
    assert told == same == then
    assert told["now"] == START + 30 * MINUTE


async def test_the_truth_takes_whole_microseconds_only() -> None:
    async with a_bank() as bank:
        assert (await bank.http.get("/truth?from=yesterday")).status_code == 400


# Scenarios at the door


@pytest.mark.parametrize(("minute", "expected"), [(1, 200), (3, 503), (33, 200)])
async def test_a_bank_that_is_down_answers_with_a_maintenance_page(minute: int, expected: int) -> None:
    async with an_open_bank(scenario="bank-down") as bank:
        bank.now = START + MINUTE
        await bank.login()
        bank.now = START + minute * MINUTE
        answers = [await bank.send(a_search()), await bank.login()]
    assert [answer.status_code for answer in answers] == [expected, expected]
    if expected == 503:
        assert {answer.headers["content-type"] for answer in answers} == {"text/html; charset=utf-8"}


async def test_a_refused_login_takes_the_tokens_too_and_ends() -> None:
    async with a_bank(scenario="login-refused") as bank:
        bank.now = START + MINUTE
        assert (await bank.login()).status_code == 200
        bank.now = START + 3 * MINUTE
        assert (await bank.send(a_search())).status_code == 401
        assert (await bank.login()).status_code == 401
        bank.now = START + 33 * MINUTE
        assert (await bank.send(a_search())).status_code == 401
        assert (await bank.login()).status_code == 200
        assert (await bank.send(a_search())).status_code == 200


async def test_a_slow_bank_answers_after_a_while() -> None:
    async with a_bank(scenario="slow-bank", slow_seconds=9.0) as bank:
        bank.now = START + MINUTE
        await bank.login()
        assert bank.slept == []
        bank.now = START + 3 * MINUTE
        assert (await bank.send(a_search())).status_code == 200
        assert bank.slept == [9.0]


# Faults

TRIES = 300


@pytest.mark.parametrize("rate", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_appears_at_its_rate(name: str, rate: float) -> None:
    async with an_open_bank() as bank:
        first_token = bank.token  # the same for every bank with this seed
    struck = 0
    async with a_bank(faults={name: rate}) as bank:
        await _log_in_through_faults(bank)
        bank.token = first_token
        for _ in range(TRIES):
            bank.slept.clear()
            struck += await _is_struck(bank, name)
            if name == "revoked-token":
                await bank.login()
    assert struck / TRIES == pytest.approx(rate, abs=0.06 if 0 < rate < 1 else 0)


async def _log_in_through_faults(bank: Bank) -> None:
    """Have one token given out, even in an answer that cannot be read; in vain where every login is struck."""
    for _ in range(20):
        with suppress(ConnectionResetError, ValueError):
            response = await bank.http.post("/oauth2/token", data=CREDENTIALS)
            if response.status_code == 200 and response.headers["content-type"] == "application/json":
                return


async def _is_struck(bank: Bank, name: str) -> bool:
    """Whether the fault, and no other, came in place of a page."""
    try:
        response = await bank.send(a_search(size=3))
    except ConnectionResetError:
        assert name == "reset"
        return True
    kind, body = response.headers.get("content-type"), response.content
    usual = response.status_code == 200 and kind == "application/json" and body.endswith(b"]}")
    well = usual and all(isinstance(r, dict) and _is_readable(r) for r in response.json()["records"])
    if well and not bank.slept:
        return False
    shown = {
        "http-500": response.status_code == 500,
        "truncated": response.status_code == 200 and kind == "application/json" and not body.endswith(b"}"),
        "html": response.status_code in {200, 503} and kind == "text/html; charset=utf-8",
        "error-200": response.status_code == 200 and body.startswith(b'{"code":232'),
        "rate-limit": response.status_code == 429 and response.headers.get("retry-after") == "2",
        "slow": bank.slept == [12.0],
        "revoked-token": response.status_code == 401,
        "poison": usual and not well,
    }
    assert shown[name], "another fault came"
    return True


def _is_readable(record: dict[str, Any]) -> bool:
    return (
        isinstance(record.get("id"), str)
        and str(record.get("dateTime", "")).startswith("2025-06-11T")
        and isinstance(record.get("amount"), int | float)
        and isinstance(record.get("status"), str)
    )


async def test_faults_are_the_same_for_the_same_seed() -> None:
    runs = []
    for _ in range(2):
        async with an_open_bank(faults={"error-200": 0.5, "poison": 0.5}) as bank:
            runs.append([(await bank.send(a_search(size=5))).content for _ in range(20)])
    assert runs[0] == runs[1]


async def test_a_poisoned_page_keeps_its_other_records_and_its_count() -> None:
    async with an_open_bank() as bank:
        good = await bank.look(size=20)
    async with an_open_bank(faults={"poison": 1.0}) as bank:
        bad = await bank.look(size=20)
        nothing = a_parameter("created_at", "between", "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z")
        assert (await bank.look(nothing))["records"] is None
    assert bad["totalCount"] == good["totalCount"]
    assert sum(one != other for one, other in zip(good["records"], bad["records"], strict=True)) == 1
