"""The index of ids in memory: it never misses one that is stored, and almost never names one that is not."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.state.sqlite.sieve import Sieve

_ids = st.lists(st.binary(min_size=16, max_size=16), max_size=40)


def _alike(count: int, start: int = 0) -> list[bytes]:
    """Ids that differ in one byte or two only, as those made from a clock and an address do."""
    return [b"\x01\x93\x5e" + (start + n).to_bytes(5, "big") + bytes(8) for n in range(count)]


@given(hours=st.dictionaries(st.integers(-5, 600_000), _ids, max_size=6), others=_ids)
def test_every_id_is_found_in_each_of_its_hours(hours: dict[int, list[bytes]], others: list[bytes]) -> None:
    sieve = Sieve()
    for hour, ids in hours.items():
        sieve.add(ids, hour)
    asked = [*others, *(id_ for ids in hours.values() for id_ in ids)]

    assert set(sieve.hours(asked, hours)) >= {(id_, hour) for hour, ids in hours.items() for id_ in ids}


def test_ids_of_a_pattern_are_told_apart() -> None:
    sieve = Sieve()
    sieve.add(_alike(20_000), 7)

    assert len(list(sieve.hours(_alike(20_000, 20_000), {7}))) < 10
    assert len(set(sieve.hours(_alike(20_000), {7}))) == 20_000


def test_an_hour_that_is_not_kept_is_not_named() -> None:
    sieve = Sieve()
    sieve.add(_alike(100), 7)
    sieve.add(_alike(100), 8)

    assert {hour for _, hour in sieve.hours(_alike(100), {8})} == {8}


def test_room_is_given_back_when_hours_end_and_what_is_kept_stays() -> None:
    sieve, kept = Sieve(), _alike(1000, 1000)
    for hour in range(3):
        sieve.add(_alike(1000), hour)
    sieve.add(kept, 3)
    before = sum(map(len, sieve._buckets))
    sieve.let_go({3})

    assert sum(map(len, sieve._buckets)) == before / 4
    assert set(sieve.hours(kept, {3})) == {(id_, 3) for id_ in kept}
    sieve.let_go(set())
    assert sum(map(len, sieve._buckets)) == 0
