"""A snapshot as metric families: every sample is what the snapshot says, and nothing is there that should not be."""

import math
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_parsed
from prometheus_client.parser import text_string_to_metric_families as text_parsed

from exporter.exposition.catalogue import CATALOGUE
from exporter.model import MINUTE, SECOND, Expected, Family, Forecast, Outcome, Snapshot, Total, minor_units
from tests.plain.bodies import OPENMETRICS, TEXT, body_of
from tests.plain.families import families
from tests.tools import COUNTED_IN_DAYS, NOW, require, series, snapshot, tally, terminal_snapshot

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(of: Iterable[Metric]) -> Samples:
    """All samples by name and labels; each may be there once."""
    found: Samples = {}
    for family in of:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def without_nan(of: Iterable[Metric]) -> Samples:
    """The samples with -1 for NaN, which is equal to nothing."""
    return {key: -1 if math.isnan(value) else value for key, value in samples(of).items()}


def shown(of: Snapshot, name: str, exposed: int = 10, now: int = NOW, **labels: str) -> list[float]:
    """The values of the samples with this name and, among others, these labels."""
    wanted = set(labels.items())
    found = samples(exposed_families(of, now, exposed))
    return [value for (sample, its), value in found.items() if sample == name and wanted <= its]


def parsed(body: bytes, accept: str) -> list[Metric]:
    text = body.decode()
    return list(openmetrics_parsed(text) if accept == OPENMETRICS else text_parsed(text))  # type: ignore[no-untyped-call]


def exposed_families(of: Snapshot, now: int = NOW, exposed: int = 10) -> list[Metric]:
    """What a scraper reads in OpenMetrics."""
    return parsed(body_of(of, now, exposed, OPENMETRICS), OPENMETRICS)


SUCCESS = series("wallet", Outcome.SUCCESS, code="00", reason_code="0")
FAILURE = series("wallet", Outcome.FAILURE, "failed", "51", "51", "funds")

BROKEN_DOWN = {
    ("sender_issuer", "Халық банкі", Outcome.SUCCESS, "none"): 3,
    ("sender_issuer", "unknown", Outcome.FAILURE, "funds"): 1,
}

FULL = snapshot(
    terminal_snapshot(
        "wallet",
        labels={"team": "transfers"},
        windows=[replace(tally(5 * MINUTE, {SUCCESS: 3, FAILURE: 1}), breakdowns=BROKEN_DOWN), tally(90 * MINUTE)],
        pending=2,
        oldest_pending=NOW - 61 * SECOND,
        forecast=Forecast(
            (
                Expected(15 * MINUTE, "", 60.5, 36.25, 91.0),
                Expected(60 * MINUTE, "KZT", 1_000_050.4, 600_000.0, 1_400_000.0),
            ),
            weeks=4,
            usual_gap=45 * MINUTE,
            active_days=7,
        ),
    ),
    terminal_snapshot("café", terminal_id="1", labels={"shop": "7"}, windows=[], newest=None, catching_up=True),
    terminal_snapshot("unread", terminal_id="2", read=False, failing=True, last_success=None),
    terminal_snapshot("untried", terminal_id="3", account="second", read=False, tried=False, last_success=None),
    totals={
        Total(Family.OPERATIONS, SUCCESS): 41,
        Total(Family.OPERATIONS, FAILURE): 7,
        Total(Family.OPERATIONS, series("unread", Outcome.SUCCESS)): 5,
        Total(Family.AMOUNT, (*SUCCESS, "KZT")): 123_456_789,
        Total(Family.AMOUNT, (*SUCCESS, "JPY")): 500,
        Total(Family.AMOUNT, (*SUCCESS, "KWD")): 1_234,
        Total(Family.AMOUNT_BUCKET, ("wallet", "success", "KZT", "0")): 2,
        Total(Family.AMOUNT_BUCKET, ("wallet", "success", "KZT", "3")): 5,
        Total(Family.AMOUNT_BUCKET, ("wallet", "success", "KZT", "13")): 1,
        Total(Family.AMOUNT_SUM, ("wallet", "success", "KZT")): 2_000_010,
        Total(Family.VISIBILITY_BUCKET, ("main", "4")): 9,
        Total(Family.VISIBILITY_SUM, ("main",)): 93_500_000,
        Total(Family.FINALIZATION_BUCKET, ("wallet", "15")): 1,
        Total(Family.FINALIZATION_SUM, ("wallet",)): 90_000_000_000,
        Total(Family.RECORDS, ("main", "new")): 48,
        Total(Family.RECORDS, ("second", "new")): 48,
        Total(Family.REJECTED, ("main", "amount")): 3,
        Total(Family.STATUS_CHANGES, ("wallet", "success", "failure")): 1,
        Total(Family.UNKNOWN_CODES, ("wallet",)): 4,
        Total(Family.LABEL_OVERFLOW, ("café",)): 6,
        Total(Family.DUPLICATES, ("wallet",)): 2,
    },
)


def expected_of_full() -> dict[tuple[str, frozenset[tuple[str, str]]], Any]:
    """What stands in FULL, written down a second time by hand; None for NaN."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], Any] = {}

    def add(name: str, value: object, /, **labels: str) -> None:
        found[name, frozenset(labels.items())] = value

    names = ("outcome", "status", "code", "reason_code", "reason_class")
    ok = dict(zip(names, ("success", "ok", "00", "0", "none"), strict=True))
    funds = dict(zip(names, ("failure", "failed", "51", "51", "funds"), strict=True))
    technical = dict(zip(names, ("failure", "", "", "", "technical"), strict=True))

    add("epay_operations_total", 41, terminal="wallet", **ok)
    add("epay_operations_total", 7, terminal="wallet", **funds)
    add("epay_operations_total", 0, terminal="wallet", **technical)
    add("epay_operations_amount_total", 1_234_567.89, terminal="wallet", currency="KZT", **ok)
    add("epay_operations_amount_total", 500, terminal="wallet", currency="JPY", **ok)
    add("epay_operations_amount_total", 1.234, terminal="wallet", currency="KWD", **ok)
    add("epay_operations_amount_total", 0, terminal="wallet", currency="KZT", **technical)
    for labels in (ok, technical):
        add("epay_operations_total", 0, terminal="café", **labels)
        add("epay_operations_amount_total", 0, terminal="café", currency="KZT", **labels)

    amount = {"terminal": "wallet", "outcome": "success", "currency": "KZT"}
    bounds = ["100", "500", "1000", "2000", "5000", "10000", "20000", "50000", "100000", "200000", "500000"]
    for bound in ["100.0", "500.0", "1000.0"]:
        add("epay_operation_amount_bucket", 2, le=bound, **amount)
    for bound in [f"{bound}.0" for bound in bounds[3:]] + ["1e+06", "5e+06"]:
        add("epay_operation_amount_bucket", 7, le=bound, **amount)
    add("epay_operation_amount_bucket", 8, le="+Inf", **amount)
    add("epay_operation_amount_count", 8, **amount)
    add("epay_operation_amount_sum", 20_000.10, **amount)

    delays = ["1", "2", "5", "10", "15", "30", "60", "120", "300", "600", "900", "1800", "3600", "21600", "86400"]
    for index, bound in enumerate(delays):
        visible = 9 if index >= 4 else 0
        add("epay_operation_visibility_delay_seconds_bucket", visible, account="main", le=f"{bound}.0")
        add("epay_operation_finalization_seconds_bucket", 0, terminal="wallet", le=f"{bound}.0")
    add("epay_operation_visibility_delay_seconds_bucket", 9, account="main", le="+Inf")
    add("epay_operation_visibility_delay_seconds_count", 9, account="main")
    add("epay_operation_visibility_delay_seconds_sum", 93.5, account="main")
    add("epay_operation_finalization_seconds_bucket", 1, terminal="wallet", le="+Inf")
    add("epay_operation_finalization_seconds_count", 1, terminal="wallet")
    add("epay_operation_finalization_seconds_sum", 90_000, terminal="wallet")

    add("epay_records_total", 48, account="main", kind="new")
    for kind in ("repeated", "late", "changed", "rejected", "foreign"):
        add("epay_records_total", 0, account="main", kind=kind)
    add("epay_rejected_records_total", 3, account="main", reason="amount")
    add("epay_status_changes_total", 1, terminal="wallet", from_outcome="success", to_outcome="failure")
    add("epay_unknown_codes_total", 4, terminal="wallet")
    add("epay_unknown_codes_total", 0, terminal="café")
    add("epay_gap_seconds_total", 0, terminal="wallet")
    add("epay_gap_seconds_total", 0, terminal="café")
    add("epay_label_overflow_total", 0, terminal="wallet")
    add("epay_label_overflow_total", 6, terminal="café")
    add("epay_duplicate_operations_total", 2, terminal="wallet")
    add("epay_duplicate_operations_total", 0, terminal="café")

    five = {"terminal": "wallet", "window": "5m"}
    long = {"terminal": "wallet", "window": "1h30m"}
    add("epay_window_operations", 3, **five, **ok)
    add("epay_window_operations", 1, **five, **funds)
    add("epay_window_operations", 0, **five, **technical)
    broken_down = {**five, "dimension": "sender_issuer"}
    none = {"outcome": "success", "reason_class": "none"}
    add("epay_window_breakdown_operations", 3, value="Халық банкі", **broken_down, **none)
    no_funds = {"outcome": "failure", "reason_class": "funds"}
    add("epay_window_breakdown_operations", 1, value="unknown", **broken_down, **no_funds)
    add("epay_window_amount", 4_500, currency="KZT", **five, **ok)
    add("epay_window_amount", 1_500, currency="KZT", **five, **funds)
    add("epay_window_amount", 0, currency="KZT", **five, **technical)
    for labels in (ok, technical):
        add("epay_window_operations", 0, **long, **labels)
        add("epay_window_amount", 0, currency="KZT", **long, **labels)
    add("epay_window_amount_max", 1_500, outcome="success", currency="KZT", **five)
    add("epay_window_amount_max", 1_500, outcome="failure", currency="KZT", **five)
    add("epay_window_failure_ratio", 0.25, **five)
    add("epay_window_failure_ratio", None, **long)
    add("epay_window_failure_ratio_lower", pytest.approx(0.0455873, abs=1e-6), **five)
    add("epay_window_failure_ratio_lower", None, **long)

    quarter = {"terminal": "wallet", "window": "15m"}
    add("epay_expected_operations", 60.5, **quarter)
    add("epay_expected_operations_lower", 36.25, **quarter)
    add("epay_expected_operations_upper", 91, **quarter)
    hour = {"terminal": "wallet", "window": "1h", "currency": "KZT"}
    add("epay_expected_amount", 10_000.5, **hour)
    add("epay_expected_amount_lower", 6_000, **hour)
    add("epay_expected_amount_upper", 14_000, **hour)
    add("epay_baseline_weeks", 4, terminal="wallet")
    add("epay_baseline_weeks", 0, terminal="café")
    add("epay_usual_gap_seconds", 2_700, terminal="wallet")
    add("epay_active_days", 7, terminal="wallet")

    now = 1_795_492_800
    add("epay_pending_operations", 2, terminal="wallet")
    add("epay_pending_operations", 0, terminal="café")
    add("epay_oldest_pending_timestamp_seconds", now - 61, terminal="wallet")
    add("epay_last_operation_timestamp_seconds", now - 12, terminal="wallet")
    add("epay_terminal_info", 1, terminal="wallet", terminal_id="98151552", account="main", team="transfers", shop="")
    add("epay_terminal_info", 1, terminal="café", terminal_id="1", account="main", team="", shop="7")
    for terminal in ("wallet", "café"):
        add("epay_poll_success", 1, terminal=terminal)
        add("epay_last_poll_success_timestamp_seconds", now - 5, terminal=terminal)
        add("epay_window_complete", 1, terminal=terminal)
    add("epay_poll_success", 0, terminal="unread")
    add("epay_catching_up", 0, terminal="wallet")
    add("epay_catching_up", 1, terminal="café")
    for terminal in ("wallet", "café", "unread", "untried"):
        add("epay_watermark_timestamp_seconds", now - 20, terminal=terminal)
        add("epay_counting_since_timestamp_seconds", now - 86_400, terminal=terminal)
    return found


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
def test_both_formats_carry_exactly_what_the_snapshot_says(accept: str) -> None:
    found = samples(parsed(body_of(FULL, NOW, accept=accept), accept))

    expected = expected_of_full()
    assert found.keys() == expected.keys()
    wrong = {key: found[key] for key, value in expected.items() if not (found[key] == value or value is None)}
    assert {key for key, value in expected.items() if value is None} == {k for k, v in found.items() if math.isnan(v)}
    assert wrong == {}


def test_every_metric_of_the_contract_is_there_with_its_type_and_labels() -> None:
    series_labels = ["outcome", "status", "code", "reason_code", "reason_class"]
    contract = {
        "epay_operations_total": ("counter", ["terminal", *series_labels]),
        "epay_operations_amount_total": ("counter", ["terminal", *series_labels, "currency"]),
        "epay_operation_amount": ("histogram", ["terminal", "outcome", "currency"]),
        "epay_window_operations": ("gauge", ["terminal", "window", *series_labels]),
        "epay_window_amount": ("gauge", ["terminal", "window", *series_labels, "currency"]),
        "epay_window_amount_max": ("gauge", ["terminal", "window", "outcome", "currency"]),
        "epay_window_breakdown_operations": (
            "gauge",
            ["terminal", "window", "dimension", "value", "outcome", "reason_class"],
        ),
        "epay_window_failure_ratio": ("gauge", ["terminal", "window"]),
        "epay_window_failure_ratio_lower": ("gauge", ["terminal", "window"]),
        "epay_pending_operations": ("gauge", ["terminal"]),
        "epay_oldest_pending_timestamp_seconds": ("gauge", ["terminal"]),
        "epay_last_operation_timestamp_seconds": ("gauge", ["terminal"]),
        "epay_operation_visibility_delay_seconds": ("histogram", ["account"]),
        "epay_operation_finalization_seconds": ("histogram", ["terminal"]),
        "epay_expected_operations": ("gauge", ["terminal", "window"]),
        "epay_expected_operations_lower": ("gauge", ["terminal", "window"]),
        "epay_expected_operations_upper": ("gauge", ["terminal", "window"]),
        "epay_expected_amount": ("gauge", ["terminal", "window", "currency"]),
        "epay_expected_amount_lower": ("gauge", ["terminal", "window", "currency"]),
        "epay_expected_amount_upper": ("gauge", ["terminal", "window", "currency"]),
        "epay_baseline_weeks": ("gauge", ["terminal"]),
        "epay_usual_gap_seconds": ("gauge", ["terminal"]),  # ours, beside the contract
        "epay_active_days": ("gauge", ["terminal"]),  # ours, beside the contract
        "epay_terminal_info": ("gauge", ["terminal", "terminal_id", "account"]),
        "epay_poll_success": ("gauge", ["terminal"]),
        "epay_last_poll_success_timestamp_seconds": ("gauge", ["terminal"]),
        "epay_watermark_timestamp_seconds": ("gauge", ["terminal"]),
        "epay_catching_up": ("gauge", ["terminal"]),
        "epay_window_complete": ("gauge", ["terminal"]),
        "epay_counting_since_timestamp_seconds": ("gauge", ["terminal"]),
        "epay_records_total": ("counter", ["account", "kind"]),
        "epay_gap_seconds_total": ("counter", ["terminal"]),  # ours, beside the contract
        "epay_reconciliation_difference_operations": ("gauge", ["terminal"]),
        "epay_reconciliation_difference_amount": ("gauge", ["terminal", "currency"]),  # ours, beside the contract
        "epay_rejected_records_total": ("counter", ["account", "reason"]),  # ours, beside the contract
        "epay_status_changes_total": ("counter", ["terminal", "from_outcome", "to_outcome"]),
        "epay_unknown_codes_total": ("counter", ["terminal"]),
        "epay_label_overflow_total": ("counter", ["terminal"]),
        "epay_alert_threshold": ("gauge", ["terminal", "alert", "severity"]),
        "epay_calendar_active": ("gauge", ["terminal", "kind"]),
        "epay_duplicate_operations_total": ("counter", ["terminal"]),
    }

    assert {each.name: (each.kind, list(each.labels)) for each in CATALOGUE} == contract


def test_every_metric_of_the_catalogue_is_exposed_and_no_other() -> None:
    exposed = {family.name: family.type for family in exposed_families(FULL)}

    assert exposed == {each.name.removesuffix("_total"): each.kind for each in CATALOGUE}


def test_every_help_says_that_the_scrape_is_not_the_time_of_the_value() -> None:
    for each in CATALOGUE:
        fixed = each.name in {"epay_terminal_info", "epay_counting_since_timestamp_seconds"}
        assert fixed or "poll" in each.help or "read from the bank" in each.help, each.name


def test_a_new_total_is_zero_to_a_scraper_that_has_not_met_it() -> None:
    total = Total(Family.OPERATIONS, FAILURE)
    of = snapshot(terminal_snapshot(), totals={total: 7}, born={total: 10}, sequence=10)

    assert shown(of, "epay_operations_total", exposed=9, code="51") == [0]
    assert shown(of, "epay_operations_total", exposed=10, code="51") == [7]


def test_a_restored_total_is_exposed_as_it_is() -> None:
    of = snapshot(terminal_snapshot(), totals={Total(Family.OPERATIONS, FAILURE): 7})

    assert shown(of, "epay_operations_total", exposed=0, code="51") == [7]


def test_a_new_histogram_is_zero_as_a_whole() -> None:
    whole = Total(Family.AMOUNT_SUM, ("wallet", "success", "KZT"))
    bucket = Total(Family.AMOUNT_BUCKET, ("wallet", "success", "KZT", "0"))
    of = snapshot(terminal_snapshot(), totals={whole: 5_000, bucket: 1}, born={whole: 10, bucket: 10})

    names = ("epay_operation_amount_bucket", "epay_operation_amount_count", "epay_operation_amount_sum")
    assert [sum(shown(of, name, exposed=9)) for name in names] == [0, 0, 0]
    assert [max(shown(of, name, exposed=10)) for name in names] == [1, 1, 50]


def test_a_new_bucket_of_a_known_histogram_counts_at_once() -> None:
    whole = Total(Family.AMOUNT_SUM, ("wallet", "success", "KZT"))
    bucket = Total(Family.AMOUNT_BUCKET, ("wallet", "success", "KZT", "0"))
    of = snapshot(terminal_snapshot(), totals={whole: 5_000, bucket: 1}, born={whole: 3, bucket: 10})

    assert shown(of, "epay_operation_amount_count", exposed=9) == [1]


def test_a_failing_terminal_keeps_its_windows_for_three_intervals() -> None:
    of = snapshot(terminal_snapshot(failing=True, last_success=NOW - 45 * SECOND))

    assert shown(of, "epay_window_failure_ratio") != []
    assert shown(of, "epay_poll_success") == [0]
    assert shown(of, "epay_window_complete") == [1]


def test_windows_of_a_terminal_that_failed_for_longer_are_withdrawn_and_counters_stay() -> None:
    long_ago = NOW - 45 * SECOND - 1
    of = snapshot(
        terminal_snapshot(failing=True, last_success=long_ago, pending=3, oldest_pending=NOW - MINUTE),
        totals={Total(Family.OPERATIONS, SUCCESS): 41},
    )
    names = {sample for sample, _ in samples(exposed_families(of))}

    assert {name for name in names if "window" in name or "pending" in name} == {"epay_window_complete"}
    assert shown(of, "epay_window_complete") == [0]
    assert shown(of, "epay_operations_total", outcome="success") == [41]


def test_a_terminal_that_never_succeeded_shows_no_windows() -> None:
    of = snapshot(terminal_snapshot(failing=True, last_success=None))

    assert shown(of, "epay_window_operations") == []
    assert shown(of, "epay_window_complete") == [0]


def test_a_poll_that_neither_ends_nor_fails_is_given_a_minute_more() -> None:
    """The snapshot's polls are withdrawn 45 s after the last good one when they fail."""
    slow = terminal_snapshot(last_success=NOW - 45 * SECOND - MINUTE)
    hung = terminal_snapshot(last_success=NOW - 46 * SECOND - MINUTE)

    assert shown(snapshot(slow), "epay_window_operations") != []
    assert shown(snapshot(hung), "epay_window_operations") == []


def test_configured_labels_do_not_displace_our_own() -> None:
    of = snapshot(terminal_snapshot("wallet", labels={"account": "forged", "team": "a"}))

    assert shown(of, "epay_terminal_info", account="main", team="a") == [1]


hostile = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "\\", "\n", '\\"\n', "\\n", "{}", 'a="b"', "# EOF", "\r\n", "\t", " ", "\u2028", "\x00", "<script>", "💳"]
)


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
@settings(max_examples=60, deadline=None)
@given(name=hostile, status=hostile, code=hostile, count=st.integers(0, 2**53))
def test_any_label_value_comes_back_as_it_went_in(accept: str, name: str, status: str, code: str, count: int) -> None:
    key = series(name, Outcome.FAILURE, status, code, "7", "issuer")
    broken_down = {("sender_issuer", code, Outcome.FAILURE, "issuer"): 2}
    window = replace(tally(5 * MINUTE, {key: 2}), breakdowns=broken_down)
    of = snapshot(terminal_snapshot(name, windows=[window]), totals={Total(Family.OPERATIONS, key): count})

    body = body_of(of, NOW, accept=accept)

    assert without_nan(parsed(body, accept)) == without_nan(families(of, NOW, exposed=10))


@given(st.integers(0, 10**15), st.sampled_from(["KZT", "JPY", "KWD"]))
def test_an_amount_is_the_nearest_double_of_its_decimal(amount: int, currency: str) -> None:
    key = series("wallet", Outcome.SUCCESS)
    of = snapshot(terminal_snapshot(), totals={Total(Family.AMOUNT, (*key, currency)): amount})
    digits = str(amount).zfill(4)
    places = minor_units(currency)
    decimal = float(f"{digits[:-places]}.{digits[-places:]}") if places else float(digits)

    assert shown(of, "epay_operations_amount_total", outcome="success", currency=currency) == [decimal]


@pytest.mark.parametrize("of", [FULL, snapshot(terminal_snapshot(read=False))], ids=["full", "empty"])
def test_promtool_has_nothing_to_say(of: Snapshot) -> None:
    promtool = require("promtool", "prometheus")
    body = body_of(of, NOW)

    checked = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)

    said = checked.stdout + checked.stderr
    assert b"".join(line for line in said.splitlines(keepends=True) if line not in COUNTED_IN_DAYS) == b""
