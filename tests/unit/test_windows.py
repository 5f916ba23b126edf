"""Which spans are asked for, and what a window holds."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from exporter import windows
from exporter.ledger import advance
from exporter.ledger.books import Shelf
from exporter.model import DAY, HOUR, MINUTE, SECOND, Assignment, Entry, Outcome, SeriesKey, Span, Standing, WindowTally
from tests.builders import POLICY, T0, checkpoint, id_of

NOW = T0 + 10 * MINUTE


def _entry(name: object, created: int, outcome: Outcome = Outcome.SUCCESS, amount: int = 100) -> Entry:
    key = SeriesKey("wallet", outcome, "ok", "00", "0", "none")
    return Entry(id_of(name), created, key, amount, "KZT", Standing.COUNTED)


def _windows(entries: list[Entry], lengths: tuple[int, ...]) -> tuple[WindowTally, ...]:
    shelf = Shelf([("wallet", checkpoint())], lengths)
    shelf.put(entries)
    return shelf.books["wallet"].windows.tallies(NOW)


def test_a_quiet_poll_asks_once_for_all_terminals_of_a_batch() -> None:
    read = {f"t{n}": checkpoint(watermark=NOW - n * 1000) for n in range(100)}

    assignments = windows.head(NOW, read, POLICY)

    assert len(assignments) == 1
    assert set(assignments[0].terminals) == set(read)
    assert assignments[0].span.start == NOW - 99_000 - POLICY.overlap


def test_a_thousand_terminals_take_ten_requests() -> None:
    read = {f"t{n}": checkpoint(watermark=NOW) for n in range(1000)}

    assert len(windows.head(NOW, read, POLICY)) == 10
    assert len(windows.sweep(NOW, dict.fromkeys(read, NOW - MINUTE), POLICY)) == 10


def test_a_terminal_that_lags_does_not_make_the_others_read_its_time_again() -> None:
    read = {"fine": checkpoint(watermark=NOW), "lags": checkpoint(watermark=NOW - 5 * HOUR)}

    starts = {assignment.terminals: assignment.span.start for assignment in windows.head(NOW, read, POLICY)}

    assert starts == {("fine",): NOW - POLICY.overlap, ("lags",): NOW - 5 * HOUR - POLICY.overlap}


def test_a_sweep_reaches_back_from_the_one_before() -> None:
    (assignment,) = windows.sweep(NOW, {"wallet": NOW - MINUTE}, POLICY)

    assert assignment.span == Span(NOW - MINUTE - POLICY.lookback, NOW)


def test_pieces_of_what_has_been_read_before_have_been_read_before() -> None:
    (swept,) = windows.sweep(NOW, {"wallet": NOW - MINUTE}, POLICY)

    assert not any(piece.sweep for piece in windows.pieces(swept, HOUR, NOW))
    assert all(piece.sweep for piece in windows.pieces(swept._replace(sweep=True), HOUR, NOW))


def test_a_sweep_after_an_outage_looks_for_what_became_visible_during_it() -> None:
    (assignment,) = windows.sweep(NOW, {"wallet": NOW - 5 * HOUR}, POLICY)

    assert assignment.span == Span(NOW - 5 * HOUR - POLICY.lookback, NOW)


def test_a_sweep_of_a_clock_that_went_back_asks_for_nothing_backwards() -> None:
    (assignment,) = windows.sweep(NOW, {"wallet": NOW + 5 * HOUR}, POLICY)

    assert assignment.span == Span(NOW - POLICY.lookback, NOW)


def test_the_head_reaches_into_the_future_so_that_a_fast_clock_hides_nothing() -> None:
    (assignment,) = windows.head(NOW, {"wallet": checkpoint()}, POLICY)

    assert assignment.span.end >= NOW + HOUR


def test_a_stride_bounds_what_is_asked_for_at_a_time() -> None:
    (assignment,) = windows.head(NOW, {"wallet": checkpoint(watermark=NOW - HOUR)}, POLICY, stride=10 * MINUTE)

    start = NOW - HOUR - POLICY.overlap
    assert assignment.span == Span(start, start + 10 * MINUTE)


def test_the_first_poll_fills_the_short_windows_first_and_ends_with_the_longest() -> None:
    mark = windows.begin(NOW)
    starts = []
    while assignments := windows.fill(NOW, {"wallet": mark}, POLICY):
        (assignment,) = assignments
        starts.append(NOW - assignment.span.start)
        assert assignment.span.end >= mark.covered_from
        mark = advance(mark, assignment.span, NOW)

    assert starts == [5 * MINUTE, 15 * MINUTE, HOUR]
    assert mark.covered_from == NOW - HOUR


def test_counting_begins_with_a_whole_second() -> None:
    assert windows.begin(T0 + 123_456).counting_since == T0


def test_an_outage_longer_than_max_gap_leaves_a_gap_that_is_named() -> None:
    mark = checkpoint(watermark=T0)
    policy = replace(POLICY, max_gap=HOUR)

    assert windows.resume(mark, T0 + HOUR, policy) == (mark, None)
    resumed, gap = windows.resume(mark, T0 + 3 * HOUR, policy)
    assert gap == Span(T0, T0 + 2 * HOUR)
    assert (resumed.covered_from, resumed.watermark) == (T0 + 2 * HOUR, T0 + 2 * HOUR)


def test_pending_operations_older_than_the_sweep_are_asked_for_by_their_instant() -> None:
    old, young = _entry("old", NOW - HOUR, Outcome.PENDING), _entry("young", NOW - MINUTE, Outcome.PENDING)

    assert windows.follow(NOW, [old, young], POLICY, 0) == (Assignment(Span(NOW - HOUR, NOW - HOUR + 1), ("wallet",)),)


def test_many_old_pending_operations_take_turns() -> None:
    policy = replace(POLICY, follow_spans=3)
    old = [_entry(n, NOW - HOUR - n * MINUTE, Outcome.PENDING) for n in range(8)]

    asked = [a.span.start for turn in range(3) for a in windows.follow(NOW, old, policy, turn)]

    assert len(asked) == 9
    assert set(asked) == {entry.created for entry in old}


def test_pieces_cover_the_span_without_holes() -> None:
    whole = Assignment(Span(T0, NOW + DAY), ("wallet",))

    parts = windows.pieces(whole, 3 * MINUTE, NOW)

    assert [part.span.start for part in parts[1:]] == [part.span.end for part in parts[:-1]]
    assert (parts[0].span.start, parts[-1].span.end) == (T0, NOW + DAY)


def test_a_stride_gets_shorter_and_never_shorter_than_a_second() -> None:
    assert windows.shorter(Span(T0, NOW), NOW, 40_000, 20_000) == (NOW - T0) // 4
    assert windows.shorter(Span(T0, T0 + 2 * SECOND), NOW, 10**9, 20_000) == SECOND


def test_a_window_holds_its_beginning_and_not_its_end() -> None:
    entries = [_entry("in", NOW - 5 * MINUTE), _entry("before", NOW - 5 * MINUTE - 1), _entry("now", NOW)]

    five, fifteen = _windows(entries, (5 * MINUTE, 15 * MINUTE))

    assert sum(five.operations.values()) == 1
    assert sum(fifteen.operations.values()) == 2


@given(
    ages=st.lists(st.tuples(st.integers(-1000, 2 * HOUR), st.integers(0, 10**9), st.sampled_from(list(Outcome)))),
)
def test_every_window_equals_a_plain_recount(ages: list[tuple[int, int, Outcome]]) -> None:
    entries = [_entry(n, NOW - age, outcome, amount) for n, (age, amount, outcome) in enumerate(ages)]

    for tally in _windows(entries, POLICY.windows):
        inside = [entry for entry in entries if NOW - tally.window <= entry.created < NOW]
        for outcome in Outcome:
            mine = [entry for entry in inside if entry.key.outcome is outcome]
            key = (mine or [_entry("", 0, outcome)])[0].key
            assert tally.operations.get(key, 0) == len(mine)
            assert tally.amounts.get((key, "KZT"), 0) == sum(entry.amount for entry in mine)
            assert tally.largest.get((outcome, "KZT")) == max((entry.amount for entry in mine), default=None)


def test_a_window_is_broken_down_by_what_its_entries_have() -> None:
    paid = (("sender_issuer", "A"), ("sender_card_type", "VISA"))
    entries = [
        _entry(1, NOW - MINUTE)._replace(details=paid),
        _entry(2, NOW - MINUTE, Outcome.FAILURE)._replace(details=paid),
        _entry(3, NOW - 6 * MINUTE)._replace(details=paid),
        _entry(4, NOW - MINUTE),
    ]
    five, fifteen = _windows(entries, (5 * MINUTE, 15 * MINUTE))

    assert five.breakdowns == {
        ("sender_issuer", "A", Outcome.SUCCESS, "none"): 1,
        ("sender_card_type", "VISA", Outcome.SUCCESS, "none"): 1,
        ("sender_issuer", "A", Outcome.FAILURE, "none"): 1,
        ("sender_card_type", "VISA", Outcome.FAILURE, "none"): 1,
    }
    assert fifteen.breakdowns["sender_issuer", "A", Outcome.SUCCESS, "none"] == 2


def test_a_head_that_goes_further_back_still_gets_on_in_strides() -> None:
    read = {"wallet": checkpoint(watermark=NOW - HOUR)}
    (whole,) = windows.head(NOW, read, POLICY, further=MINUTE)
    (stride,) = windows.head(NOW, read, POLICY, stride=30 * SECOND, further=MINUTE)

    assert whole.span.start == NOW - HOUR - POLICY.overlap - MINUTE
    assert stride.span == Span(NOW - HOUR - 15 * SECOND, NOW - HOUR + 15 * SECOND)
