from __future__ import annotations

import contextlib
import gzip
import json
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import BadRequest, PayloadTooLarge, Unprocessable
from workers.ingest.body import MALFORMED, gunzip, parse_document, parse_leniently, parse_lines

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
