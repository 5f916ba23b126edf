"""Entries as columns are the entries that they were made of."""

from exporter.model import Entries, Entry, Outcome, Series, SeriesKey, Standing
from tests.builders import T0, id_of

KEY = SeriesKey("wallet", Outcome.SUCCESS, "ok", "00", "0", "none")
FIRST = Entry(id_of("a"), T0, KEY, 100, "KZT", Standing.COUNTED)
SECOND = Entry(id_of("b"), T0 + 1, KEY, 200, "USD", Standing.EXEMPT, (("card", "VISA"),))


def test_columns_give_back_the_entries_in_their_order() -> None:
    columns = Entries.of((FIRST, SECOND))

    assert list(columns) == [FIRST, SECOND]
    assert len(columns) == 2
    assert [series.pair for series in columns.series] == [(KEY, "KZT"), (KEY, "USD")]
    assert Entries.of(columns) is columns


def test_the_series_of_the_same_labels_is_one_object() -> None:
    assert Series.of(SeriesKey(*KEY), "KZT") is Series.of(KEY, "KZT")
    assert Series.of(KEY, "KZT") is not Series.of(KEY, "USD")
    assert Series.of(KEY._replace(outcome=Outcome.PENDING), "KZT").pending


def test_no_entries_are_no_columns_either() -> None:
    assert not Entries.of(())
    assert Entries.of([]) == ()


def test_columns_are_equal_to_any_collection_of_the_same_entries() -> None:
    columns = Entries.of([FIRST, SECOND])

    assert columns == (FIRST, SECOND)
    assert columns != (SECOND, FIRST)
    assert columns != 2
    assert FIRST in columns
    assert FIRST._replace(amount=1) not in columns
