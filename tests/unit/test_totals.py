"""Totals by owner: who holds them is not disturbed, and sees by identity what has changed."""

from exporter.model import Family, GrowingTotals, Owner, Total, Totals

WALLET = Total(Family.GAP, ("wallet",))
SHOP = Total(Family.GAP, ("shop",))
RECORDS = Total(Family.RECORDS, ("wallet", "new"))
"""Of an account that is called like the terminal."""


def test_totals_are_a_mapping_over_all_owners() -> None:
    flat = {WALLET: 1, SHOP: 2, RECORDS: 3}
    assert Totals(flat) == flat
    assert len(Totals(flat)) == 3
    assert Totals(flat).of(Owner(False, "wallet")) == {WALLET: 1}
    assert Totals(flat).of(Owner(True, "wallet")) == {RECORDS: 3}
    assert Totals.of_parts(dict(Totals(flat).parts())) == flat


def test_what_is_held_does_not_change_when_the_totals_grow() -> None:
    growing = GrowingTotals({WALLET: 1, SHOP: 2})
    held = growing.seen()

    growing.add({WALLET: 4, RECORDS: 1})

    assert held == {WALLET: 1, SHOP: 2}
    assert growing.seen() == {WALLET: 5, SHOP: 2, RECORDS: 1}


def test_a_part_is_the_same_object_until_something_of_its_owner_is_added() -> None:
    growing = GrowingTotals({WALLET: 1, SHOP: 2})
    before = growing.seen()
    assert growing.seen() is before

    growing.add({WALLET: 1})

    after = growing.seen()
    assert after.of(Owner(False, "shop")) is before.of(Owner(False, "shop"))
    assert after.of(Owner(False, "wallet")) is not before.of(Owner(False, "wallet"))


def test_an_owner_without_totals_has_none() -> None:
    assert Totals().of(Owner(True, "nobody")) == {}
