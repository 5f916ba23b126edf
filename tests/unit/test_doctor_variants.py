"""The doctor finds each way in which a bank may differ from its documentation, and what it proposes then works."""

from pathlib import Path
from typing import Any

import pytest

from exporter.doctor import CAP, Verdict, exit_code
from exporter.simulator.settings import Settings
from exporter.simulator.world import TERMINALS
from tests.client_bank import run
from tests.clinic import BUSY, SPAN, Clinic, about, document, merged, proposal, terminal

UUIDS = {each.number: each.uuid for each in TERMINALS}

VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any], str, dict[str, Any]]] = {
    # name: settings of the bank, the configuration, the question that finds it, the account or poll as proposed
    "period-field": ({"period_field": "created_date"}, document(), "period field", {"period_field": "created_date"}),
    "page-index": ({"paging": "page-index"}, document(), "paging", {"paging": "page-index"}),
    "offset-misconfigured": ({}, document(paging="page-index"), "paging", {"paging": "offset"}),
    "size-cap": ({"size_cap": 120}, document(), "page size", {"page_size": 120}),
    "size-cap-tiny": ({"size_cap": 7}, document(), "page size", {"page_size": 7}),
    "urlencoded": ({"token_body": "urlencoded"}, document(), "login", {"token_body": "urlencoded"}),
    "form-data": (
        {"token_body": "form-data"},
        document(token_body="urlencoded"),
        "login",
        {"token_body": "form-data"},
    ),
    "terminal-uuid": ({"terminal_id": "uuid"}, document(), "terminal_id", {"terminal_filter": "client"}),
    "terminal-number-unknown": (
        {"terminal_id": "uuid"},
        document(terminal(UUIDS[BUSY[0]], name="wallet"), terminal(UUIDS[BUSY[1]], name="shop")),
        "terminal number",
        {
            "terminals": [
                {"id": UUIDS[BUSY[0]], "number": BUSY[0], "name": "wallet"},
                {"id": UUIDS[BUSY[1]], "number": BUSY[1], "name": "shop"},
            ]
        },
    ),
    "terminal-id-is-the-number": (
        {},
        document(*({"id": UUIDS[number], "number": number, "name": number} for number in BUSY)),
        "terminal_id",
        {"terminals": [{"id": number, "number": number, "name": number} for number in BUSY]},
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("error_status", [200, 400])
def test_each_variant_is_found_and_the_proposal_works(name: str, error_status: Any, tmp_path: Path) -> None:
    settings, content, question, expected = VARIANTS[name]
    clinic = Clinic(tmp_path, Settings(**settings, error_status=error_status, traffic=0.4))

    async def scenario() -> None:
        report = await clinic.examine(content)
        changes = proposal(report)
        account = (changes.get("accounts") or [{}])[0]
        proposed = {key: value for key, value in account.items() if key != "name"} or changes.get("poll")

        assert about(report, question).verdict is Verdict.CHANGE
        assert proposed == expected
        assert report.requests == len(clinic.requests) <= CAP
        assert exit_code([report]) == 1

        amended = merged(content, changes)
        reading = await clinic.read(amended, SPAN)
        numbers = {each.number for each in clinic.config(amended).accounts[0].terminals}
        found = [
            each for each in reading.operations if each.number in numbers and SPAN.start <= each.created < SPAN.end
        ]
        assert reading.complete
        assert len(found) == clinic.known(SPAN, BUSY) > 100

        second = await clinic.examine(amended)
        assert proposal(second) == {}
        assert exit_code([second]) == 0

    run(scenario())


def test_several_variants_at_once(tmp_path: Path) -> None:
    clinic = Clinic(
        tmp_path,
        Settings(
            token_body="urlencoded",
            tokens="single",
            expires_in="text",
            period_field="created_date",
            paging="page-index",
            size_cap=33,
            bounds="exclusive",
            terminal_id="uuid",
            empty_records="missing",
            error_status=200,
            date_times="mixed",
            reason_codes="text",
            traffic=0.2,
        ),
    )
    content = document(*(terminal(each.number) for each in TERMINALS))

    async def scenario() -> None:
        report = await clinic.examine(content)
        changes = proposal(report)
        reading = await clinic.read(merged(content, changes), SPAN)
        second = await clinic.examine(merged(content, changes))

        assert changes == {
            "accounts": [
                {
                    "name": "main",
                    "token_body": "urlencoded",
                    "period_field": "created_date",
                    "terminal_filter": "client",
                    "paging": "page-index",
                }
            ],
            "poll": {"page_size": 33},
        }
        assert report.requests <= CAP
        assert reading.complete
        assert proposal(second) == {}

    run(scenario())


@pytest.mark.parametrize(
    ("bounds", "answer"),
    [
        ("inclusive", "both inclusive"),
        ("exclusive", "both exclusive"),
        ("half-open", "start inclusive, end exclusive"),
    ],
)
@pytest.mark.parametrize("date_times", ["plain", "mixed"])
def test_what_the_bounds_are(bounds: Any, answer: str, date_times: Any, tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings(bounds=bounds, date_times=date_times))
    report = run(clinic.examine(document()))
    assert about(report, "bounds").verdict is Verdict.OK
    assert about(report, "bounds").answer == f"{answer}; the exporter copes with either"


@pytest.mark.parametrize(
    ("settings", "question", "verdict", "words"),
    [
        ({"error_status": 200}, "error status", "ok", "an error body comes with HTTP 200, code 232"),
        ({"error_status": 400}, "error status", "ok", "an error body comes with HTTP 400, code 232"),
        ({"tokens": "single"}, "second login", "ok", "takes the first token away"),
        ({"tokens": "many"}, "second login", "ok", "leaves the first token good"),
        ({"expires_in": "text", "token_lifetime": 1200}, "token", "ok", "lives 20m"),
        ({"token_lifetime": 5}, "token", "problem", "lives 5s only"),
        ({"clock_skew": 42.0}, "clock", "problem", "42 s ahead of this machine's"),
        ({"clock_skew": -90.0}, "clock", "problem", "90 s behind this machine's"),
        ({"date_times": "mixed"}, "UTC offset", "ok", "+05:00, +06:00"),
        ({"reason_codes": "text"}, "codes", "ok", "are named by a rule"),
        ({}, "order", "ok", "as asked for: by time"),
        ({}, "visibility", "ok", "estimate: the first ones within"),
        ({}, "cost", "ok", "requests an hour"),
    ],
)
def test_what_needs_no_other_configuration(
    settings: dict[str, Any], question: str, verdict: str, words: str, tmp_path: Path
) -> None:
    clinic = Clinic(tmp_path, Settings(**settings))
    report = run(clinic.examine(document()))
    assert (about(report, question).verdict, words in about(report, question).answer) == (verdict, True)
    assert proposal(report) == {}
    assert report.requests <= CAP


def test_the_documented_bank_has_nothing_to_change(tmp_path: Path) -> None:
    report = run(Clinic(tmp_path, Settings()).examine(document(*(terminal(each.number) for each in TERMINALS))))
    verdicts = {found.question: str(found.verdict) for found in report.findings}
    assert {question: verdict for question, verdict in verdicts.items() if verdict != "ok"} == {}
    assert exit_code([report]) == 0


def test_a_bank_without_operations_leaves_questions_open_and_nothing_to_change(tmp_path: Path) -> None:
    report = run(Clinic(tmp_path, Settings(traffic=0.0)).examine(document()))
    unknown = {found.question for found in report.findings if found.verdict is Verdict.UNKNOWN}
    assert {"terminal number", "volume", "paging", "bounds", "order", "statuses", "codes", "visibility"} <= unknown
    assert proposal(report) == {}
    assert exit_code([report]) == 0


def test_one_wrong_id_among_many_is_found_and_the_others_are_fine(tmp_path: Path) -> None:
    terminals = [terminal(each.number) for each in TERMINALS]
    clinic = Clinic(tmp_path, Settings())
    report = run(clinic.examine(document(*terminals, terminal("98765432", name="typo"))))
    found = about(report, "terminal_id")
    assert (found.verdict, "the ids of typo: check them" in found.answer) == (Verdict.PROBLEM, True)
    unknown = {each.question for each in report.findings if each.verdict is Verdict.UNKNOWN}
    assert unknown == {"terminal number"}
    assert report.requests <= CAP


def test_the_right_id_is_proposed_where_only_one_can_be_meant(tmp_path: Path) -> None:
    content = document(terminal("98151559", name="wallet"), *(terminal(each.number) for each in TERMINALS[1:]))
    clinic = Clinic(tmp_path, Settings())
    report = run(clinic.examine(content))
    assert proposal(report) == {
        "accounts": [{"name": "main", "terminals": [{"id": BUSY[0], "number": BUSY[0], "name": "wallet"}]}]
    }


def test_codes_that_no_rule_names_get_lines_with_placeholders(tmp_path: Path) -> None:
    settings = Settings(scenario="new-code", scenario_delay=60.0)
    clinic = Clinic(tmp_path, settings)
    report = run(clinic.examine(document()))
    assert proposal(report) == {"reason_codes": {"711": "unknown"}}
    second = run(Clinic(tmp_path, settings).examine(merged(document(), proposal(report))))
    assert about(second, "codes").verdict is Verdict.OK


def test_faults_cost_answers_and_never_the_examination(tmp_path: Path) -> None:
    rates = dict.fromkeys(("http-500", "truncated", "html", "error-200", "rate-limit", "revoked-token", "poison"), 0.05)
    for seed in range(5):
        clinic = Clinic(tmp_path, Settings(seed=seed, faults=rates))
        report = run(clinic.examine(document()))
        assert report.obstacle == ""
        assert len(clinic.requests) <= CAP
        assert not any("defect" in found.answer for found in report.findings)
        assert proposal(report) == {}


def test_the_cap_is_kept_whatever_happens(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, Settings())
    report = run(clinic.examine(document(), cap=12))
    assert len(clinic.requests) == report.requests == 12
    assert any("12 requests are the most" in found.answer for found in report.findings)
