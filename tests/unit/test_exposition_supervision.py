"""Thresholds and calendar in the exposition: of every configured terminal, polled or not."""

from dataclasses import replace
from operator import is_

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_parsed

from exporter.exposition.supervision import SupervisionPieces
from exporter.model import HOUR, CalendarEntry, Instant, Snapshot, Supervision, Threshold, Totals
from exporter.poller import Publication
from tests.plain.bodies import OPENMETRICS, body_of
from tests.tools import NOW, snapshot, terminal_snapshot

HOLIDAY = CalendarEntry(NOW - HOUR, NOW + HOUR, "holiday")
UNPOLLED = Snapshot(0, 0, 0, (), Totals())


def shown(of: Snapshot, name: str, now: Instant = NOW) -> dict[tuple[str, ...], float]:
    """Values by the labels' values, in the order of the labels' names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in openmetrics_parsed(body_of(of, now, 0, OPENMETRICS).decode())  # type: ignore[no-untyped-call]
        if family.name == name
        for sample in family.samples
    }


def with_calendar(*entries: CalendarEntry) -> Snapshot:
    return replace(UNPOLLED, supervision=Supervision({"wallet": (), "shop": ()}, entries))


def test_thresholds_are_there_before_any_poll() -> None:
    of = replace(UNPOLLED, supervision=Supervision({"wallet": (Threshold("data_stale", "critical", 300),)}))
    assert shown(of, "epay_alert_threshold") == {("data_stale", "critical", "wallet"): 300}


def test_both_kinds_are_there_for_every_terminal_without_any_calendar() -> None:
    assert shown(with_calendar(), "epay_calendar_active") == {
        (kind, terminal): 0 for kind in ("holiday", "maintenance") for terminal in ("wallet", "shop")
    }


def test_a_holiday_of_all_is_active_for_all() -> None:
    found = shown(with_calendar(HOLIDAY), "epay_calendar_active")
    assert {labels for labels, value in found.items() if value} == {("holiday", "wallet"), ("holiday", "shop")}


def test_a_maintenance_of_one_terminal_is_not_one_of_another() -> None:
    entry = CalendarEntry(NOW - HOUR, NOW + HOUR, "maintenance", ("shop",))
    found = shown(with_calendar(entry), "epay_calendar_active")
    assert {labels for labels, value in found.items() if value} == {("maintenance", "shop")}


def test_an_entry_begins_with_its_first_instant_and_ends_before_its_last() -> None:
    of = with_calendar(HOLIDAY)
    at = [HOLIDAY.start - 1, HOLIDAY.start, HOLIDAY.end - 1, HOLIDAY.end]
    assert [shown(of, "epay_calendar_active", now)["holiday", "wallet"] for now in at] == [0, 1, 1, 0]


def test_one_of_several_entries_is_enough() -> None:
    past = CalendarEntry(NOW - 3 * HOUR, NOW - 2 * HOUR, "holiday")
    of = with_calendar(past, HOLIDAY)
    assert shown(of, "epay_calendar_active")["holiday", "wallet"] == 1


def test_a_publication_keeps_what_it_supervises_over_polls_and_polls_over_what_it_supervises() -> None:
    publication = Publication(stale_after=0)
    first, second = Supervision({"wallet": ()}), Supervision({"wallet": (Threshold("a", "b", 1),)})
    publication.arrange(["main"], 0, first)
    publication.publish("main", (terminal_snapshot(),), Totals(), NOW)
    assert publication.current().supervision == first
    before = publication.current()
    publication.arrange(["main"], 0, second)
    assert publication.current().supervision == second
    assert publication.current().terminals == before.terminals
    assert publication.current().sequence > before.sequence


def test_a_snapshot_without_supervision_says_nothing() -> None:
    of = snapshot(terminal_snapshot())
    assert shown(of, "epay_alert_threshold") == shown(of, "epay_calendar_active") == {}


def test_lines_of_terminals_that_stay_are_not_written_again_when_others_come_or_go() -> None:
    usual = (Threshold("data_stale", "critical", 300),)
    pieces = SupervisionPieces()
    pieces.bring_to(Supervision({"wallet": usual, "shop": usual}, (HOLIDAY,)), NOW)
    before = [*pieces.thresholds[1:], *pieces.calendar[1:]]

    pieces.bring_to(Supervision({"kiosk": usual, "shop": usual}, (HOLIDAY,)), NOW)

    after = [*pieces.thresholds[1:], *pieces.calendar[1:]]
    assert len(before) == 2
    assert all(map(is_, after, before))
    assert b"kiosk" in pieces.thresholds[0]
    assert b"kiosk" in pieces.calendar[0]
