"""What each scenario of the simulator leads to at a webhook, through real Prometheus and Alertmanager.

One cause, one page: the alert that tells the cause is sent once, what follows from it is silent, and the page is
resolved after the cause is gone. All scenes pass at the same time, so that each also proves what it does to the others:
nothing. Times are a thirtieth of the shipped ones.
"""

import contextlib
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.end_to_end.pages.servers import asked
from tests.end_to_end.pages.stack import FACTOR, RULES, Scene, Stack, loaded, stack
from tests.processes import eventually

log = logging.getLogger(__name__)

CALM = 50.0
"""Seconds before anything goes wrong: the first login must be longer ago than logins are looked back at (10m)."""


class Case(NamedTuple):
    """A scene, the one page that it leads to, and what that makes silent. `place`: the page's terminal, or nothing."""

    scene: Scene
    page: str
    place: str
    silent: frozenset[str] = frozenset()
    after: float = 90  # seconds after the scene's end, in which the page is resolved


def case(
    scenario: str,
    page: str,
    *silent: str,
    traffic: float = 1.0,
    calm: float = CALM,
    lasts: float = 60,
    baseline: bool = False,
    place: str | None = None,
    terminals: int = 1,
    after: float = 90,
    **variants: str,
) -> Case:
    named = {name.replace("_", "-"): value for name, value in variants.items()}
    scene = Scene(scenario, traffic, calm, lasts, terminals, baseline, named)
    return Case(scene, page, scenario if place is None else place, frozenset(silent), after)


CASES = (
    case("total-outage", "EpayTerminalSilent", "EpayVolumeDrop", traffic=2, lasts=80, baseline=True),
    case("drop-by-half", "EpayVolumeDrop", traffic=7, lasts=90, baseline=True),
    # The hour has forgotten a spike most of an hour after its end.
    case("spike", "EpayVolumeSpike", traffic=4, lasts=75, baseline=True, after=150),
    # The budget's hour must be calm before, as it is in earnest, or it burns before the ratio is high.
    case("technical-failures", "EpayFailureRatioHigh", "EpayErrorBudgetBurn", traffic=3, calm=120, lasts=70),
    case("issuer-outage", "EpayIssuerOutage", "EpayResultCodeSurge", traffic=6, lasts=75),
    # What is stuck ends up to 170 seconds after the scenario, which nothing makes shorter: so it begins early.
    case("stuck-pending", "EpayStuckPending", "EpayStuckPending", traffic=0.7, calm=10, lasts=55, after=200),
    case("bank-down", "EpayPollFailing", lasts=45),
    # Refused logins are asked again after 2, 4, 8 and 16 seconds, which nothing makes shorter.
    case("login-refused", "EpayLoginFailing", "EpayPollFailing", lasts=26, place=""),
    case("slow-bank", "EpayPollFailing", lasts=45, slow_seconds="4"),
)
CALM_SCENES = (
    Scene("normal-day", 2, CALM, 60, baseline=True),
    Scene("new-code", 2, CALM, 45),
)
EVERYWHERE = case(
    "total-outage", "EpayVolumeDropAll", "EpayVolumeDrop", traffic=3, lasts=70, baseline=True, terminals=2, place=""
)

Stacks = tuple[Stack, Stack]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    """Many scenes at one exporter, and beside it an outage of all its terminals at another."""
    directory = tmp_path_factory.mktemp("pages")
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):  # a minute is two seconds here: what else runs should not take them
        os.setpriority(os.PRIO_PROCESS, 0, usual - 10)
    for name in ("many", "everywhere"):
        (directory / name).mkdir()
    with (
        stack(directory / "everywhere", [EVERYWHERE.scene]) as everywhere,
        stack(directory / "many", [*(each.scene for each in CASES), *CALM_SCENES]) as many,
    ):
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, usual)
        yield many, everywhere


def awaited(running: Stack, scene: Scene, look: Callable[[], object], seconds: float) -> None:
    """Wait until something is so, at most until so long after the scene's disturbance began."""
    left = running.began[scene.scenario] + scene.delay + seconds - time.monotonic()
    try:
        eventually(look, max(left, 1))
    except AssertionError as error:
        raise AssertionError(f"{scene.scenario}: not within {seconds} s\n{running.told()}") from error


def paged_once(running: Stack, each: Case) -> None:
    """The page comes, its children are silent, it is resolved after the scene's end, and there was no other."""
    begin = running.began[each.scene.scenario] + each.scene.delay
    awaited(running, each.scene, lambda: running.pages(each.place), each.scene.duration + 10)
    log.info("%s: %s after %.1f s", each.scene.scenario, each.page, running.pages(each.place)[0].at - begin)
    awaited(running, each.scene, lambda: running.pages(each.place, status="resolved"), each.scene.duration + each.after)

    pages = [page for place in {each.place, *each.scene.names} for page in running.pages(place)]
    assert [page.firing for page in pages] == [{each.page}], running.told()
    assert pages[0].at > begin, running.told()
    (over,) = running.pages(each.place, status="resolved")
    assert each.page in over.resolved
    assert over.at > begin + each.scene.duration
    silenced = set().union(*(running.silenced[name] for name in each.scene.names))
    assert each.silent <= silenced, running.told()


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.scene.scenario)
def test_a_scenario_leads_to_its_page_once_and_to_its_resolution(stacks: Stacks, each: Case) -> None:
    paged_once(stacks[0], each)


def test_an_outage_of_all_terminals_is_one_page(stacks: Stacks) -> None:
    paged_once(stacks[1], EVERYWHERE)
    assert all("EpayVolumeDrop" in stacks[1].silenced[name] for name in EVERYWHERE.scene.names)


def test_a_new_code_is_said_in_the_chat_and_wakes_nobody(stacks: Stacks) -> None:
    running, scene = stacks[0], CALM_SCENES[1]

    def chat() -> list[frozenset[str]]:
        return [each.firing for each in running.heard.messages("chat", "firing") if each.terminal == scene.scenario]

    awaited(running, scene, chat, scene.duration + 10)
    assert "EpayNewResultCode" in chat()[0]
    assert running.pages(scene.scenario) == []


def test_a_normal_day_leads_to_nothing_at_all(stacks: Stacks) -> None:
    heard = [each for each in stacks[0].heard.messages() if each.terminal == "normal-day"]
    assert heard == [], stacks[0].told()


def test_nothing_else_was_paged_by_any_scene(stacks: Stacks) -> None:
    for running, cases in zip(stacks, (CASES, (EVERYWHERE,)), strict=True):
        paged = sorted((page.terminal, *sorted(page.firing)) for page in running.heard.messages("pager", "firing"))
        assert paged == sorted((each.place, each.page) for each in cases), running.told()


def test_the_dead_mans_switch_was_fed_all_the_time(stacks: Stacks) -> None:
    for running in stacks:
        fed = [each.at for each in running.heard.messages("dead-mans-switch")]
        assert len(fed) > 20
        assert max(later - earlier for earlier, later in itertools.pairwise(fed)) < 10


def test_what_prometheus_evaluated_are_all_shipped_rules(stacks: Stacks) -> None:
    shipped = [rule for path in RULES for group in loaded(path)["groups"] for rule in group["rules"]]
    groups = asked(f"{stacks[0].prometheus}/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert sorted(rule["name"] for rule in rules) == sorted(rule.get("alert") or rule["record"] for rule in shipped)
    assert [rule for rule in rules if rule["health"] != "ok"] == []
    held = sum(rule["duration"] * FACTOR for rule in rules if rule["type"] == "alerting")
    minutes = {"m": 60, "h": 3600}
    assert held == sum(int(rule["for"][:-1]) * minutes[rule["for"][-1]] for rule in shipped if "for" in rule)


def test_an_exporter_that_ends_is_one_page_and_nothing_of_its_terminals_follows(stacks: Stacks) -> None:
    """Last of all, at the exporter whose outage is over."""
    running = stacks[1]
    before = len(running.heard.messages("pager", "firing"))

    def now() -> float:
        return float(running.value("time()")[1])

    assert running.exporter.stop() == 0
    ended = now()
    # Longer than any alert on polls or on stale data takes.
    eventually(lambda: now() > ended + 12 * 60 / FACTOR, 60)

    pages = running.heard.messages("pager", "firing")[before:]
    assert [(page.terminal, page.firing) for page in pages] == [("", frozenset({"EpayExporterDown"}))], running.told()
