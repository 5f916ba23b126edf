"""Who takes and hands over what: decided by each replica for itself, and yet the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import windows
from exporter.config import Account, Secret, TerminalFilter
from exporter.model import DAY, HOUR, MINUTE, SECOND, Checkpoint, Policy, Terminal
from exporter.sharing import MOST, Plan, Situation, cut_of, plan, shares

_SECRET = Secret("accounts[0].password", "x")
ALL = frozenset({"a", "b", "c", "d"})
POLICY = Policy(15 * SECOND, 15 * MINUTE, DAY, DAY, (5 * MINUTE, 15 * MINUTE, HOUR))


def _account(terminals: int, name: str = "main") -> Account:
    listed = tuple(Terminal(str(each), str(each), f"{name}{each}", name) for each in range(terminals))
    return Account(name, "http://bank/t", "http://bank/o", _SECRET, _SECRET, _SECRET, _SECRET, listed)


def test_an_account_that_fits_into_a_request_is_one_share() -> None:
    assert shares([_account(MOST)]) == (_account(MOST),)


def test_a_larger_account_is_cut_into_as_many_shares_as_a_poll_has_requests() -> None:
    parts = shares([_account(2 * MOST + 1)])

    assert [(part.name, len(part.terminals), part.parts) for part in parts] == [
        ("main/1", MOST, 3),
        ("main/2", MOST, 3),
        ("main/3", 1, 3),
    ]
    assert all(terminal.account == part.name for part in parts for terminal in part.terminals)
    assert [terminal.name for part in parts for terminal in part.terminals] == [
        terminal.name for terminal in _account(2 * MOST + 1).terminals
    ]


@pytest.mark.parametrize("terminals", [1, MOST, MOST + 1, 230, 1000])
def test_a_poll_and_a_sweep_ask_as_often_in_shares_as_for_the_whole(terminals: int) -> None:
    """However many replicas there are: each share is read by one of them."""
    now, mark = 10 * DAY, Checkpoint(9 * DAY, 10 * DAY - MINUTE, 9 * DAY)

    def questions(account: Account) -> int:
        names = [terminal.name for terminal in account.terminals]
        heads = windows.head(now, dict.fromkeys(names, mark), POLICY)
        return len(heads) + len(windows.sweep(now, dict.fromkeys(names, mark.watermark), POLICY))

    whole = _account(terminals)
    assert sum(map(questions, shares([whole]))) == questions(whole) == 2 * -(-terminals // MOST)


def test_an_account_whose_terminals_are_listed_together_is_not_cut() -> None:
    whole = replace(_account(3 * MOST), terminal_filter=TerminalFilter.CLIENT)
    assert shares([whole]) == (whole,)


def test_the_only_replica_takes_everything() -> None:
    assert plan("x", Situation({"x": ALL}, {})) == Plan(("a", "b", "c", "d"))


def test_free_shares_are_divided_without_a_word() -> None:
    situation = Situation({"x": ALL, "y": ALL}, {})
    assert (plan("x", situation).take, plan("y", situation).take) == (("a", "c"), ("b", "d"))


def test_a_newcomer_is_given_its_part() -> None:
    situation = Situation({"x": ALL, "y": ALL}, dict.fromkeys(ALL, "x"))
    assert plan("x", situation) == Plan(release=("a", "b"))
    assert plan("y", situation) == Plan()


def test_one_more_than_another_is_even_enough() -> None:
    situation = Situation({"x": ALL, "y": ALL}, {"a": "x", "b": "x", "c": "y"})
    assert plan("x", situation) == Plan()
    assert plan("y", situation) == Plan(take=("d",))


def test_what_others_do_not_know_is_not_handed_over_to_them() -> None:
    situation = Situation({"x": ALL, "y": frozenset({"e"})}, dict.fromkeys(ALL, "x"))
    assert plan("x", situation) == Plan()
    assert plan("y", situation) == Plan(take=("e",))


def test_a_share_of_a_dead_replica_stays_its_own_until_its_lease_ends() -> None:
    assert plan("x", Situation({"x": ALL}, {"a": "dead"})).take == ("b", "c", "d")


def test_what_nobody_takes_for_long_is_taken_by_whoever_sees_it() -> None:
    situation = Situation({"x": ALL, "y": ALL}, {}, overdue=frozenset({"b"}))
    assert plan("x", situation).take == ("a", "b", "c")


OLD, NEW = dict.fromkeys(ALL, "old"), {**dict.fromkeys(ALL, "old"), "b": "new", "c": "new"}
"""Of a and d both configurations have the same terminals."""


def test_what_two_configurations_cut_differently_is_not_handed_over_to_the_other_side() -> None:
    situation = Situation({"x": ALL, "y": ALL}, dict.fromkeys(ALL, "x"), cuts={"x": OLD, "y": NEW})
    assert plan("x", situation) == Plan(release=("a", "d"))


def test_what_becomes_free_goes_to_the_side_that_reads_the_others_however_much_it_has() -> None:
    owners = {"a": "x", "b": "x", "d": "x"}
    situation = Situation({"x": ALL, "y": ALL}, owners, cuts={"x": OLD, "y": NEW})
    assert plan("x", situation).take == ("c",)
    assert plan("y", situation).take == ()


def test_when_none_of_the_other_side_is_left_the_new_one_takes_everything() -> None:
    situation = Situation({"y": ALL, "z": ALL}, {"a": "y"}, cuts={"y": NEW, "z": NEW})
    assert set(plan("y", situation).take + plan("z", situation).take) == {"b", "c", "d"}


def test_where_nobody_reads_what_is_cut_differently_one_side_takes_all_of_it() -> None:
    situation = Situation({"x": ALL, "y": ALL}, {}, cuts={"x": OLD, "y": NEW})
    taken = {replica: set(plan(replica, situation).take) & {"b", "c"} for replica in "xy"}
    assert sorted(map(len, taken.values())) == [0, 2]


def test_a_replica_that_does_not_say_how_it_cuts_is_of_no_other_side() -> None:
    situation = Situation({"x": ALL, "y": ALL}, dict.fromkeys(ALL, "x"), cuts={"y": NEW})
    assert plan("x", situation) == Plan(release=("a", "b"))


def test_a_cut_is_of_the_terminals_and_not_of_their_order() -> None:
    one, other = _account(3), _account(4)
    assert cut_of(one) == cut_of(replace(one, terminals=one.terminals[::-1]))
    assert cut_of(one) != cut_of(other)


_REPLICAS = st.dictionaries(
    st.sampled_from("xyzw"), st.frozensets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=4
)


@given(_REPLICAS, st.data(), st.booleans())
def test_plans_of_all_replicas_fit_together_and_come_to_rest(
    knows: dict[str, frozenset[str]], data: st.DataObject, rolling: bool
) -> None:
    everything = sorted(frozenset().union(*knows.values()))
    owners = {
        share: data.draw(st.sampled_from([replica for replica in sorted(knows) if share in knows[replica]]))
        for share in data.draw(st.sets(st.sampled_from(everything)))
    }
    cuts = {
        replica: {share: data.draw(st.sampled_from("12")) if rolling else "" for share in sorted(shares)}
        for replica, shares in sorted(knows.items())
    }
    for _ in range(40):
        plans = {replica: plan(replica, Situation(knows, owners, cuts=cuts)) for replica in knows}
        taken = [share for each in plans.values() for share in each.take]
        assert len(taken) == len(set(taken))
        assert all(owners[share] == replica for replica, each in plans.items() for share in each.release)
        if not any(each.take or each.release for each in plans.values()):
            break
        owners = {share: owner for share, owner in owners.items() if share not in plans[owner].release} | {
            share: replica for replica, each in plans.items() for share in each.take
        }
    else:
        raise AssertionError("it never came to rest")
    assert sorted(owners) == everything
    disputed, _ = Situation(knows, owners, cuts=cuts).sides()
    for share, owner in owners.items():
        if share in disputed:
            continue
        able = [replica for replica in knows if share in knows[replica]]
        load = {replica: list(owners.values()).count(replica) for replica in able}
        assert load[owner] - min(load.values()) < 2


def test_while_one_reads_what_others_do_not_know_the_others_take_nothing_that_they_cut_differently() -> None:
    """An update from three shares to two: who has only the third left reads by the old configuration all the same."""
    situation = Situation(
        knows={"new": frozenset({"main/1", "main/2"}), "old": frozenset({"main/1", "main/2", "main/3"})},
        owners={"main/3": "old"},
        cuts={"new": {"main/1": "a", "main/2": "b"}, "old": {"main/1": "c", "main/2": "d", "main/3": "e"}},
    )

    assert plan("new", situation).take == ()
    assert plan("old", situation).take == ("main/1", "main/2")
