"""What the answers mean, judged from facts alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from exporter.bank import BankError, Garbled, LoginRefused, Refused
from exporter.config.records import Paging, Poll, TerminalFilter, TokenBody
from exporter.doctor import AccountReport, Finding, Verdict, as_json, as_text, exit_code, snippet
from exporter.doctor.access import login_findings, second_login_finding
from exporter.doctor.case import Look
from exporter.doctor.cost import CostFacts, cost_finding
from exporter.doctor.finding import Line, Place, amended
from exporter.doctor.listing import PeriodFacts, error_status_finding, period_finding
from exporter.doctor.numbering import fit, listed
from exporter.doctor.ordering import BoundsFacts, bounds_finding, order_finding
from exporter.doctor.paging import SizeFacts, page_size_finding, paging_finding
from exporter.doctor.rendering import configuration
from exporter.doctor.replies import LoginReply, Reply
from exporter.doctor.stamps import Stamp, stamps
from exporter.doctor.terminal_findings import TerminalFacts, id_finding, number_finding
from exporter.doctor.timing import clock_finding, offset_finding, unreadable_finding, visibility_finding
from exporter.doctor.vocabulary import vocabulary_findings
from exporter.model import DAY, HOUR, MINUTE, SECOND, Page, Terminal
from tests.builders import OUTCOMES, POLICY, T0, id_of, operation
from tests.client_bank import ACCOUNT

REFUSAL = LoginRefused("login_refused", "the bank refused the login of account main (401)")
TELLING = LoginRefused("login_refused", "the bank refused the login of account main (400 invalid_grant): check")
WALLET, SHOP = Terminal("1001", "1001", "wallet", "main"), Terminal("1002", "1002", "shop", "main")


def page(total: int) -> Reply:
    return Reply(200, Page(total, ()), None, T0)


def no(error: BankError | None = None, status: int | None = 400) -> Reply:
    return Reply(status, None, error or Refused("refused", 232), T0)


def verdict(found: Finding) -> tuple[str, str]:
    return str(found.verdict), found.answer


def test_a_login_is_judged_by_its_last_try() -> None:
    good = LoginReply(TokenBody.URLENCODED, 200, None, 7200.0, "number")
    bad = LoginReply(TokenBody.FORM_DATA, 400, REFUSAL)
    (found, token) = login_findings(TokenBody.FORM_DATA, [bad, good])
    assert verdict(found) == ("change", "refused with a body of form-data, works with urlencoded")
    assert found.evidence == "form-data: HTTP 400; urlencoded: HTTP 200, a token"
    assert verdict(token) == ("ok", "lives 2h")


def test_the_refusal_that_says_most_is_shown() -> None:
    tries = [LoginReply(TokenBody.FORM_DATA, 400, REFUSAL), LoginReply(TokenBody.URLENCODED, 400, TELLING)]
    assert login_findings(TokenBody.FORM_DATA, tries)[0].answer == str(TELLING)
    assert login_findings(TokenBody.FORM_DATA, tries[:1])[0].answer == str(REFUSAL)


def test_a_token_whose_life_is_not_told_is_unknown() -> None:
    reply = LoginReply(TokenBody.FORM_DATA, 200, None, 300.0, "missing")
    assert login_findings(TokenBody.FORM_DATA, [reply])[1].verdict is Verdict.UNKNOWN


def test_a_second_login_that_leaves_nobody_in_is_unknown() -> None:
    broken = no(Garbled("not_json", "HTML"), 200)
    assert second_login_finding(broken, page(1)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("replies", "manner", "expected"),
    [
        ({"created_at": page(5), "created_date": no()}, "without terminal_id", "ok"),
        ({"created_at": page(5), "created_date": page(5)}, "without terminal_id", "ok"),
        ({"created_at": no(), "created_date": page(5)}, "without terminal_id", "change"),
        ({"created_at": no(), "created_date": page(5)}, "with terminal_id", "change"),
        ({"created_at": page(0), "created_date": page(5)}, "without terminal_id", "problem"),
        ({"created_at": no(), "created_date": no()}, "without an order", "problem"),
        ({"created_at": page(5), "created_date": no()}, "without an order", "problem"),
        ({"created_at": no(Garbled("not_json", "HTML"), 200)}, "without terminal_id", "problem"),
    ],
)
def test_the_period_field(replies: Mapping[str, Reply], manner: str, expected: str) -> None:
    assert period_finding(PeriodFacts("created_at", replies, manner)).verdict == expected


def test_an_unknown_method_that_is_not_refused_is_told() -> None:
    assert error_status_finding(page(5)).verdict is Verdict.UNKNOWN
    assert error_status_finding(no()).answer == "an error body comes with HTTP 400, code 232"


def ids(*numbers: int) -> frozenset[bytes]:
    return frozenset(map(id_of, numbers))


@pytest.mark.parametrize(
    ("first", "second", "total", "expected"),
    [
        (ids(1, 2, 3), ids(2, 3, 4), 50, "ok"),
        (ids(1, 2), ids(2), 2, "ok"),
        (ids(1, 2, 3), ids(4, 5, 6), 50, "change"),
        (ids(1, 2), ids(), 2, "change"),
        (ids(1, 2, 3), ids(1, 2, 3), 50, "problem"),
        (ids(1, 2, 3), ids(3, 4, 5), 50, "unknown"),
        (ids(1), ids(2), 50, "unknown"),
        (ids(), ids(), 0, "unknown"),
    ],
)
def test_what_page_means(first: frozenset[bytes], second: frozenset[bytes], total: int, expected: str) -> None:
    assert paging_finding(Paging.OFFSET, first, second, total).verdict == expected


@pytest.mark.parametrize(
    ("total", "received", "expected", "proposed"),
    [
        (9000, [(500, 500), (1000, 1000), (5000, 5000)], "ok", 500),
        (9000, [(500, 500), (1000, 1000), (5000, 2000)], "ok", 500),
        (9000, [(500, 100)], "change", 100),
        (700, [(500, 500), (1000, 700)], "ok", 500),
        (30, [(500, 30)], "unknown", None),
        (9000, [(500, None), (100, 100)], "change", 100),
        (9000, [(500, None), (100, 50)], "change", 50),
        (9000, [(500, None), (100, None), (20, None)], "problem", None),
        (9000, [(500, 500), (1000, None)], "ok", 500),
    ],
)
def test_the_cap_on_size(
    total: int, received: list[tuple[int, int | None]], expected: str, proposed: int | None
) -> None:
    found = page_size_finding(SizeFacts(500, total, received, "HTTP 400, code 232"))
    assert (found.verdict, found.lines[0].value if found.lines else None) == (expected, proposed)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (BoundsFacts(1000, True, True, False), ("ok", "both inclusive; the exporter copes with either")),
        (BoundsFacts(1, False, True, False), ("ok", "start exclusive, end inclusive; the exporter copes with either")),
        (BoundsFacts(1000, None, True, False), ("unknown", "too many records at one moment to tell")),
    ],
)
def test_the_bounds(facts: BoundsFacts, expected: tuple[str, str]) -> None:
    assert verdict(bounds_finding(facts)) == expected


def test_bounds_that_are_rounded_are_a_problem_only_where_milliseconds_are() -> None:
    assert bounds_finding(BoundsFacts(1000, True, True, True)).verdict is Verdict.PROBLEM
    assert bounds_finding(BoundsFacts(1, True, True, True)).verdict is Verdict.UNKNOWN


def test_the_order() -> None:
    up = [operation(n, T0 + n * SECOND) for n in range(5)]
    tied = sorted((operation(n, T0) for n in range(5)), key=lambda each: each.id)
    down = up[::-1]
    assert order_finding(up, down).verdict is Verdict.OK
    assert order_finding(tied, down).answer == "as asked for: by time, then id"
    assert order_finding(tied[::-1], down).verdict is Verdict.UNKNOWN
    assert order_finding(down, down).verdict is Verdict.PROBLEM
    assert order_finding(up, up).verdict is Verdict.UNKNOWN
    assert order_finding(up[:1], ()).verdict is Verdict.UNKNOWN


FACTS = TerminalFacts(
    terminals=(WALLET, SHOP),
    chosen=TerminalFilter.SERVER,
    unfiltered={"1001": 9, "1002": 3},
    whole_list="HTTP 200, 12 records",
    batches=("2 ids: HTTP 200, 12 records",),
    filtered={"1001": 9, "1002": 3},
    accepted=frozenset({"wallet", "shop"}),
    refused={},
    untried=frozenset(),
    alone={},
)
ALL_REFUSED: dict[str, Any] = {
    "filtered": {},
    "accepted": frozenset(),
    "refused": {"wallet": "HTTP 400, code 232", "shop": "HTTP 400, code 232"},
}


@pytest.mark.parametrize(
    ("changes", "ids_expected", "numbers_expected"),
    [
        ({}, "ok", "ok"),
        (ALL_REFUSED, "change", "ok"),
        ({**ALL_REFUSED, "unfiltered": None}, "problem", "unknown"),
        ({**ALL_REFUSED, "refused": {}, "untried": frozenset({"wallet", "shop"})}, "change", "ok"),
        ({"untried": frozenset({"shop"}), "filtered": {"1001": 9}, "accepted": frozenset({"wallet"})}, "problem", "ok"),
        ({"filtered": {"1001": 9}, "alone": {"shop": {}}}, "change", "ok"),
        ({"filtered": {"1001": 9}, "unfiltered": {"1001": 9}, "alone": {"shop": {}}}, "ok", "unknown"),
        ({"filtered": {"1001": 9, "7": 1}, "unfiltered": {"1001": 9}, "alone": {"shop": {"7": 3}}}, "ok", "change"),
        ({"alone": {"shop": {"1001": 9, "1002": 3}}}, "change", "ok"),
        ({"filtered": {"1001": 9}, "unfiltered": {}, "alone": {"shop": {"1001": 9}}}, "ok", "problem"),
        ({"filtered": {"1001": 9}, "unfiltered": {}, "alone": {"shop": {"4003000000009821": 9}}}, "ok", "problem"),
        ({"candidates": {"shop": "1003"}, "refused": {"shop": "HTTP 400"}, "unfiltered": {"1003": 1}}, "change", "ok"),
        ({"chosen": TerminalFilter.CLIENT}, "ok", "ok"),
        ({"chosen": TerminalFilter.CLIENT, **ALL_REFUSED}, "ok", "ok"),
        ({"chosen": TerminalFilter.CLIENT, "unfiltered": None}, "change", "ok"),
    ],
)
def test_the_terminals(changes: dict[str, Any], ids_expected: str, numbers_expected: str) -> None:
    facts = replace(FACTS, **changes)
    found = id_finding(facts)
    assert (found.verdict, number_finding(facts, found).verdict) == (ids_expected, numbers_expected)


def test_a_record_s_terminal_is_shown_only_where_it_can_be_one() -> None:
    shown = ["98151552", "T-1", "6f1b3c52-0a6e-4c0b-9d55-5f7d3a9b1552"]
    assert [
        text for text in [*shown, "", "4003000000009821", "+77011234567", "a b", "77011234567"] if fit(text)
    ] == shown
    assert listed(map(str, range(12))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"


def test_words_that_no_rule_names_get_a_placeholder_and_unfit_ones_are_only_counted() -> None:
    records = [
        *(operation(("a", n)) for n in range(3)),
        operation("b", status="strange"),
        operation("c", status="failed", code="", reason_code="9999"),
        operation("d", status="failed", code="x1", reason_code="0"),
        operation("e", status="4003000000009821"),
    ]
    statuses, codes = vocabulary_findings(records, OUTCOMES)
    assert configuration(statuses.lines) == 'outcomes: {"strange": unknown}'
    assert "1 records carry something empty, or not fit to be shown" in statuses.answer
    assert yaml.safe_load(configuration(codes.lines) or "") == {"reason_codes": {"9999": "unknown", "x1": "unknown"}}
    assert "4003" not in str((statuses, codes))


def test_only_unfit_words_are_a_problem_without_a_line() -> None:
    statuses, _ = vocabulary_findings([operation("e", status="4003000000009821")], OUTCOMES)
    assert (statuses.verdict, statuses.lines) == (Verdict.PROBLEM, ())


def test_the_clock() -> None:
    assert clock_finding([], [], T0).verdict is Verdict.UNKNOWN
    assert clock_finding([0.2, 9.0, -0.4], [T0 - SECOND], T0).verdict is Verdict.OK
    assert clock_finding([30.0], [T0 + 20 * SECOND], T0).evidence.endswith("0 of 1 records in the future")
    assert clock_finding([0.1], [T0 + 20 * SECOND], T0).verdict is Verdict.PROBLEM


def test_offsets_and_unreadable_records() -> None:
    marks = [Stamp(id_of(n), T0, offset, exact=True) for n, offset in enumerate(["+05:00", "+06:00", "+05:00"])]
    assert offset_finding(marks).answer == "+05:00, +06:00; each record's own offset is used"
    assert offset_finding([]).verdict is Verdict.UNKNOWN
    assert unreadable_finding(5, {}).verdict is Verdict.OK
    assert unreadable_finding(5, {b"x": "amount"}).verdict is Verdict.PROBLEM


def test_stamps_of_a_page() -> None:
    body = (
        b'{"records": [{"id": "a", "dateTime": "2022-02-03T11:42:35.5+06:00"}, {"id": "b", "dateTime": '
        b'"2022-02-03T11:42:35.1234567Z"}, {"id": 7, "dateTime": "x"}, {"id": "c", "dateTime": "yesterday"}]}'
    )
    assert [(stamp.offset, stamp.exact) for stamp in stamps(body)] == [("+06:00", True), ("Z", False)]
    assert stamps(b"{") == stamps(b"[]") == stamps(b'{"records": null}') == ()


def look(at: int, *ages: tuple[str, int]) -> Look:
    return Look(at, {id_of(name): at - age * SECOND for name, age in ages}, 100, descending=True)


def test_how_late_operations_become_visible() -> None:
    first = look(T0, ("a", 2), ("b", 30))
    second = Look(
        T0 + 5 * SECOND,
        {id_of("c"): T0 + SECOND, id_of("late"): T0 - 12 * SECOND, **first.created},
        100,
        descending=True,
    )
    found = visibility_finding([first, second], 15 * MINUTE)
    assert found.answer.startswith("estimate: the first ones within 4s, late ones after at least 12s")
    assert "1 new and 1 late ones in a second look 5s later" in found.evidence
    assert visibility_finding([first, second], 10 * SECOND).verdict is Verdict.PROBLEM
    assert visibility_finding([look(T0, ("a", 4000))], 15 * MINUTE).verdict is Verdict.UNKNOWN
    assert visibility_finding([replace(first, descending=False)], MINUTE).verdict is Verdict.UNKNOWN


def test_the_cost() -> None:
    facts = CostFacts(ACCOUNT, Poll(), POLICY, 500, 7200.0, {HOUR: 4000, DAY: 9600})
    found = cost_finding(facts)
    assert found.answer.startswith("about 385 requests an hour, 2 % of the budget")
    spent = "heads 240 (every 15s, 1 pages), sweeps 120 (every 1m, 2 pages), reconciliation 24 (3 closed hours)"
    assert spent in found.evidence
    assert cost_finding(replace(facts, poll=Poll(requests_per_second=0.05))).verdict is Verdict.PROBLEM
    assert cost_finding(replace(facts, volumes={}, token_life=0.0)).verdict is Verdict.OK


REPORT = AccountReport(
    "main",
    9,
    (
        Finding("period field", Verdict.CHANGE, "a", "e", (Line(Place.ACCOUNT, "period_field", "created_date"),)),
        Finding("terminal number", Verdict.CHANGE, "a", "e", (Line(Place.TERMINAL, "number", "00123", WALLET),)),
        Finding("page size", Verdict.CHANGE, "a", "e", (Line(Place.POLL, "page_size", 100),)),
        Finding("statuses", Verdict.CHANGE, "a", "e", (Line(Place.OUTCOMES, 'no "${X}"', "unknown"),)),
        Finding("paging", Verdict.OK, "a", "e", (Line(Place.ACCOUNT, "paging", "offset"),)),
        Finding("order", Verdict.PROBLEM, "a", "", ()),
    ),
)


def test_all_changes_come_as_one_piece_of_yaml() -> None:
    other = replace(REPORT, account="second", findings=REPORT.findings[:1])
    smaller = replace(
        REPORT,
        account="third",
        findings=(Finding("page size", Verdict.CHANGE, "", "", (Line(Place.POLL, "page_size", 20),)),),
    )
    assert yaml.safe_load(snippet([REPORT, other, smaller])) == {
        "accounts": [
            {
                "name": "main",
                "period_field": "created_date",
                "terminals": [{"id": "1001", "number": "00123", "name": "wallet"}],
            },
            {"name": "second", "period_field": "created_date"},
        ],
        "poll": {"page_size": 20},
        "outcomes": {'no "$${X}"': "unknown"},
    }


def test_the_text_is_for_a_person() -> None:
    text = as_text([REPORT])
    assert text.startswith("account main: 9 requests, read-only\n\n  change   period field: a\n")
    assert '             configuration: terminals: [{id: "1001", number: "00123", name: wallet}]\n' in text
    assert "Configuration that follows, to be merged into the file:\n\naccounts:\n  - name: main\n" in text
    assert text.endswith("Problems that no line of configuration mends: 1, see above.")
    assert as_text([replace(REPORT, findings=REPORT.findings[4:5])]).endswith("\n\nNothing to change.")


def test_the_json_is_for_a_program() -> None:
    answer = yaml.safe_load(as_json([REPORT], [{"key": "x"}]))
    assert answer["findings"] == [{"key": "x"}]
    assert (answer["accounts"][0]["account"], answer["accounts"][0]["requests"]) == ("main", 9)
    assert [found["configuration"] for found in answer["accounts"][0]["findings"][-2:]] == ["paging: offset", None]


def test_how_it_ends() -> None:
    fine = replace(REPORT, findings=REPORT.findings[4:5])
    assert exit_code([fine]) == exit_code([]) == 0
    assert exit_code([fine, REPORT]) == 1
    assert exit_code([REPORT, replace(fine, obstacle="no login")]) == 2


def test_an_account_as_the_lines_would_have_it() -> None:
    lines = [Line(Place.ACCOUNT, "paging", "page-index"), Line(Place.POLL, "page_size", 5)]
    changed = amended(ACCOUNT, [*lines, Line(Place.TERMINAL, "number", "7", ACCOUNT.terminals[1])])
    assert changed.paging is Paging.PAGE_INDEX
    assert [each.number for each in changed.terminals] == ["98151552", "7"]
