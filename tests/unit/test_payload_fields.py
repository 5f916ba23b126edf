"""Ids, instants, money and words, exactly."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exporter.payload.fields import LARGEST_AMOUNT, currency, digest, identity, instant, minor_units, word

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.uuids())
def test_a_uuid_is_its_own_bytes_in_either_case(value: UUID) -> None:
    assert identity(str(value)) == identity(str(value).upper()) == value.bytes


@pytest.mark.parametrize(
    "text",
    [
        "17",
        "f0c79d0d1b984b8c8ea383a110be191e",
        "f0c79d0d-1b98-4b8c-8ea3-83a110be19  ",
        "x0c79d0d-1b98-4b8c-8ea3-83a110be191e",
    ],
)
def test_any_other_id_is_its_digest(text: str) -> None:
    assert identity(text) == digest(text.strip().encode())


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_blanks_are_no_id(text: str) -> None:
    assert identity(text) is None


moments = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - hypothesis wants naive bounds
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(moments)
def test_an_instant_is_exact_to_the_microsecond_with_any_offset(moment: datetime) -> None:
    expected = (moment - EPOCH) // timedelta(microseconds=1)
    full = moment.isoformat(timespec="microseconds")
    assert instant(full) == expected
    assert instant(full[:-3] + full[-2:]) == expected  # +0500
    assert instant(full.replace("T", "t")) == expected
    assert instant(full.replace("T", " ")) == expected
    assert instant(moment.astimezone(UTC).isoformat().replace("+00:00", "z")) == expected


@given(moments, st.text("0123456789", max_size=9))
def test_fractions_of_any_length_are_cut_off_after_the_microsecond(moment: datetime, fraction: str) -> None:
    base = moment.replace(microsecond=0)
    written = base.strftime("%Y").rjust(4, "0") + base.isoformat()[4:]
    text = written[:19] + ("." + fraction if fraction else "") + written[19:]
    expected = (base - EPOCH) // timedelta(microseconds=1) + int(fraction.ljust(6, "0")[:6])
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2022-02-03",
        "2022-02-03T11:42:35",
        "2022-02-03T11:42:35.533398",
        "2022-02-03T11:42:35.533398+6:000",
        "2022-02-03T11:42:35.533398+24:00",
        "2022-02-03T11:42:35.533398+06:60",
        "2022-02-03T11:42:60.533398+06:00",
        "2022-02-03T11:42:3 .533398+06:00",
        "2022-02-03T11:42:35.5_3398+06:00",
        "2022-02-30T11:42:35.533398+06:00",
        "2022-02-03T24:00:00.000000+06:00",
        "2022-02-03T11:42:35.٥٣٣٣٩٨+06:00",
        "0000-02-03T11:42:35Z",
        "2022-02-03T11:42:35.Z",
        "2022-02-03T11:42:35.1234567890Z",
        "2022-02-03T11:42:35 +06:00",
        "03.02.2022 11:42:35",
        "1643866955",
        " 2022-02-03T11:42:35Z",
    ],
)
def test_what_is_no_instant_with_an_offset_is_none(text: str) -> None:
    assert instant(text) is None


@given(st.text("0123456789-+:.TtZz _e", min_size=30, max_size=34))
def test_no_text_makes_the_instant_fail(text: str) -> None:
    assert instant(text) is None or isinstance(instant(text), int)


@given(st.integers(0, LARGEST_AMOUNT), st.sampled_from([0, 2, 3, 4]))
def test_amounts_are_exact_against_decimal(units: int, exponent: int) -> None:
    value = Decimal(units) / 10**exponent if units < 10**15 else Decimal(f"{units}e-{exponent}")
    for written in (f"{value:f}", f"{units}e-{exponent}", f"{units}0000.00E-{exponent + 4}", f"+{value:f}"):
        assert minor_units(written.encode(), exponent) == units


@given(st.decimals(allow_nan=True, allow_infinity=True), st.sampled_from([0, 2, 3]))
def test_an_amount_is_exact_or_refused(value: Decimal, exponent: int) -> None:
    assume(len(str(value)) <= 64)
    found = minor_units(str(value).encode(), exponent)
    if found is None:
        assert (
            not value.is_finite()
            or value < 0
            or value.adjusted() > 12
            or value.scaleb(exponent) != value.scaleb(exponent).to_integral_value()
        )
    else:
        assert found == value.scaleb(exponent)


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b".",
        b"-",
        b"-1",
        b"-0.01",
        b"0.001",
        b"1e-3",
        b"NaN",
        b"Infinity",
        b"1e999",
        b"1e-999999999",
        b"1_000",
        b"12,22",
        b"\xd9\xa1",
        b"90071992547409.93",
        b"10000000000000.01",
        b"9" * 65,
        b"true",
        b"null",
    ],
)
def test_what_is_no_money_is_none(written: bytes) -> None:
    assert minor_units(written, 2) is None


@pytest.mark.parametrize(
    ("written", "exponent", "units"),
    [
        (b"200", 2, 20000),
        (b"12.22", 2, 1222),
        (b"12.2", 2, 1220),
        (b"12.22000000000000000000000000000000000", 2, 1222),
        (b"0", 2, 0),
        (b"-0.0", 2, 0),
        (b"0e999999", 2, 0),
        (b"2e2", 2, 20000),
        (b" 7 ", 0, 7),
        (b"1.234", 3, 1234),
        (b"10000000000000.00", 2, LARGEST_AMOUNT),
    ],
)
def test_money_in_every_spelling(written: bytes, exponent: int, units: int) -> None:
    assert minor_units(written, exponent) == units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KZT", ("KZT", 2)),
        (" usd ", ("USD", 2)),
        ("JPY", ("JPY", 0)),
        ("KWD", ("KWD", 3)),
        ("KZ", None),
        ("K1T", None),
        ("ТНГ", None),
        ("", None),
        (" " * 20 + "KZT", None),
    ],
)
def test_currencies_and_their_decimals(text: str, expected: tuple[str, int] | None) -> None:
    assert currency(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", ""),
        (" ok ", "ok"),
        (0, "0"),
        (0.0, "0"),
        (-1, "-1"),
        (-0.0, "0"),
        (454.0, "454"),
        (1.5, "1.5"),
        ("x" * 70 + " ", "x" * 70),
    ],
)
def test_words_are_text_whatever_they_were(value: str | float | None, expected: str) -> None:
    assert word(value) == expected
