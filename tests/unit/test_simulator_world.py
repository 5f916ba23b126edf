"""The simulated world: seeded, without memory, and true to its scenarios."""

from collections import Counter
from functools import cache
from random import Random

import pytest

from exporter.simulator.records import record
from exporter.simulator.scenario import SCENARIOS, TROUBLED_ISSUER
from exporter.simulator.search import Search
from exporter.simulator.selection import Selection
from exporter.simulator.settings import Settings
from exporter.simulator.truth import truth, visible
from exporter.simulator.world import (
    DAY,
    HOUR,
    LATEST,
    SECOND,
    TERMINALS,
    Operation,
    World,
    day_shape,
    poisson_quantile,
    terminal,
)

MINUTE = 60 * SECOND
# Wednesday 2025-06-11 15:00 in Kazakhstan.
START = 1_749_636_000 * SECOND
EVERYWHERE = tuple(range(len(TERMINALS)))
BY_TIME = (("created_at", False), ("id", False))


def a_world(**changes: object) -> World:
    return World(Settings(**changes), START)  # type: ignore[arg-type] # each test names real fields


def all_of(world: World, begin: int, end: int, now: int = START + 30 * DAY) -> list[Operation]:
    return list(visible(world, begin, end, now))


def test_the_same_seed_gives_the_same_world_in_whatever_order_it_is_asked() -> None:
    one, other = a_world(), a_world()
    late, early = all_of(one, START, START + HOUR), all_of(one, START - DAY, START - DAY + HOUR)
    assert all_of(other, START - DAY, START - DAY + HOUR) == early
    assert all_of(other, START, START + HOUR) == late
    assert truth(one, START, START + HOUR, START + HOUR) == truth(other, START, START + HOUR, START + HOUR)


def test_another_seed_gives_another_world() -> None:
    assert {o.id for o in all_of(a_world(seed=2), START, START + HOUR)}.isdisjoint(
        o.id for o in all_of(a_world(), START, START + HOUR)
    )


def test_a_world_does_not_depend_on_when_the_simulator_came_up() -> None:
    later = World(Settings(), START + 7 * MINUTE + 1)
    assert all_of(later, START, START + HOUR) == all_of(a_world(), START, START + HOUR)


def test_ids_are_unique_and_operations_stand_in_order_of_time_and_id() -> None:
    found = all_of(a_world(), START - DAY, START)
    assert len({operation.id for operation in found}) == len(found) > 10_000
    assert found == sorted(found)
    assert all(START - DAY <= operation.created < START for operation in found)


def test_counting_and_listing_agree_wherever_a_span_is_cut() -> None:
    world, now = a_world(), START + 20 * MINUTE
    everything = [o for o in all_of(world, START - 3 * HOUR, START + HOUR) if o.visible_at <= now]
    random = Random(1)
    for _ in range(60):
        begin = START - random.randrange(3 * HOUR)
        end = begin + random.randrange(1, 4 * HOUR)
        terminals = tuple(sorted(random.sample(EVERYWHERE, random.randrange(1, 7))))
        expected = [o for o in everything if begin <= o.created < end and o.terminal in terminals]
        skip = random.randrange(len(expected) + 2)
        search = Search(begin, end, terminals, (), BY_TIME, skip, 37)
        selection = Selection(world, search, now)
        assert selection.total == len(expected)
        assert selection.page(random) == expected[skip : skip + 37]


def test_order_may_run_backwards_or_by_another_field() -> None:
    world, now = a_world(), START + DAY
    operations = all_of(world, START, START + HOUR, now)
    for order, expected in (
        ((("created_at", True), ("id", True)), operations[::-1]),
        ((("created_at", False), ("id", True)), operations),  # no two share a microsecond in this hour
        ((("amount", True),), sorted(operations, key=lambda o: o.amount_minor, reverse=True)),
        ((("id", False),), sorted(operations, key=lambda o: o.id)),
        ((("terminal_id", False), ("created_at", True)), sorted(operations, key=lambda o: (o.terminal, -o.created))),
    ):
        search = Search(START, START + HOUR, EVERYWHERE, (), order, 10, 25)
        assert Selection(world, search, now).page(Random(1)) == expected[10:35]


def test_a_thousand_terminals_make_a_hundred_operations_a_second_at_the_peak() -> None:
    found = all_of(a_world(terminals=1000, local_hour=18), START, START + MINUTE)

    assert 90 * 60 < len(found) < 110 * 60
    assert len({operation.terminal for operation in found}) > 950
    assert len({terminal(index).number for index in range(1000)}) == 1000


def test_more_terminals_change_nothing_of_the_known_ones() -> None:
    crowd = all_of(a_world(terminals=50), START, START + HOUR)

    assert [each for each in crowd if each.terminal < len(TERMINALS)] == all_of(a_world(), START, START + HOUR)


def test_the_truth_names_every_terminal() -> None:
    told = truth(a_world(terminals=50), START, START + HOUR, START + HOUR)

    assert set(told["pending"]) == set(told["duplicates"]) == {terminal(index).number for index in range(50)}
    assert len({row["terminal"] for row in told["rows"]}) > len(TERMINALS)


def test_five_weeks_are_counted_without_being_made() -> None:
    world = a_world()
    search = Search(START - 35 * DAY, START, EVERYWHERE, (), BY_TIME, 1_000_000, 10)
    selection = Selection(world, search, START)
    assert selection.total > 1_500_000
    page = selection.page(Random(1))
    assert page == sorted(page)
    assert len(page) == 10
    assert world._made_count < 1000


def test_what_was_made_is_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.simulator.world._CACHED_OPERATIONS", 500)
    world = a_world()
    first = all_of(world, START, START + HOUR)
    assert world._made_count <= 500
    assert sum(len(made) for made in world._made.values()) == world._made_count
    assert all_of(world, START, START + HOUR) == first


def test_nothing_exists_before_the_archive_begins_or_in_the_future() -> None:
    world = a_world(history_days=2)
    found = all_of(world, 0, START + 30 * DAY, now=START)
    assert START - 2 * DAY <= found[0].created < START - 2 * DAY + MINUTE
    assert found[-1].created < START


def test_traffic_follows_the_hour_and_the_day_of_the_week() -> None:
    wednesday_15, wednesday_4 = START, START - 11 * HOUR
    assert day_shape(wednesday_15) > 8 * day_shape(wednesday_4)
    assert day_shape(START + 4 * DAY) < 0.9 * day_shape(START)  # a Sunday
    assert day_shape(START + 7 * DAY) == day_shape(START)
    world = a_world()
    afternoon = len(all_of(world, START, START + HOUR))
    night = len(all_of(world, START - 11 * HOUR, START - 10 * HOUR))
    assert afternoon > 8 * night


def test_terminals_differ_in_size_from_an_operation_a_second_to_a_handful_a_day() -> None:
    counts = Counter(operation.terminal for operation in all_of(a_world(), START - 3 * DAY, START))
    sizes = [counts[terminal] / 3 for terminal in EVERYWHERE]
    assert TERMINALS[0].number == "98151552"
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 30_000
    assert 1 <= sizes[-1] <= 15


def test_speed_makes_traffic_denser_and_the_day_shorter_but_stamps_real_time() -> None:
    slow, fast = a_world(), a_world(speed=10.0)
    usual = len(all_of(slow, START, START + 6 * MINUTE))
    dense = len(all_of(fast, START, START + 6 * MINUTE))
    assert 8.5 * usual < dense < 11.5 * usual
    assert fast.world_time(START + HOUR) == START + 10 * HOUR
    # Ten hours of the world after 15:00 it is night.
    assert len(all_of(fast, START + HOUR, START + HOUR + 6 * MINUTE)) < dense / 5


def test_the_world_can_start_at_another_hour() -> None:
    world = a_world(local_hour=4)
    assert len(all_of(world, START, START + HOUR)) < len(all_of(a_world(), START, START + HOUR)) / 8


def test_some_operations_are_listed_late_and_all_within_the_promised_time() -> None:
    found = all_of(a_world(), START - DAY, START)
    delays = [(operation.visible_at - operation.created) / SECOND for operation in found]
    assert min(delays) > 0
    assert max(delays) * SECOND < LATEST
    assert 0.01 < sum(delay > 5 for delay in delays) / len(delays) < 0.03
    assert any(delay > 120 for delay in delays)


def test_a_late_operation_is_not_seen_before_its_time() -> None:
    world = a_world(late_share=1.0)
    found = all_of(world, START, START + MINUTE)
    one = max(found, key=lambda operation: operation.visible_at)
    assert one not in all_of(world, START, START + MINUTE, now=one.visible_at - 1)
    assert one in all_of(world, START, START + MINUTE, now=one.visible_at)


def test_a_share_starts_pending_and_ends_soon() -> None:
    found = all_of(a_world(), START - DAY, START)
    pending = [operation for operation in found if operation.final_at > operation.created]
    assert 0.07 < len(pending) / len(found) < 0.09
    assert max(operation.final_at - operation.created for operation in pending) < 3 * MINUTE
    one = pending[0]
    assert one.verdict_at(one.final_at - 1).outcome == "pending"
    assert one.verdict_at(one.final_at).outcome != "pending"


def test_a_success_may_be_reversed_when_asked_for() -> None:
    found = all_of(a_world(reversal_share=0.5), START, START + HOUR)
    reversed_ones = [operation for operation in found if operation.reversed_at]
    assert 0.35 < len(reversed_ones) / len(found) < 0.55
    one = reversed_ones[0]
    assert one.verdict_at(one.reversed_at - 1).outcome == "success"
    assert one.verdict_at(one.reversed_at).status == "refund"
    assert not any(operation.reversed_at for operation in all_of(a_world(), START, START + HOUR))


def test_money_is_positive_mostly_tenge_and_sometimes_broken() -> None:
    found = all_of(a_world(), START - DAY, START)
    assert all(operation.amount_minor > 0 for operation in found)
    currencies = Counter(operation.currency for operation in found)
    assert 0.02 < currencies["USD"] / len(found) < 0.04
    assert currencies.keys() == {"KZT", "USD"}
    assert 0.05 < sum(operation.amount_minor % 100 > 0 for operation in found) / len(found) < 0.15


def test_a_mixed_record_writes_the_very_moment_that_the_truth_knows() -> None:
    settings = Settings(date_times="mixed")
    world = World(settings, START)
    offsets, digits = Counter[str](), Counter[int]()
    for operation in all_of(world, START, START + HOUR):
        text = record(operation, START + HOUR, settings)["dateTime"]
        offsets[text[-6:]] += 1
        fraction = text[19:-6].removeprefix(".")
        digits[len(fraction)] += 1
        assert operation.created % SECOND == int(fraction[:6].ljust(6, "0"))
    assert offsets.keys() == {"+05:00", "+06:00"}
    assert digits.keys() == set(range(8))


def test_a_record_has_every_documented_field() -> None:
    operation = all_of(a_world(), START, START + HOUR)[0]
    shown = record(operation, START + DAY, Settings())
    assert len(shown) == 33
    assert shown["email"].endswith("@example.com")
    assert shown["phone"].startswith("+7000")
    assert shown["dateTime"].endswith("+05:00")
    assert record(operation, START + DAY, Settings(reason_codes="text"))["reasonCode"] == str(shown["reasonCode"])


@pytest.mark.parametrize(
    ("share", "mean", "expected"), [(0.5, 0.0, 0), (0.5, 4.0, 4), (0.999, 4.0, 11), (0.5, 100.0, 100)]
)
def test_poisson_quantiles(share: float, mean: float, expected: int) -> None:
    assert poisson_quantile(share, mean) == expected


# Scenarios: each is compared with a normal day, before, during and after.
BEGIN, END = START + 2 * MINUTE, START + 32 * MINUTE
DURING = (BEGIN + 10 * SECOND, END - 10 * SECOND)
MUCH = 5.0


@cache
def counts(scenario: str, span: tuple[int, int], now: int = START + DAY) -> Counter[str]:
    """Operations by what a scenario may change."""
    found = all_of(a_world(scenario=scenario, traffic=MUCH), *span, now=now)
    result = Counter({"all": len(found)})
    for operation in found:
        verdict = operation.verdict_at(now)
        result[verdict.outcome] += 1
        if verdict.outcome == "failure":
            result[f"code {verdict.reason_code}"] += 1
            result[f"issuer {operation.issuer}"] += 1
        result[f"sender {operation.issuer}"] += 1
    return result


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_outside_its_phase_a_scenario_is_a_normal_day(scenario: str) -> None:
    world, normal = a_world(scenario=scenario), a_world()
    for span in ((START - HOUR, BEGIN - 10 * SECOND), (END + 10 * SECOND, END + 20 * MINUTE)):
        assert all_of(world, *span) == all_of(normal, *span)


@pytest.mark.parametrize(("scenario", "factor"), [("total-outage", 0.0), ("drop-by-half", 0.5), ("spike", 3.0)])
def test_volume_scenarios_change_the_number_of_operations(scenario: str, factor: float) -> None:
    ratio = counts(scenario, DURING)["all"] / counts("normal-day", DURING)["all"]
    assert ratio == pytest.approx(factor, abs=0.05 * factor)


def test_technical_failures_hit_four_of_ten() -> None:
    found = counts("technical-failures", DURING)
    assert (found["code 496"] + found["code 461"] + found["code 502"]) / found["all"] == pytest.approx(0.4, abs=0.02)


def test_a_new_code_is_nowhere_but_in_its_scenario() -> None:
    found = counts("new-code", DURING)
    assert found["code 711"] / found["all"] == pytest.approx(0.16, abs=0.02)
    assert counts("normal-day", DURING)["code 711"] == 0


def test_an_issuer_outage_hits_one_issuer() -> None:
    found, usual = counts("issuer-outage", DURING), counts("normal-day", DURING)
    assert found[f"issuer {TROUBLED_ISSUER}"] > 0.9 * found[f"sender {TROUBLED_ISSUER}"]
    assert found["issuer Steppe Bank"] == usual["issuer Steppe Bank"]


def test_stuck_operations_stay_pending_until_the_scenario_ends() -> None:
    span = (BEGIN + 10 * SECOND, BEGIN + 10 * MINUTE)
    found = counts("stuck-pending", span, now=END - 1)
    assert found["pending"] / found["all"] == pytest.approx(0.3, abs=0.02)
    assert counts("stuck-pending", span, now=END + 3 * MINUTE)["pending"] == 0
    assert counts("normal-day", span, now=END - 1)["pending"] == 0


def test_a_scenario_can_be_kept_to_some_terminals() -> None:
    world = a_world(scenario="total-outage", scenario_terminals=("98151552",))
    found = Counter(operation.terminal for operation in all_of(world, *DURING))
    assert found[0] == 0
    assert found[1] > 100


def test_a_scenario_passes_as_fast_as_the_world() -> None:
    world = a_world(scenario="total-outage", speed=10.0)
    assert (world.timeline.begin, world.timeline.end) == (START + 12 * SECOND, START + 192 * SECOND)
    assert not all_of(world, START + 13 * SECOND, START + 191 * SECOND)


def test_truth_sums_what_is_visible_now() -> None:
    world, now = a_world(), START + HOUR
    told = truth(world, START, START + HOUR, now)
    found = all_of(world, START, START + HOUR, now=now)
    assert told["now"] == now
    assert sum(row["operations"] for row in told["rows"]) == len(found)
    assert sum(row["amount_minor"] for row in told["rows"]) == sum(operation.amount_minor for operation in found)
    pending = sum(row["operations"] for row in told["rows"] if row["outcome"] == "pending")
    assert pending == sum(told["pending"].values()) > 0
    failed = {row["reason_code"] for row in told["rows"] if row["outcome"] == "failure"}
    assert {"484", "466", "455"} <= failed
    assert {(row["status"], row["code"]) for row in told["rows"] if row["outcome"] == "success"} == {("ok", "00")}


def test_transfers_that_are_sent_twice_are_added_to_a_world_that_is_otherwise_the_same() -> None:
    plain, doubled = a_world(), a_world(duplicate_share=0.1)
    single, all_ = all_of(plain, START, START + HOUR), all_of(doubled, START, START + HOUR)
    added = set(all_) - set(single)
    originals = {(o.terminal, o.entropy): o for o in single}

    assert set(single) < set(all_)
    assert 0.05 * len(single) < len(added) < 0.15 * len(single)
    for again in added:
        first = originals[again.terminal, again.entropy]
        assert again.id != first.id
        assert 0 <= again.created - first.created < MINUTE
        assert again.visible_at < again.created + LATEST
    assert any(again.visible_at < originals[again.terminal, again.entropy].visible_at for again in added)


def test_the_truth_knows_what_repeats_a_transfer_of_the_minute_before() -> None:
    world, now = a_world(duplicate_share=0.2), START + DAY
    added = len(all_of(world, START, START + HOUR)) - len(all_of(a_world(), START, START + HOUR))

    assert sum(truth(world, START, START + HOUR, now)["duplicates"].values()) == added
    halves = [truth(world, START + half, START + half + HOUR // 2, now) for half in (0, HOUR // 2)]
    assert sum(sum(half["duplicates"].values()) for half in halves) == added
    assert set(truth(a_world(), START, START + HOUR, now)["duplicates"].values()) == {0}


def test_a_world_with_doubles_counts_what_it_lists_and_shows_as_many_digits_as_it_has() -> None:
    world, now = a_world(duplicate_share=0.3, date_times="mixed"), START + DAY
    found = all_of(world, START - HOUR, START, now)
    search = Search(START - HOUR, START, EVERYWHERE, (), BY_TIME, 0, 1)

    assert Selection(world, search, now).total == len(found)
    assert all(o.created % 10 ** (6 - min(o.entropy % 8, 6)) == 0 for o in found)


def test_the_truth_is_broken_down_by_what_the_records_show() -> None:
    world, now = a_world(scenario="issuer-outage", scenario_delay=0.0), START + 10 * MINUTE
    known = truth(world, START, now, now)
    shown = Counter(record(o, now, Settings())["senderIssuer"] for o in all_of(world, START, now, now))
    failed = Counter[str]()
    for row in known["breakdowns"]:
        if row["dimension"] == "senderIssuer":
            shown[row["value"]] -= row["operations"]
            failed[row["value"]] += row["operations"] * (row["reason_code"] == "494")

    assert set(shown.values()) == {0}
    assert failed.most_common(1)[0][0] == TROUBLED_ISSUER
    assert {row["dimension"] for row in known["breakdowns"]} == {
        "senderIssuer",
        "receiverIssuer",
        "senderCardType",
        "receiverCardType",
    }
