from __future__ import annotations

import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.rows import (
    EPOCH_SHIFT,
    HEADER,
    TRAILER,
    array_data,
    as_rows,
    copy_data,
    pack_row,
    pack_rows,
    read_key,
)

reals = st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False)
one_row = st.tuples(
    st.integers(1, 2**31 - 1), st.integers(0, 2**52), st.integers(-(10**10), 10**10), reals, reals
)
Row = tuple[int, int, int, float | None, float | None]


def values(stream: bytes) -> list[Row]:
    """The rows of a binary COPY stream, read as PostgreSQL's documentation describes it."""
    assert stream.startswith(HEADER)
    found, at = [], len(HEADER)
    while stream[at : at + 2] != TRAILER:
        assert stream[at : at + 2] == b"\0\x05"
        at += 2
        fields: list[bytes | None] = []
        for _ in range(5):
            (size,) = struct.unpack_from("!i", stream, at)
            fields.append(None if size < 0 else stream[at + 4 : at + 4 + size])
            at += 4 + max(size, 0)
        ts, meter, energy, voltage, current = fields
        assert ts is not None
        assert meter is not None
        assert energy is not None
        found.append(
            (
                int.from_bytes(meter, "big"),
                int.from_bytes(ts, "big", signed=True) + EPOCH_SHIFT,
                int.from_bytes(energy, "big", signed=True),
                None if voltage is None else struct.unpack("!f", voltage)[0],
                None if current is None else struct.unpack("!f", current)[0],
            )
        )
    assert at + 2 == len(stream)
    return found


@given(st.lists(one_row, max_size=20))
def test_a_stream_holds_every_value_of_every_row(rows: list[Row]) -> None:
    stream = copy_data(as_rows(pack_row(*row) for row in rows))
    assert sorted(values(stream), key=repr) == sorted(rows, key=repr)


@given(st.lists(one_row, min_size=1, max_size=20))
def test_packed_by_columns_or_one_by_one_is_the_same(rows: list[Row]) -> None:
    meter, ts, energy, voltage, current = (list(column) for column in zip(*rows, strict=True))
    reals = ([math.nan if real is None else real for real in column] for column in (voltage, current))
    assert pack_rows(meter, ts, energy, *reals) == b"".join(pack_row(*row) for row in rows)


def test_arrays_are_the_columns_of_the_rows() -> None:
    rows = as_rows([pack_row(1, EPOCH_SHIFT, 2, None, 4.0), pack_row(5, EPOCH_SHIFT, 6, 7.0, None)])
    header = bytes.fromhex("00000001 00000001 00000017 00000002 00000001")
    assert array_data(rows)[1] == header + bytes.fromhex("00000004 00000001 00000004 00000005")
    assert array_data(rows)[3][20:] == bytes.fromhex("ffffffff 00000004 40e00000")
    assert array_data(rows)[4][20:] == bytes.fromhex("00000004 40800000 ffffffff")


@given(st.integers(1, 2**31 - 1), st.integers(0, 2**52))
def test_keys_are_read_back(meter: int, ts: int) -> None:
    row = as_rows([pack_row(meter, ts + EPOCH_SHIFT, 0, None, None)])
    assert read_key(row["meter_id"].tobytes(), row["ts"].tobytes()) == (meter, ts)
