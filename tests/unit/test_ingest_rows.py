from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.rows import HEADER, TRAILER, copy_data, pack_row, unpack_row

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
