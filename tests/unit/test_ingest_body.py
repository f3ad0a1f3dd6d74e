from __future__ import annotations

import contextlib
import gzip
import json
import math
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.ingest.body import decode, gunzip, parse_document, parse_leniently, parse_lines
from workers.ingest.readings import MALFORMED, Reading, fault, shape
from workers.lib.errors import BadRequest, PayloadTooLarge, Unprocessable

json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_object_and_bare_array_are_the_same() -> None:
    assert parse_document(b'{"readings": [1, 2]}') == parse_document(b"[1, 2]") == [1, 2]


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "nul", '{"readings": [', "[" * 100_000, "'a'", "\xff\xfe["]
)
def test_what_is_not_json_is_malformed(text: str) -> None:
    with pytest.raises(BadRequest) as raised:
        parse_document(text.encode("latin-1"))
    assert raised.value.code == "malformed_json"


@pytest.mark.parametrize(
    "text", ["1", '"a"', "null", "{}", '{"reading": []}', '{"readings": {}}', '{"readings": [], "x": 1}']
)
def test_json_that_is_no_batch(text: str) -> None:
    with pytest.raises(Unprocessable) as raised:
        parse_document(text.encode())
    assert raised.value.code == "invalid_batch"


def test_odd_values_stay_within_their_reading() -> None:
    first, nan, infinite, huge, stray, escaped = parse_document(
        b"[1, NaN, -1e999, 1" + b"0" * 5000 + b', "\xff", "\\ud800"]'
    )
    assert first == 1
    assert math.isnan(nan)
    assert infinite == -math.inf
    assert huge == math.inf
    assert stray == "\udcff"
    assert escaped == "\ud800"


def test_lines_fail_alone_and_blank_lines_do_not_count() -> None:
    assert parse_lines(b'{"a": 1}\r\n\n  \n{bad\n[NaN]\n"\xff"\n2') == [
        {"a": 1},
        MALFORMED,
        [pytest.approx(math.nan, nan_ok=True)],
        "\udcff",
        2,
    ]


# What a value may be written as: right for one field or another, or for none, or not JSON at all.
odd = st.sampled_from(
    [
        *("0", "-0", "-0.0", "1e6", "1E+06", "1000000.0000001", "-1e5", "-100000.00000000001", "1e0000001"),
        *("1.7976931348623159e308", "1e309", "-1e999", "5e-324", "1e-400", "1" + "0" * 400, "0." + "3" * 40),
        *("9007199254740993", "18446744073709551615", "18446744073709551616", "-9223372036854775809"),
        *("01", "1.", ".5", "+1", "-", "0x1", "1_0", "NaN", "Infinity", "null", "true", "", "[]", "{}"),
        *('""', '"1"', r'"\u0000"', r'"\ud83d\ude00"', r'"\ud800"', r'"\ude00"', r'"\t\/"', r'"\x"'),
        *('"\0"', '"\x01"', '"\x7f"', '"\t"', '"\ufeff"', '"\ud800"'),
        *(f'"{letter * length}"' for letter in ("a", "€", "😀") for length in (40, 41, 64, 65)),
    ]
)
texts = st.builds(json.dumps, st.text(min_size=1, max_size=40), ensure_ascii=st.booleans())
numbers = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)
right = {
    "meter_id": texts,
    "timestamp": texts,
    "kwh": numbers | st.decimals(allow_nan=False, allow_infinity=False).map(str),
    "voltage": st.floats(0, 1e6).map(repr) | st.integers(0, 1_000_000).map(str) | st.just("null"),
    "current": st.floats(-1e5, 1e5).map(repr) | st.integers(-100_000, 100_000).map(str) | st.just("null"),
}


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bool]:
    """A body of a few readings with at most one thing odd in each, and whether it is of lines."""

    def seldom() -> bool:
        return draw(st.integers(0, 7)) == 7

    def reading() -> str:
        names = draw(st.permutations([name for name in right if name != "current" or draw(st.booleans())]))
        fields = [(name, draw(right[name])) for name in names]
        if seldom():
            names = [*right, "other", "Kwh", "", r"meter\u005fid"]
            fields[draw(st.integers(0, 3))] = (draw(st.sampled_from(names)), draw(odd))
        if seldom():
            fields.insert(0, (draw(st.sampled_from([*right])), draw(odd)))
        blank = draw(st.sampled_from([" ", "\t", "\r", "\n", "\x0b", "\xa0"])) if seldom() else ""
        return "{" + ",".join(f'{blank}"{name}":{blank}{value}' for name, value in fields) + blank + "}"

    items = [draw(odd) if seldom() else reading() for _ in range(draw(st.integers(0, 3)))]
    lines = draw(st.booleans())
    if lines:
        ends = ["\n", "\n\n", "\r\n", " ", "", "\n\x0c", "\n,"]
        text = (draw(st.sampled_from(ends)) if seldom() else "\n").join(items)
    else:
        array = "[" + ",".join(items) + "]"
        text = draw(st.sampled_from([array, f'{{"readings": {array}}}']))
        if seldom():
            around = [
                "{}{}",
                '{{"readings":{},"x":1}}',
                '{{"readings":[1],"readings":{}}}',
                "[{}]",
                "{},",
                "\ufeff{}",
            ]
            text = draw(st.sampled_from(around)).format(array, array)
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    if data and seldom():
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data), lines


def values(readings: list[Any]) -> list[object]:
    """Comparable: the fields of each reading, and the very bits of its numbers."""
    return [
        one and {name: repr(getattr(one, name)) for name in Reading.__struct_fields__} for one in readings
    ]


@settings(max_examples=500)
@given(bodies())
def test_what_is_decoded_at_once_is_what_is_read_one_by_one(body: tuple[bytes, bool]) -> None:
    data, lines = body
    at_once = decode(data, lines=lines)
    if at_once is not None:
        items = parse_lines(data) if lines else parse_document(data)
        one_by_one = shape(items)
        # Whether a text is a meter code or a time is seen later.
        later = [
            wrong is not None and wrong.startswith(("meter_id: must", "time")) for wrong in map(fault, items)
        ]
        assert [late or one for late, one in zip(later, values(at_once), strict=True)] == [
            late or one for late, one in zip(later, values(one_by_one), strict=True)
        ]


@given(st.lists(json_values))
def test_any_json_array_is_read_back(values: list[object]) -> None:
    assert parse_document(json.dumps(values).encode()) == values


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    parse_lines(data)
    parse_leniently(data)
    with contextlib.suppress(BadRequest, Unprocessable):
        assert isinstance(parse_document(data), list)


@given(st.lists(st.binary(max_size=300), max_size=3))
def test_gzip_in_one_or_several_members(parts: list[bytes]) -> None:
    assert gunzip(b"".join(gzip.compress(part) for part in parts), 1000) == b"".join(parts)


def test_gzip_up_to_the_limit() -> None:
    assert gunzip(gzip.compress(b"x" * 1000), 1000) == b"x" * 1000
    with pytest.raises(PayloadTooLarge):
        gunzip(gzip.compress(b"x" * 1001), 1000)
    with pytest.raises(PayloadTooLarge):
        gunzip(gzip.compress(b"x" * 600) * 2, 1000)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    assert len(bomb) < 100_000
    with pytest.raises(PayloadTooLarge):
        gunzip(bomb, 1_000_000)


@pytest.mark.parametrize(
    "data",
    [b"not gzip", gzip.compress(b"x" * 100)[:-9], gzip.compress(b"x") + b"tail", zlib.compress(b"x")],
    ids=["text", "cut", "tail", "zlib"],
)
def test_what_is_not_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest) as raised:
        gunzip(data, 1000)
    assert raised.value.code == "malformed_gzip"
