"""Static shards: every terminal in exactly one, the same in every version."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import Account, Secret
from exporter.model import Terminal
from exporter.sharding import EVERYTHING, Shard
from exporter.sharing import shares

_SECRET = Secret("accounts[0].password", "x")


def _account(name: str, *terminals: str) -> Account:
    listed = tuple(Terminal(each, each, each, name) for each in terminals)
    return Account(name, "http://bank/t", "http://bank/o", _SECRET, _SECRET, _SECRET, _SECRET, listed)


@given(st.text(), st.integers(1, 50))
def test_every_terminal_is_in_exactly_one_shard(name: str, total: int) -> None:
    assert [Shard(ordinal, total).holds(name) for ordinal in range(total)].count(True) == 1


@pytest.mark.parametrize(("name", "ordinal"), [("wallet", 2), ("shop", 0), ("t1552", 0), ("әмиян", 1)])
def test_a_name_is_in_the_same_shard_for_ever(name: str, ordinal: int) -> None:
    assert Shard(ordinal, 3).holds(name)


def test_shards_are_of_about_the_same_size() -> None:
    names = [f"terminal-{number}" for number in range(3000)]
    sizes = [sum(map(Shard(ordinal, 3).holds, names)) for ordinal in range(3)]
    assert sum(sizes) == 3000
    assert all(900 < size < 1100 for size in sizes)


def test_accounts_without_a_terminal_in_the_shard_are_left_out() -> None:
    wallet, split = _account("a", "wallet"), _account("b", "wallet2", "t1552", "shop")
    kept = {ordinal: Shard(ordinal, 3).of([wallet, split]) for ordinal in range(3)}

    assert [account.name for ordinal in kept for account in kept[ordinal]].count("a") == 1
    terminals = [each.name for accounts in kept.values() for account in accounts for each in account.terminals]
    assert sorted(terminals) == ["shop", "t1552", "wallet", "wallet2"]


def test_one_shard_of_one_is_everything() -> None:
    account = _account("a", "wallet", "shop")
    assert Shard().of([account]) == (replace(account),)


def test_without_shards_the_shares_of_replicas_stay_as_they_were_cut() -> None:
    parts = shares([_account("main", *(f"t{number}" for number in range(250)))])

    assert [part.parts for part in parts] == [3, 3, 3]
    assert EVERYTHING.of(parts) == parts


def test_a_shard_of_a_part_divides_the_rate_of_the_part() -> None:
    (part,) = Shard(0, 2).of([replace(_account("main", *(f"t{number}" for number in range(50))), parts=3)])

    assert part.parts == 6
