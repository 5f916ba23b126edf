"""Operations as columns are the operations that they were made of."""

from exporter.model import Operations, Page, Rejection
from tests.builders import T0, id_of, operation

FIRST = operation("a", mark=7, likeness=3, details=(("card", "VISA"),))
SECOND = operation("b", T0 + 1, status="failed", amount=5)
THIRD = operation("c", T0 + 2)


def test_columns_give_back_the_operations_in_their_order() -> None:
    columns = Operations.of((FIRST, SECOND, THIRD))

    assert list(columns) == [FIRST, SECOND, THIRD]
    assert (columns[1], columns[-1], len(columns)) == (SECOND, THIRD, 3)
    assert Operations.of(columns) is columns


def test_what_has_the_same_words_shares_them() -> None:
    first, second, third = Operations.of((FIRST, SECOND, THIRD)).words

    assert first is third
    assert first is not second
    assert first.texts == ("98151552", "ok", "00", "0", "KZT")


def test_parts_and_choices_are_of_all_columns() -> None:
    columns = Operations.of((FIRST, SECOND, THIRD))

    assert columns[1:] == (SECOND, THIRD)
    assert columns.chosen((True, False, True)) == [FIRST, THIRD]
    assert not columns[3:]


def test_several_are_joined_in_their_order() -> None:
    one, other = Operations.of((FIRST,)), Operations.of((SECOND, THIRD))

    assert Operations.joined((one, other)) == (FIRST, SECOND, THIRD)
    assert Operations.joined((one,)) is one
    assert Operations.joined(()) == ()


def test_columns_are_equal_to_any_sequence_of_the_same_operations() -> None:
    columns = Operations.of([FIRST, SECOND])

    assert columns == (FIRST, SECOND)
    assert columns != (SECOND, FIRST)
    assert columns != 2


def test_a_page_knows_the_ids_of_all_its_records() -> None:
    for operations in ((FIRST,), Operations.of((FIRST,))):
        page = Page(3, operations, (Rejection(id_of("r"), "amount"),), (id_of("u"),))

        assert list(page.ids()) == [id_of("a"), id_of("r"), id_of("u")]
