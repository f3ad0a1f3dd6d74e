from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.rows import (
    EPOCH_SHIFT,
    HEADER,
    TIME,
    TRAILER,
    array_data,
    copy_data,
    pack_row,
    read_key,
    unpack_row,
)

reals = st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.integers(1, 2**31 - 1), st.integers(0, 2**52), st.integers(-(10**10), 10**10), reals, reals)
def test_packing_keeps_every_column(
    meter: int, ts: int, energy: int, voltage: float | None, current: float | None
) -> None:
    row = pack_row(meter, ts, energy, voltage, current)
    assert unpack_row(row) == (ts, meter, energy, voltage, current)


def test_a_stream_is_header_rows_trailer() -> None:
    row = pack_row(1, 0, 0, None, None)
    assert copy_data([row, row]) == HEADER + row + row + TRAILER


def test_where_the_time_stands() -> None:
    assert int.from_bytes(pack_row(1, 7 + EPOCH_SHIFT, 2, None, None)[TIME]) == 7


def test_arrays_are_cut_out_of_rows() -> None:
    rows = [pack_row(1, EPOCH_SHIFT, 2, None, 4.0), pack_row(5, EPOCH_SHIFT, 6, 7.0, None)]
    header = bytes.fromhex("00000001 00000001 00000017 00000002 00000001")
    assert array_data(rows)[1] == header + bytes.fromhex("00000004 00000001 00000004 00000005")
    assert array_data(rows)[3][20:] == bytes.fromhex("ffffffff 00000004 40e00000")
    assert array_data(rows)[4][20:] == bytes.fromhex("00000004 40800000 ffffffff")


@given(st.integers(1, 2**31 - 1), st.integers(0, 2**52))
def test_keys_are_read_back(meter: int, ts: int) -> None:
    row = pack_row(meter, ts, 0, None, None)
    assert read_key(row[18:22], row[TIME]) == (meter, ts)
