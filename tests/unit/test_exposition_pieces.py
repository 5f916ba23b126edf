"""What is kept between snapshots is never stale: after any sequence of them both ways expose the same."""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_parsed
from prometheus_client.parser import text_string_to_metric_families as text_parsed

from exporter.exposition import Exposition
from exporter.exposition.compression import beginning, blocks, deflated
from exporter.model import (
    AMOUNT_BUCKETS,
    DELAY_BUCKETS,
    HOUR,
    MINUTE,
    SECOND,
    CalendarEntry,
    Difference,
    Expected,
    Family,
    Forecast,
    Outcome,
    SeriesKey,
    Snapshot,
    Supervision,
    TerminalSnapshot,
    Threshold,
    Total,
    Totals,
    WindowTally,
)
from tests.plain.bodies import OPENMETRICS, TEXT, body_of, by_family, plain_body_of
from tests.plain.families import families
from tests.tools import NOW, terminal_snapshot

NAMES = (
    "wallet",
    "main",
    'a"b',
    "back\\slash",
    "new\nline",
    "",
    "100%b %d %",
    "ұялы 💳",
    "# EOF",
    "{a=\\n}",
    "cr\r\x00",
)
"""Terminals, one of which is called like an account; and what escaping, templates and parsers can stumble over."""

values = st.sampled_from(["", "00", "51", '"', "\\", "\n", "%s", "%(a)d", "é", "other", "a,b} 1"])
numbers = st.integers(0, 20) | st.integers(999_990, 1_000_010) | st.integers(0, 10**17)
currencies = st.sampled_from(["KZT", "JPY", "KWD", 'X"%'])
outcomes = st.sampled_from(Outcome)


def keys(name: str) -> st.SearchStrategy[SeriesKey]:
    return st.builds(SeriesKey, st.just(name), outcomes, values, values, values, st.sampled_from(["none", "funds"]))


def owned(name: str) -> st.SearchStrategy[Mapping[Total, int]]:
    """Totals of a terminal, and of an account of the same name."""
    named = st.just(name)
    key = keys(name).map(tuple)
    of = {
        Family.OPERATIONS: key,
        Family.AMOUNT: st.tuples(key, currencies).map(lambda pair: (*pair[0], pair[1])),
        Family.AMOUNT_BUCKET: st.tuples(named, outcomes, currencies, st.integers(0, len(AMOUNT_BUCKETS)).map(str)),
        Family.AMOUNT_SUM: st.tuples(named, outcomes, currencies),
        Family.FINALIZATION_BUCKET: st.tuples(named, st.integers(0, len(DELAY_BUCKETS)).map(str)),
        Family.FINALIZATION_SUM: st.tuples(named),
        Family.VISIBILITY_BUCKET: st.tuples(named, st.integers(0, len(DELAY_BUCKETS)).map(str)),
        Family.VISIBILITY_SUM: st.tuples(named),
        Family.RECORDS: st.tuples(named, st.sampled_from(["new", "late"])),
        Family.REJECTED: st.tuples(named, values),
        Family.STATUS_CHANGES: st.tuples(named, outcomes, outcomes),
        **dict.fromkeys((Family.GAP, Family.UNKNOWN_CODES, Family.LABEL_OVERFLOW, Family.DUPLICATES), st.tuples(named)),
    }
    each = st.one_of([st.tuples(st.just(family), labels) for family, labels in of.items()])
    return st.dictionaries(each.map(lambda pair: Total(*pair)), numbers, max_size=12)


def tallies(name: str) -> st.SearchStrategy[WindowTally]:
    return st.builds(
        WindowTally,
        st.sampled_from([5 * MINUTE, 90 * MINUTE]),
        st.dictionaries(keys(name), numbers, max_size=4),
        st.dictionaries(st.tuples(keys(name), currencies), numbers, max_size=4),
        st.dictionaries(st.tuples(outcomes, currencies), numbers, max_size=3),
        st.dictionaries(st.tuples(values, values, outcomes, values), numbers, max_size=3),
    )


floats = st.floats(0, 1e18) | st.sampled_from([0.0, 1e-7, 999_999.5, 1e6, 1e16, 123_456_789.25])
forecasts = st.builds(
    Forecast,
    st.lists(
        st.builds(Expected, st.sampled_from([15 * MINUTE, HOUR]), st.sampled_from(["", "KZT"]), floats, floats, floats),
        max_size=3,
        unique_by=lambda expected: (expected.window, expected.currency),
    ).map(tuple),
    st.integers(0, 4),
    st.none() | st.integers(0, HOUR),
    st.integers(0, 7),
)
instants = st.none() | st.integers(NOW - 3 * MINUTE, NOW)


def terminals(name: str) -> st.SearchStrategy[TerminalSnapshot]:
    return st.builds(
        lambda difference, **fields: replace(terminal_snapshot(name, **fields), difference=difference),
        st.none() | st.builds(Difference, st.integers(-5, 5), st.dictionaries(currencies, st.integers(-9, 9))),
        account=st.sampled_from(["main", 'odd"\\\n%']),
        labels=st.dictionaries(st.sampled_from(["team", "shop", "account"]), values),
        windows=st.lists(tallies(name), max_size=2, unique_by=lambda tally: tally.window),
        read=st.booleans(),
        tried=st.booleans(),
        failing=st.booleans(),
        last_success=instants,
        catching_up=st.booleans(),
        window_complete=st.booleans(),
        pending=st.integers(0, 3),
        oldest_pending=instants,
        newest=instants,
        forecast=st.none() | forecasts,
    )


supervisions = st.builds(
    Supervision,
    st.dictionaries(
        st.sampled_from(NAMES),
        st.lists(
            st.builds(Threshold, values, st.sampled_from(["warning", "critical"]), floats),
            max_size=3,
            unique_by=lambda threshold: threshold[:2],
        ).map(tuple),
        max_size=3,
    ),
    st.lists(
        st.builds(
            CalendarEntry,
            st.integers(NOW - 2, NOW + 2),
            st.integers(NOW - 2, NOW + 2),
            st.sampled_from(["holiday", "maintenance"]),
            st.lists(st.sampled_from(NAMES), max_size=1).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots that follow each other: of what one has, the next keeps, changes, drops and adds something."""
    shown: dict[str, TerminalSnapshot] = {}
    parts: dict[str, Mapping[Total, int]] = {}
    born: dict[Total, int] = {}
    found: list[Snapshot] = []
    supervision = Supervision()
    for sequence in range(10, 10 + draw(st.integers(1, 4))):
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
            shown[name] = draw(terminals(name))
            parts[name] = draw(owned(name))
        if draw(st.booleans()):
            shown.pop(draw(st.sampled_from(NAMES)), None)
        for name in draw(st.lists(st.sampled_from([*parts, "nobody"]), max_size=2)):
            parts[name] = {total: value + 1 for total, value in parts.get(name, {}).items()}
        supervision = draw(st.just(supervision) | supervisions)
        totals = {total: value for part in parts.values() for total, value in part.items()}
        for total in totals.keys() - born.keys():
            born[total] = draw(st.sampled_from([0, sequence]))
        before = found[-1] if found else None
        found.append(
            Snapshot(
                sequence=sequence,
                taken=NOW - SECOND,
                stale_after=45 * SECOND,
                terminals=tuple(shown.values()),
                totals=_sharing(totals, before.totals if before else None),
                born=_sharing(born, before.born if before else None),
                supervision=supervision,
            )
        )
    return found


def _sharing(flat: Mapping[Total, int], before: Totals | None) -> Totals:
    """Totals of which those parts are the same objects as before that are equal, as a publication has them."""
    parts = dict(Totals(flat).parts())
    for owner in parts:
        if before is not None and before.of(owner) == parts[owner]:
            parts[owner] = before.of(owner)
    return Totals.of_parts(parts)


def assert_same(of: Snapshot, now: int, exposed: int, exposition: Exposition) -> None:
    for accept in (TEXT, OPENMETRICS):
        body = body_of(of, now, exposed, accept, exposition)
        assert by_family(body) == by_family(plain_body_of(of, now, exposed, accept))


@settings(max_examples=150, deadline=None)
@given(history=histories(), data=st.data())
def test_after_any_snapshots_at_any_time_both_ways_expose_the_same_to_every_scraper(
    history: Sequence[Snapshot], data: st.DataObject
) -> None:
    exposition = Exposition()
    for of in history:
        if data.draw(st.booleans(), "prepared"):
            exposition.prepare(of, NOW)
        for now in data.draw(st.lists(st.integers(NOW - 2 * MINUTE, NOW + 2 * MINUTE) | st.just(NOW), max_size=2)):
            assert_same(of, now, data.draw(st.integers(8, 14)), exposition)
    assert_same(history[-1], NOW, 9, exposition)


@settings(max_examples=50, deadline=None)
@given(history=histories())
def test_parsers_read_the_samples_of_both_ways_alike(history: Sequence[Snapshot]) -> None:
    exposition = Exposition()
    for of in history:
        exposition.prepare(of, NOW)
    of = history[-1]
    expected = {
        (sample.name, frozenset(sample.labels.items()), repr(float(sample.value)))
        for family in families(of, NOW, 10)
        for sample in family.samples
    }
    for accept, parse in ((TEXT, text_parsed), (OPENMETRICS, openmetrics_parsed)):
        found = [
            (sample.name, frozenset(sample.labels.items()), repr(float(sample.value)))
            for family in parse(body_of(of, NOW, 10, accept, exposition).decode())
            for sample in family.samples
        ]
        assert len(found) == len(set(found))
        assert set(found) == expected


def test_what_has_not_changed_is_neither_written_nor_compressed_again() -> None:
    """Told by identity: the texts and blocks are the same objects."""
    exposition = Exposition()
    one, other = terminal_snapshot("one"), terminal_snapshot("other")
    before = Snapshot(1, NOW, 45 * SECOND, (one, other), Totals())
    exposition.zipped(before, NOW, 0, b"", openmetrics=True)
    texts = {name: pieces.texts for name, pieces in exposition._writer.terminals.items()}
    kept = {each: found for each, found in exposition._writer._picture.blocks.items() if "window" in each.name}

    changed = replace(other, difference=Difference(1, {"KZT": 5}))
    exposition.zipped(replace(before, sequence=2, terminals=(one, changed)), NOW, 0, b"", openmetrics=True)

    after = {name: pieces.texts for name, pieces in exposition._writer.terminals.items()}
    assert all(new is old for new, old in zip(after["one"], texts["one"], strict=True))
    assert after["other"] != texts["other"]
    for each, found in kept.items():
        assert all(new is old for new, old in zip(exposition._writer._picture.blocks[each], found, strict=True))


@given(st.lists(st.lists(st.binary(max_size=3_000), max_size=5).map(tuple), max_size=4), st.binary())
def test_joined_blocks_are_one_gzip_member(columns: list[tuple[bytes, ...]], last: bytes) -> None:
    zipped = [block.deflated for column in columns for block in blocks(column, ())]
    member = beginning((b"".join(column) for column in columns), zipped).ended(last)

    whole = b"".join(b"".join(column) for column in columns) + last
    assert gzip.decompress(member) == whole
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert reader.decompress(member) == whole
    assert (reader.eof, reader.unused_data) == (True, b"")


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_deflated_parts_do_not_refer_to_each_other(size: int) -> None:
    part = deflated(b"a" * size)
    assert zlib.decompressobj(-zlib.MAX_WBITS).decompress(part + part) == b"a" * size * 2
