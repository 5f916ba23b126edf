"""Which terminals are read together."""

from dataclasses import replace

from exporter.backfill import lanes
from exporter.config import TerminalFilter
from exporter.model import Terminal
from tests.client_bank import ACCOUNT

MANY = replace(ACCOUNT, terminals=tuple(Terminal(str(n), str(n), f"t{n}", "main") for n in range(250)))


def test_a_hundred_terminals_are_asked_for_together() -> None:
    found = list(lanes([ACCOUNT, MANY]))

    assert [len(lane.terminals) for lane in found] == [2, 100, 100, 50]
    assert [lane.name for lane in found] == ["main/wallet", "main/t0", "main/t100", "main/t200"]


def test_one_pass_finds_all_where_the_bank_does_not_filter() -> None:
    found = list(lanes([replace(MANY, terminal_filter=TerminalFilter.CLIENT)]))

    assert [len(lane.terminals) for lane in found] == [250]
