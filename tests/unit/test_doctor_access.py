"""The doctor at a bank that says no: few logins, clear words, and nothing secret or personal in any of them."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from exporter.doctor import CAP, AccountReport, Doctor, Verdict, as_json, as_text, exit_code
from exporter.outcomes import Outcomes
from exporter.simulator.settings import Settings
from tests.client_bank import now, run
from tests.clinic import Clinic, about, document, proposal, terminal

SECRETS: dict[str, Any] = {
    "username": "us3r-S3CRET",
    "password": "pa#$&*:%+S3CRET",
    "client_id": "id-S3CRET",
    "client_secret": "hush!S3CRET",
}
PERSONAL = (
    "id", "invoiceId", "accountId", "description", "senderCardMask", "receiverCardMask", "reference", "name", "email",
    "phone", "ip", "ipCity", "senderCardId", "receiverCardId", "dateTime",
)  # fmt: skip


@pytest.mark.parametrize("token_body", ["any", "urlencoded", "form-data"])
@pytest.mark.parametrize("wrong", ["password", "client_secret"])
def test_a_wrong_password_costs_few_logins_and_nothing_else(token_body: Any, wrong: str, tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings(token_body=token_body))
    content: dict[str, Any] = document(**{wrong: "wr0ng-S3CRET"})  # type: ignore[arg-type] # a key by name
    report = run(clinic.examine(content))
    assert len(clinic.logins) == len(clinic.requests) == report.requests == 2
    assert [found.question for found in report.findings] == ["login"]
    assert about(report, "login").verdict is Verdict.PROBLEM
    assert "check username, password, client_id and client_secret" in report.obstacle
    assert exit_code([report]) == 2
    assert "S3CRET" not in everything(report)


def test_a_login_that_is_answered_with_maintenance_is_tried_twice_per_body(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings(scenario="bank-down", scenario_delay=0.0, scenario_duration=7200.0))
    report = run(clinic.examine(document()))
    assert len(clinic.logins) == len(clinic.requests) == 4
    assert "cannot give a token now (503)" in report.obstacle


def test_a_bank_that_is_not_there_is_asked_once(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings())
    clinic.inner = httpx.MockTransport(refuse_connection)
    report = run(clinic.examine(document()))
    assert len(clinic.requests) == 1
    assert "cannot connect to bank" in report.obstacle
    assert exit_code([report]) == 2


def refuse_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no", request=request)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "(401): check username, password"),
        (403, "(403): check username, password, client_id and client_secret, and"),
    ],
)
def test_credentials_and_the_allow_list_are_told_apart_at_the_login(status: int, words: str, tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings())
    clinic.inner = httpx.MockTransport(lambda _: httpx.Response(status, json={"message": "S3CRET"}))
    report = run(clinic.examine(document()))
    assert words in report.obstacle
    assert ("allow-list" in everything(report)) == (status == 403)


@pytest.mark.parametrize("status", [401, 403])
def test_a_list_that_does_not_take_the_token_is_a_problem_and_is_not_asked_for_ever(
    status: int, tmp_path: Path
) -> None:
    clinic = Clinic(tmp_path, Settings())
    clinic.inner = httpx.MockTransport(lambda r: token() if r.url.path == "/oauth2/token" else httpx.Response(status))
    report = run(clinic.examine(document()))
    found = about(report, "period field")
    assert found.verdict is Verdict.PROBLEM
    assert f"does not accept the token of account main for the list ({status})" in found.answer
    assert about(report, "paging").answer == "not asked: the list cannot be read"
    assert len(clinic.requests) <= 4
    assert exit_code([report]) == 1


def test_a_terminal_that_is_not_allowed_is_refused_and_the_others_are_fine(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings())
    inner = clinic.inner

    async def guarded(request: httpx.Request) -> httpx.Response:
        if b"98999999" in request.content:
            return httpx.Response(403)
        return await inner.handle_async_request(request)

    clinic.inner = httpx.MockTransport(guarded)
    report = run(clinic.examine(document(terminal("98151552"), terminal("98999999", name="foreign"))))
    assert about(report, "terminal_id").answer.startswith("the bank refuses the ids of foreign")
    assert about(report, "paging").verdict is Verdict.OK


def test_nothing_secret_or_personal_is_in_any_output(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings(**SECRETS, period_field="created_date", terminal_id="uuid", size_cap=90))
    bodies: list[bytes] = []
    inner = clinic.inner

    async def recorded(request: httpx.Request) -> httpx.Response:
        response = await inner.handle_async_request(request)
        bodies.append(await response.aread())
        return response

    clinic.inner = httpx.MockTransport(recorded)
    report = run(clinic.examine(document(terminal("98151552"), terminal("98765432", name="typo"), **SECRETS)))
    output = everything(report)
    answers = [json.loads(body) for body in bodies]
    tokens = [answer["access_token"] for answer in answers if "access_token" in answer]
    records = [record for answer in answers for record in answer.get("records") or []]
    personal = {str(record[key]) for record in records for key in PERSONAL if len(str(record[key])) > 3}
    assert len(personal) > 500
    assert [text for text in (*SECRETS.values(), *tokens, *personal) if text in output] == []
    assert [header for header in ("Bearer", "http://", "/oauth2") if header in output] == []


def test_a_bank_that_puts_personal_data_anywhere_gets_none_of_it_shown(tmp_path: Path) -> None:
    def record(number: int) -> dict[str, Any]:
        return {
            "id": f"S3CRET-{number}",
            "dateTime": f"2025-06-11T10:{number % 60:02}:00.5+05:00",
            "amount": 200,
            "currency": "KZT",
            "terminal": "98151552" if number % 3 else "77011234567",
            "status": "4003000000009821" if number % 2 else "ok",
            "code": "sergey@S3CRET.kz",
            "reasonCode": "+77011234567",
        }

    def hostile(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/token":
            return token()
        if b"unknown" in request.content:
            return httpx.Response(400, json={"code": "S3CRET 4003000000009821", "message": "Sergey S3CRET"})
        return httpx.Response(200, json={"totalCount": 60, "records": [record(number) for number in range(60)]})

    clinic = Clinic(tmp_path, Settings())
    clinic.inner = httpx.MockTransport(hostile)
    report = run(clinic.examine(document(terminal("98151559", name="wallet"), terminal("98151552", name="shop"))))
    output = everything(report)
    assert [text for text in ("S3CRET", "4003", "7701123", "sergey") if text in output] == []
    assert not any("defect" in found.answer for found in report.findings)
    assert len(clinic.requests) <= CAP


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"totalCount": "many", "records": 7}', b"{" * 5000]
)
def test_answers_that_are_none_end_no_examination(body: bytes, tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings())
    clinic.inner = httpx.MockTransport(
        lambda request: token() if request.url.path == "/oauth2/token" else httpx.Response(200, content=body)
    )
    report = run(clinic.examine(document()))
    assert about(report, "period field").verdict is Verdict.PROBLEM
    assert not any("defect" in found.answer for found in report.findings)
    assert len(clinic.requests) < 12
    assert about(report, "paging").answer.endswith("the bank does not answer properly now; try again later")


def test_a_login_that_only_went_wrong_is_not_blamed_on_the_body(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings())
    inner, bad = clinic.inner, [500, 500]

    async def moody(request: httpx.Request) -> httpx.Response:
        return httpx.Response(bad.pop()) if bad else await inner.handle_async_request(request)

    clinic.inner = httpx.MockTransport(moody)
    report = run(clinic.examine(document()))
    assert about(report, "login").answer == "works, with a body of form-data"
    assert len(clinic.logins) == 5  # two that went wrong, one with the other body, one again, and the second login


def test_a_bank_that_refuses_large_pages_and_long_periods_is_asked_for_less(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings(traffic=0.01))
    inner = clinic.inner

    async def narrow(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/oauth2/token":
            question = json.loads(request.content)
            start, end = question["searchParameters"][0]["searchParameter"]
            if question["paging"]["size"] > 300 or (start[:7] < "2025-06" and end < "2025-06-12"):
                return httpx.Response(400, json={"code": 7, "message": "no"})
        return await inner.handle_async_request(request)

    clinic.inner = httpx.MockTransport(narrow)
    report = run(clinic.examine(document()))
    assert about(report, "volume").evidence.endswith("30d: HTTP 400, code 7")
    assert (about(report, "page size").verdict, proposal(report)) == (Verdict.CHANGE, {"poll": {"page_size": 100}})
    assert about(report, "terminal_id").verdict is Verdict.OK
    assert len(clinic.requests) <= CAP


def test_a_defect_of_the_doctor_costs_one_answer_and_shows_nothing(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings())
    config = replace(clinic.config(document()), outcomes=cast("Outcomes", "S3CRET"))
    seen: list[str] = []
    doctor = Doctor(config, clinic.clock, now, asyncio.sleep, lambda _, question, __: seen.append(question))
    report = run(doctor.examine(config.accounts[0], clinic.http))
    assert about(report, "codes").answer == "a defect of the doctor (AttributeError): please report it"
    assert about(report, "cost").verdict is Verdict.OK
    assert "S3CRET" not in everything(report)
    assert seen[0] == "login"


def token() -> httpx.Response:
    return httpx.Response(200, json={"access_token": "T0KEN-S3CRET", "expires_in": 7200})


def everything(report: AccountReport) -> str:
    """All that is ever shown of a report."""
    return f"{as_text([report])}\n{as_json([report])}\n{report.obstacle}"
